"""Searches as a user runs them: what they print, what they leave, and how they are stopped, killed and resumed."""

import csv
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import optuna
import pytest
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from seesaw_nas import __version__
from seesaw_nas.search import loop

QUICK = ["search", "--budget", "300K", "--epochs", "1", "--train-size", "64", "--device", "cpu"]
# trials of about a second, so that there is a middle in which to kill one
LONG = [*QUICK[:3], "--epochs", "3", "--train-size", "300", "--device", "cpu", "--trials", "3", "--name", "long"]
VERBS = [
    "search",
    "resume",
    "tabulate",
    "show",
    "train",
    "evaluate",
    "export",
    "predict",
    "spaces",
    "latency",
    "reference",
]
MEMBER = re.compile(r" *([\d,]+) +\d+\.\d% +([\d,]+) +(\d+\.\d\d)% +(\d+) ([0-9a-f]{16})")


def front_of(out):
    return [match.groups() for line in out.splitlines() if (match := MEMBER.fullmatch(line))]


def finished(folder):
    """(digest, top1) of the trials whose result is in the journal, read as plain JSON lines."""
    found, proposed = {}, {}
    for line in (folder / "optuna.journal").read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            entry = json.loads(line)
            attribute = entry.get("user_attr", {})
            if "proposal" in entry.get("user_attrs", {}):  # a trial begun, with all of its genes
                proposed[len(proposed)] = entry["user_attrs"]["proposal"]["digest"]
            if "result" in attribute:
                found[proposed[entry["trial_id"]]] = attribute["result"]["top1"]
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
    assert re.match(r"plan      2 trials by random, about \d+ s each, \d+ s in all on cpu ", lines[5])
    assert re.match(r"trial +0 +\d+\.\dK Multi-Adds  top-1 +\d+\.\d\d%  \d+ s", lines[6])
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


def test_single_trial_is_not_called_trials(run):
    assert "plan      1 trial by random" in run(trials=1).out


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
    assert "plan      1 trial by random" in out
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
    whole = loop.run
    monkeypatch.setattr(loop, "run", lambda *given, **more: whole(*given, **more, clock=lambda: next(clock)))
    assert "ended because the time limit is reached; 1 trained" in run("--time-limit", "90s", trials=9).out


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(cli, verb):
    code, out, err = cli(verb, "--help")
    assert (code, err) == (0, "")
    assert f"Usage: seesaw-nas {verb}" in out
    assert "--json" in out


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
    return (folder / "optuna.journal").exists() and len(finished(folder)[0]) == 1 and finished(folder)[1] == 2


@pytest.mark.slow
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


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_finished_and_writes_the_results(start, tmp_path):
    cut = tmp_path / "runs" / "long"
    with start(tmp_path, *LONG) as search:
        wait_for(lambda: in_second_training(cut), search)
        search.send_signal(signal.SIGINT)
        out, err = search.communicate()
    assert search.returncode == 130
    assert err == (
        "seesaw-nas: interrupted; what was finished is kept: a search goes on by `seesaw-nas resume RUN`, "
        "a training by --resume\n"
    )
    assert "trial    0" in out
    best = json.loads((cut / "best.json").read_text())
    assert {best["digest"]: best["result"]["top1"]} == finished(cut)[0]
    assert (cut / "report.html").exists()


def test_interrupted_search_answers_130(run, monkeypatch):
    def evaluate(self, architecture, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr("seesaw_nas.evaluate.trained.TrainedEvaluator.evaluate", evaluate)
    code, _, err = run()
    assert code == 130
    assert err.startswith("seesaw-nas: interrupted; what was finished is kept")
    assert err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are POSIX")
def test_disk_that_fills_up_loses_no_finished_trial(start, tmp_path):
    import resource

    def limit():  # the journal takes a good 5,000 bytes a trial
        resource.setrlimit(resource.RLIMIT_FSIZE, (15_000, 15_000))

    with start(tmp_path, *QUICK, "--trials", 9, "--name", "a", preexec_fn=limit) as search:
        _, err = search.communicate()
    assert search.returncode == 2
    assert err.count("\n") == 1
    assert err.startswith("seesaw-nas: cannot write: File too large; free some space; what was finished is kept: ")
    kept, _ = finished(tmp_path / "runs" / "a")
    assert kept
    with start(tmp_path, "resume", "runs/a", "--trials", len(kept) + 1) as resumed:
        _, err = resumed.communicate()
    assert (resumed.returncode, err) == (0, "")
    assert kept.items() <= finished(tmp_path / "runs" / "a")[0].items()


# --- other programs


def test_optuna_opens_the_run_as_it_is(run, tmp_path):
    out = run(trials=3).out
    journal = str(tmp_path / "runs/a/optuna.journal")
    storage = optuna.storages.JournalStorage(JournalFileBackend(journal, lock_obj=JournalFileSymlinkLock(journal)))
    (summary,) = optuna.get_all_study_summaries(storage)
    assert (summary.study_name, summary.n_trials) == ("a", 3)
    study = optuna.load_study(study_name="a", storage=storage)
    assert {(f"{trial.values[0]:.2%}", f"{trial.values[1]:,.0f}") for trial in study.best_trials} == {
        (f"{top1}%", macs) for macs, _, top1, *_ in front_of(out)
    }


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


DASHBOARD = Path(sys.executable).with_name("optuna-dashboard")


@pytest.mark.slow
@pytest.mark.skipif(
    not (DASHBOARD.exists() or shutil.which("optuna-dashboard")), reason="optuna-dashboard is not installed"
)
def test_optuna_dashboard_opens_the_run_as_it_is(run, tmp_path):
    assert run().code == 0
    program = str(DASHBOARD) if DASHBOARD.exists() else shutil.which("optuna-dashboard")
    port = free_port()
    command = [program, "--host", "127.0.0.1", "--port", str(port), str(tmp_path / "runs/a/optuna.journal")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            studies = json.loads(fetched(f"http://127.0.0.1:{port}/api/studies", server))
        finally:
            server.terminate()
    (study,) = studies["study_summaries"]
    assert study["study_name"] == "a"
    assert study["directions"] == ["maximize", "minimize"]


def fetched(address, server, seconds=60):
    end = time.monotonic() + seconds
    while True:
        assert server.poll() is None, "the dashboard ended"
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:
                return answer.read()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
