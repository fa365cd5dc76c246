"""Searches as a user runs them: what they print, what they leave, and how they are stopped, killed and resumed."""

import csv
import json
import re
import shutil
import signal
import sys
import time

import pytest

from seesaw_nas import __version__, api
from seesaw_nas.evaluators import Score
from seesaw_nas.evaluators.trained import TrainedEvaluator
from seesaw_nas.search.engines import serial
from seesaw_nas.search.history.trials_file import read_records

QUICK = ["search", "--budget", "300K", "--epochs", "1", "--train-size", "64", "--device", "cpu"]
# trials of about a second, so that there is a middle in which to kill one
LONG = [*QUICK[:3], "--epochs", "3", "--train-size", "300", "--device", "cpu", "--trials", "3", "--name", "long"]
VERBS = [
    "search",
    "resume",
    "status",
    "runs",
    "dashboard",
    "report",
    "tabulate",
    "audit",
    "supernet",
    "show",
    "train",
    "evaluate",
    "export",
    "predict",
    "spaces",
    "latency",
    "profile",
    "reference",
]
MEMBER = re.compile(
    r" *([\d,]+) +\d+\.\d% +([\d,]+) +\d+\.\d\d% \+- \d+\.\d\d +\d+% +\d+% +(\d+\.\d\d)% +(\d+) ([0-9a-f]{16})"
)


def front_of(out):
    return [match.groups() for line in out.splitlines() if (match := MEMBER.fullmatch(line))]


def finished(folder):
    """(architecture, top1) of the trials whose result is in the history, read as plain JSON lines."""
    found, proposed = {}, {}
    for line in (folder / "trials.jsonl").read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            entry = json.loads(line)
            if "propose" in entry:
                proposed[entry["propose"]] = entry["architecture"]
            elif "end" in entry:
                found[proposed[entry["end"]]] = entry.get("top1")
    return found, len(proposed)


@pytest.fixture
def run(cli):
    """A small search, as it answered."""

    def searched(*arguments, trials=2, name="a"):
        return cli(*QUICK, "--trials", trials, "--name", name, *arguments)

    return searched


# --- what is printed and what is left


def test_plan_trials_front_and_files_are_told(run, tmp_path):
    code, out, err = run()
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[0] for line in lines[:3]] == ["data", "budget", "space"]
    assert lines[0] == "data      digits: 64 images to train on, 359 to validate on"
    assert lines[1] == "budget    300,000 Multi-Adds (MACs) of convolutions and linear layers, one image"
    assert re.match(r"training  quick: 1 epoch, batch 64, ", lines[4])
    assert re.match(r"plan      2 trials by thompson, about \d+ s each, \d+ s in all on cpu ", lines[6])
    assert re.fullmatch(r"threads   \d+ on \d+ cores?, as OMP_NUM_THREADS says", lines[5])
    assert re.match(r"trial +0 +\d+\.\dK Multi-Adds  top-1 +\d+\.\d\d%  \d+ s", lines[7])
    assert "ended because the wanted number of trials, 2, is reached; 2 trained" in lines
    assert "Pareto front, top-1 on the validation split, one seed each" in lines
    for name in ("best.json", "pareto.csv", "report.html"):
        assert out.count(f"runs/a/{name}") == 1
        assert (tmp_path / "runs" / "a" / name).exists()
    with (tmp_path / "runs/a/pareto.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(f"{int(row['macs']):,}", f"{int(row['params']):,}", row["trial"], row["digest"]) for row in rows] == [
        (macs, params, trial, digest) for macs, params, _, trial, digest in front_of(out)
    ]


def test_search_that_trains_nothing_does_not_say_that_it_does(run, tmp_path):
    code, out, err = run("--evaluator", "proxy:flow")
    assert (code, err) == (0, "")
    assert re.search(r"^evaluator proxy:flow: trains nothing: ", out, re.M)
    assert not re.search(r"^training|timed step| trained$", out, re.M)
    assert "is reached; 2 scored" in out
    assert "Pareto front, scores of proxy:flow, no accuracy of trained networks" in out
    assert not re.search(r"top-1|% *$|validation split", out)
    best = json.loads((tmp_path / "runs/a/best.json").read_text())["result"]
    assert best["evaluator"] == "proxy:flow"
    assert not best.keys() & {"recipe", "epochs"}


def test_training_by_another_recipe_than_the_search_s_is_noted(run, cli):
    run()
    first = ["train", "runs/a", "--epochs", "1", "--train-size", "64", "--device", "cpu"]
    note = "note      its top-1 so far is by recipe quick, this training is by paper"
    assert note in cli(*first, "--out", "t").out
    assert "note" not in cli(*first, "--out", "u", "--recipe", "quick").out


def test_single_trial_is_not_called_trials(run):
    assert "plan      1 trial by thompson" in run(trials=1).out


def test_json_is_the_only_thing_on_standard_output(run, tmp_path):
    code, out, err = run("--json")
    found = json.loads(out)
    assert code == 0
    assert "plan      2 trials" in err
    assert (found["run"], found["counts"]["trained"], found["counts"]["failed"]) == ("runs/a", 2, 0)
    assert found["budget"]["high"] == 300_000
    assert found["best"] in found["front"]
    best = json.loads((tmp_path / "runs/a/best.json").read_text())
    assert (found["best"]["digest"], found["best"]["top1"]) == (best["digest"], best["result"]["top1"])
    assert found["best"]["split"] == "validation"


def test_best_is_shown_and_trained(run, cli):
    assert run("--json").code == 0
    assert cli("show", "runs/a").code == cli("show", "runs/a/best.json").code == 0
    code, out, _ = cli("train", "runs/a/best.json", "--epochs", "1", "--train-size", "64", "--out", "t", "--json")
    assert (code, json.loads(out)["split"]) == (0, "test")


def test_search_goes_on_under_the_same_command(run):
    assert run("--resume").code == 0  # nothing there yet: it begins
    code, out, _ = run("--resume", trials=3)
    assert code == 0
    assert "plan      1 trial by thompson" in out
    assert "3 trained" in out


def test_resume_by_folder_with_more_trials_or_none_left(run, cli):
    first = front_of(run().out)
    code, out, _ = cli("resume", "runs/a")
    assert (code, front_of(out)) == (0, first)
    assert "plan      0 trials" in out
    assert "3 trained" in cli("resume", "runs/a", "--trials", 3).out


def test_run_folder_with_brackets_is_named_as_it_is(run):
    assert "runs/a[1]/best.json" in run(name="a[1]").out


def test_time_limit_ends_the_search(run, monkeypatch):
    clock = iter([0.0, 0.0, 99.0])
    whole = serial.run
    monkeypatch.setattr(serial, "run", lambda *given, **more: whole(*given, **more, clock=lambda: next(clock)))
    assert "ended because the time limit is reached; 1 trained" in run("--time-limit", "90s", trials=9).out


# --- successive halving, warm starts, repeats


def outcome(folder):
    """What became of each trial, but for how long it took."""
    return [
        (r.number, r.digest, r.seed, r.state, r.top1, [(e.epoch, e.train_loss, e.top1) for e in r.curve], r.reason)
        for r in read_records(folder / "trials.jsonl")
    ]


@pytest.fixture
def epochs_trained(monkeypatch):
    """(Trial's digest, epoch) of every epoch that is trained."""
    evaluate, heard = TrainedEvaluator.evaluate, []

    def heeded(self, architecture, *, on_epoch=None, **more):
        def told(epoch):
            heard.append((architecture.digest, epoch.epoch))
            if on_epoch:
                on_epoch(epoch)

        return evaluate(self, architecture, on_epoch=told, **more)

    monkeypatch.setattr(TrainedEvaluator, "evaluate", heeded)
    return heard


@pytest.mark.parametrize("scheduler", ["asha", "moasha"])
def test_scheduler_trains_the_best_on_from_their_checkpoints(run, epochs_trained, tmp_path, scheduler):
    code, out, err = run("--scheduler", scheduler, "--epochs", 3, trials=4)
    assert (code, err) == (0, "")
    assert re.search(r"plan +4 trials by thompson, about \d+ s each if not stopped early, as most will be by ", out)
    assert len(re.findall(r"trial +\d +\d+\.\dK Multi-Adds  top-1 +\d+\.\d\d%  paused after epoch 1\n", out)) == 4
    assert out.count("stopped: stopped after 1 of 3 epochs") == 3
    assert "ended because the wanted number of trials, 4, is reached; 1 trained, 3 stopped early" in out
    records = read_records(tmp_path / "runs/a/trials.jsonl")
    (whole,) = [record for record in records if record.state == "complete"]
    # four first epochs, of which the best of the first three goes on
    assert len(epochs_trained) == len(set(epochs_trained)) == 4 + 2
    assert [(whole.digest, epoch) for epoch in (1, 2, 3)] == [e for e in epochs_trained if e[0] == whole.digest]
    assert [epoch.epoch for epoch in whole.curve] == [1, 2, 3]
    assert list((tmp_path / "runs/a/checkpoints").iterdir()) == []
    assert [trial for *_, trial, _ in front_of(out)] == [str(whole.number)]
    assert json.loads((tmp_path / "runs/a/best.json").read_text())["result"]["epochs"] == 3


def test_trial_trained_in_pieces_is_the_one_trained_at_once(run, tmp_path):
    assert run("--scheduler", "asha", "--epochs", 3, trials=3).code == 0
    assert run("--epochs", 3, trials=3, name="b").code == 0
    (whole,) = [trial for trial in outcome(tmp_path / "runs/a") if trial[3] == "complete"]
    assert whole in outcome(tmp_path / "runs/b")


def test_lost_checkpoint_costs_its_epochs_and_no_more(run, cli, epochs_trained, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        clock = iter([0.0] * 4 + [99.0])  # at the start, then before each trial
        whole = serial.run
        patch.setattr(serial, "run", lambda *given, **more: whole(*given, **more, clock=lambda: next(clock)))
        out = run("--scheduler", "asha", "--epochs", 3, "--time-limit", "90s", trials=3).out
    assert "ended because the time limit is reached; 3 paused" in out
    checkpoints = list((tmp_path / "runs/a/checkpoints").iterdir())
    assert len(checkpoints) == 3
    for checkpoint in checkpoints:
        checkpoint.unlink()
    assert "1 trained, 2 stopped early" in cli("resume", "runs/a").out
    assert len(epochs_trained) == 3 + 3
    assert run("--epochs", 3, trials=3, name="b").code == 0
    (again,) = [trial for trial in outcome(tmp_path / "runs/a") if trial[3] == "complete"]
    assert again in outcome(tmp_path / "runs/b")


def test_earlier_run_is_taken_over(run, cli, epochs_trained, tmp_path):
    early = front_of(run().out)
    code, out, err = run("--seed-with", "runs/a", trials=1, name="b")
    assert (code, err) == (0, "")
    assert "plan      1 trial by thompson" in out
    assert "3 trained" in out
    assert "2 of the figures are not of a training in this run; the trials' `reason` says of which" in out
    assert len(epochs_trained) == 3
    assert {(digest, top1) for *_, top1, _, digest in early} <= {
        (r.digest, f"{100 * r.top1:.2f}") for r in read_records(tmp_path / "runs/b/trials.jsonl")
    }
    shutil.rmtree(tmp_path / "runs/a")
    assert "4 trained" in cli("resume", "runs/b", "--trials", 2).out


def test_best_are_trained_again_and_shown(run, cli, tmp_path, monkeypatch):
    evaluate, repeated = TrainedEvaluator.evaluate, []

    def answered(self, architecture, *, seed, **more):
        if seed > 2:  # a trial
            return evaluate(self, architecture, seed=seed, **more)
        repeated.append((architecture.digest, seed))
        return Score({1: 0.90, 2: 0.94}[seed], "validation", 1.0)

    monkeypatch.setattr(TrainedEvaluator, "evaluate", answered)
    code, out, err = run("--confirm", 1, "--seeds", 2)
    assert (code, err) == (0, "")
    assert "training the best again: 2 trainings" in out
    assert re.search(r"Multi-Adds of budget Params +estimate best front +top-1 +again +trial +digest", out)
    # the mean of 90 and 94%; their deviations of 2 each give sqrt(8 / 1) = 2.83
    (again,) = re.findall(r"92\.00% \+- 2\.83 \(2\) +\d+ ([0-9a-f]{16})", out)
    assert "again: mean +- standard deviation (trainings), quick: 4 epochs, " in out
    assert repeated == [(again, 1), (again, 2)]
    best = json.loads((tmp_path / "runs/a/best.json").read_text())
    spread = best["result"]["confirmed"]
    assert best["digest"] == again
    assert (spread["mean"], spread["sd"], spread["n"]) == (pytest.approx(0.92), pytest.approx(0.028284, abs=1e-6), 2)
    assert spread["conditions"]["images"] == "1,079 to train on, 359 to validate on"

    code, out, _ = cli("resume", "runs/a", "--json")
    found = json.loads(out)
    assert (code, found["best"]["digest"]) == (0, again)
    assert found["best"]["confirmed"] == {name: spread[name] for name in ("mean", "sd", "n")} | {"tied_with_best": True}
    assert [member for member in found["front"] if "confirmed" in member] == [found["best"]]
    assert len(repeated) == 2  # nothing is left to train
    assert cli("show", "runs/a").code == 0


def test_resume_may_ask_for_repeats(run, cli, monkeypatch):
    assert "again" not in run(trials=1).out
    monkeypatch.setattr(TrainedEvaluator, "evaluate", lambda *given, **more: Score(0.875, "validation", 1.0))
    assert "87.50% (1)" in cli("resume", "runs/a", "--confirm", 1, "--seeds", 1).out
    assert "87.50% +- 0.00 (2)" in cli("resume", "runs/a", "--confirm", 1, "--seeds", 2).out
    assert "again" in cli("resume", "runs/a").out  # what there is stays


def test_objectives_may_be_top1_alone(run, tmp_path):
    assert run("--objectives", "top1").code == 0
    assert len(front_of(run("--objectives", "top1", "--resume").out)) >= 1
    assert '"objectives":"top1"' in (tmp_path / "runs/a/trials.jsonl").read_text()


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(cli, verb):
    code, out, err = cli(verb, "--help")
    assert (code, err) == (0, "")
    assert f"Usage: seesaw-nas {verb}" in out
    assert ("--json" in out) == (verb != "dashboard")  # which runs until it is stopped


def test_help_lists_every_verb_with_a_whole_sentence(cli):
    code, out, _ = cli("--help")
    assert code == 0
    listed = [line.split(maxsplit=1) for line in out.split("Commands:")[1].splitlines() if line.strip()]
    assert [verb for verb, _ in listed] == VERBS
    assert all(text.endswith(".") and not text.endswith("...") for _, text in listed)


def test_version(cli):
    assert cli("--version").out == f"{__version__}\n"


# --- stopped, killed, resumed


def wait_for(holds, process, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert process.poll() is None, f"ended early with {process.returncode}: {process.communicate()}"
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def in_second_training(folder):
    return (folder / "trials.jsonl").exists() and len(finished(folder)[0]) == 1 and finished(folder)[1] == 2


@pytest.mark.thorough
def test_killed_search_is_resumed_to_the_end_of_the_uninterrupted_one(start, cli, tmp_path):
    code, out, err = cli(*LONG, "--runs-dir", "whole")
    assert (code, err) == (0, "")
    cut = tmp_path / "runs" / "long"
    with start(tmp_path, *LONG) as search:
        wait_for(lambda: in_second_training(cut), search)
        time.sleep(0.2)
        search.kill()
    kept, begun = finished(cut)
    assert (len(kept), begun) == (1, 2)
    assert not (cut / "best.json").exists()
    with start(tmp_path, "resume", cut) as resumed:
        out_resumed, err = resumed.communicate()
    assert (resumed.returncode, err) == (0, "")
    assert kept.items() <= finished(cut)[0].items()
    assert finished(cut) == finished(tmp_path / "whole" / "long")
    assert front_of(out_resumed) == front_of(out) != []
    assert "plan      2 trials" in out_resumed
    for name in ("run.json", "pareto.csv", "best.json", "report.html"):
        assert (cut / name).stat().st_size
    assert "<title>long" in (cut / "report.html").read_text(encoding="utf-8")
    assert json.loads((cut / "best.json").read_text())["digest"] in (cut / "pareto.csv").read_text()


HALVED = [*LONG[:-3], 6, "--scheduler", "asha", "--name", "long"]


@pytest.mark.thorough
def test_halved_search_killed_and_resumed_equals_the_uninterrupted_one(start, cli, tmp_path):
    assert cli(*HALVED, "--runs-dir", "whole").code == 0
    wanted = outcome(tmp_path / "whole/long")
    # the best of three goes on to the end, then the better of the next three that are not yet there
    assert sorted(trial[3] for trial in wanted) == ["complete"] * 2 + ["stopped"] * 4
    cut = tmp_path / "runs" / "long"
    for pauses in (2, 3):  # in the third trial, then where the first goes on from its checkpoint
        command = HALVED if pauses == 2 else ["resume", cut]
        with start(tmp_path, *command) as search:
            wait_for(lambda pauses=pauses: paused(cut) >= pauses, search)
            time.sleep(0.2)
            search.kill()
        assert list((cut / "checkpoints").iterdir())
    with start(tmp_path, "resume", cut) as resumed:
        _, err = resumed.communicate()
    assert (resumed.returncode, err) == (0, "")
    assert outcome(cut) == wanted
    assert list((cut / "checkpoints").iterdir()) == []


def paused(folder):
    """How often a trial was paused."""
    journal = folder / "trials.jsonl"
    return journal.read_text().count('{"pause":') if journal.exists() else 0


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_finished_and_writes_the_results(start, tmp_path):
    cut = tmp_path / "runs" / "long"
    with start(tmp_path, *LONG) as search:
        wait_for(lambda: in_second_training(cut), search)
        search.send_signal(signal.SIGINT)
        out, err = search.communicate()
    assert search.returncode == 130
    assert err == ("seesaw-nas: interrupted; what was finished is kept; it goes on by `seesaw-nas resume runs/long`\n")
    assert "trial    0" in out
    assert "stopping: the running training is still to end; press Ctrl-C again to drop what runs" in out
    kept, begun = finished(cut)
    assert (len(kept), begun) == (2, 2)  # what was running came to its end, and nothing was begun after it
    best = json.loads((cut / "best.json").read_text())
    assert best["result"]["top1"] == max(kept.values())
    assert (cut / "report.html").exists()


@pytest.mark.thorough
def test_second_ctrl_c_drops_what_runs(start, cli, tmp_path):
    endless = [*LONG[:4], 400, *LONG[5:]]
    cut = tmp_path / "runs" / "long"
    with start(tmp_path, *endless) as search:
        wait_for(lambda: (cut / "trials.jsonl").exists() and finished(cut)[1] == 1, search)
        time.sleep(0.5)
        search.send_signal(signal.SIGINT)
        time.sleep(0.5)
        search.send_signal(signal.SIGINT)
        _, err = search.communicate(timeout=60)
    assert search.returncode == 130
    assert err.startswith("seesaw-nas: interrupted; what was finished is kept")
    assert finished(cut) == ({}, 1)


def test_interrupted_search_answers_130(run, monkeypatch):
    def evaluate(self, architecture, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr("seesaw_nas.evaluators.trained.TrainedEvaluator.evaluate", evaluate)
    code, _, err = run()
    assert code == 130
    assert err.startswith("seesaw-nas: interrupted; what was finished is kept")
    assert err.count("\n") == 1


@pytest.mark.thorough
@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_disk_that_fills_up_loses_no_finished_trial(start, tmp_path):
    import resource

    def limit():  # the history takes a good 500 bytes a trial after a first line of 1,500
        resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000))

    with start(tmp_path, *QUICK, "--trials", 9, "--name", "a", preexec_fn=limit) as search:
        _, err = search.communicate()
    assert search.returncode == 2
    assert err.count("\n") == 1
    assert err.startswith("seesaw-nas: cannot write: File too large; free some space; what was finished is kept; ")
    kept, _ = finished(tmp_path / "runs" / "a")
    assert kept
    with start(tmp_path, "resume", "runs/a", "--trials", len(kept) + 1) as resumed:
        _, err = resumed.communicate()
    assert (resumed.returncode, err) == (0, "")
    assert kept.items() <= finished(tmp_path / "runs" / "a")[0].items()


# --- other programs


def test_optuna_has_the_trials_of_a_run(run, tmp_path):
    out = run(trials=3).out
    study = api.study(tmp_path / "runs/a")
    assert (study.study_name, len(study.trials)) == ("a", 3)
    assert {(f"{trial.values[0]:.2%}", f"{trial.values[1]:,.0f}") for trial in study.best_trials} == {
        (f"{top1}%", macs) for macs, _, top1, *_ in front_of(out)
    }
