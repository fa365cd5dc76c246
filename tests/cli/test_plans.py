"""What a search says before it computes: budget, starts, plan, cheaper commands; and how it is gone on with."""

from __future__ import annotations

import json
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from seesaw_nas import api
from seesaw_nas.architecture import specfile
from seesaw_nas.cli.parts.command import typed_with
from seesaw_nas.core.errors import TrainingFailed
from seesaw_nas.evaluators.trained import TrainedEvaluator
from seesaw_nas.space import Feasible, load

SCORES = ["search", "--evaluator", "proxy:flow", "--device", "cpu"]
TRAIN = ["search", "--budget", "300K", "--epochs", "1", "--train-size", "64", "--device", "cpu", "--trials", "2"]


@pytest.fixture
def slow(monkeypatch):
    """Trainings that are said to take an hour each."""
    monkeypatch.setattr(TrainedEvaluator, "estimate", lambda self, architecture: 3600.0)


@pytest.fixture
def specs(tmp_path):
    """Three spec files of the digits' space, from 400K to 600K Multi-Adds."""
    feasible, rng = Feasible.of(load("seesaw-digits"), "400K:600K"), np.random.default_rng(0)
    paths = [tmp_path / f"{number}.json" for number in range(3)]
    for path in paths:
        path.write_text(json.dumps(specfile.document(specfile.Named(path.stem, feasible.draw(rng), "digits"))))
    return [str(path) for path in paths]


def test_a_budget_that_limits_nothing_is_warned_of(cli):
    out = cli(*SCORES, "--budget", "5M", "--trials", "1").out
    assert "note      the budget 5.0M limits nothing: with images of 8x8 the costliest architecture has 983.7K" in out
    assert "the space's own budget at this size is 600K" in out
    assert "limits nothing" not in cli(*SCORES, "--trials", "1").out


def test_a_refused_budget_names_what_would_fit(refused):
    text = refused(*SCORES, "--budget", "100K")
    assert text.endswith("what would fit: no --budget, which means 600K, the space's own for images of 8x8")
    text = refused(*SCORES, "--budget", "5M:6M")
    assert "what would fit: --space seesaw-cifar or seesaw-cifar-tiny, or no --budget" in text


@pytest.fixture
def photos(tmp_path):
    """A folder of small pictures of two classes."""
    rng = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(20):
            pixels = rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{number}.png")
    return ["--dataset", "photos", "--image-size", "16", "--space", "seesaw-digits"]


def test_the_default_budget_is_scaled_to_the_images_and_the_plan_says_so(cli, photos):
    out = cli(*SCORES, *photos, "--trials", "1", "--dry-run").out
    # 16x16 images have four times the 600K of 8x8 ones; three channels in place of one add a little
    assert re.search(r"^budget    2,4\d0,000 ", out, re.M)
    assert "the space's own 600K for images of 8x8, scaled to 16x16" in out
    assert "limits nothing" not in out


def test_a_run_that_began_under_another_default_budget_goes_on_under_it(cli, photos, tmp_path):
    assert cli(*SCORES, *photos, "--trials", "1", "--budget", "600K", "--name", "a").code == 0
    record = tmp_path / "runs/a/run.json"
    begun = json.loads(record.read_text())
    begun["settings"]["budget"] = ""  # as an earlier release recorded that none was given
    record.write_text(json.dumps(begun))
    code, out, err = cli("resume", "runs/a", "--trials", "2")
    assert (code, err) == (0, "")
    assert "budget    600,000 " in out


def test_no_more_starts_are_trained_than_there_are_trials(cli, specs):
    seeds = [part for spec in specs for part in ("--seed-with", spec)]
    code, out, _ = cli(*SCORES, "--trials", "2", *seeds, "--name", "a")
    assert code == 0
    assert "2 scored" in out
    (note,) = [line for line in out.splitlines() if line.startswith("note")]
    assert note.startswith(
        "note      --trials 2 has room for 2 of the 3 architectures of --seed-with; left out: spec: "
    )
    assert note.endswith("; --trials 3 trains them all")
    assert out.index(note) < out.index("trial    0")


def test_starts_that_do_not_fit_are_named(cli):
    seeds = ["--seed-with", "runs/early"]
    assert cli(*SCORES, "--trials", "8", "--name", "early").code == 0
    out = cli(*SCORES, "--trials", "2", "--budget", "300K", *seeds, "--name", "a").out
    assert "architectures are left out, they are not in space 'seesaw-digits' within 300.0K: trial " in out


def test_a_dry_run_prints_the_plan_and_leaves_nothing(cli, tmp_path):
    code, out, err = cli(*TRAIN, "--dry-run")
    assert (code, err) == (0, "")
    assert "plan      2 trials by thompson" in out
    assert "fit the budget" in out
    assert out.endswith("dry run   nothing was trained, and nothing written\n")
    assert list(tmp_path.iterdir()) == []


def test_a_dry_run_as_json(cli, tmp_path):
    found = json.loads(cli(*SCORES, "--trials", "3", "--dry-run", "--json").out)
    assert (found["plan"]["trials"], found["budget"]["high"], found["data"]["name"]) == (3, 600_000, "digits")
    assert found["plan"]["space_size"] > found["plan"]["fitting"] > 10**14
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "verb",
    [
        ["tabulate", "seesaw-digits", "--n", "2", "--seeds", "2", "--out", "t.parquet"],
        ["supernet", "seesaw-digits"],
        ["train", "spec.json", "--dataset", "digits"],
    ],
)
def test_dry_runs_of_other_verbs_leave_nothing(cli, specs, tmp_path, verb):
    verb = [specs[0] if part == "spec.json" else part for part in verb]
    before = sorted(tmp_path.rglob("*"))
    code, out, _ = cli(*verb, "--epochs", "1", "--train-size", "100", "--device", "cpu", "--dry-run")
    assert code == 0
    assert out.endswith("dry run   nothing was trained, and nothing written\n")
    assert sorted(tmp_path.rglob("*")) == before


def test_a_dry_run_of_resume_plans_what_is_left(cli):
    assert cli(*SCORES, "--trials", "2", "--name", "a").code == 0
    assert "plan      3 trials" in cli("resume", "runs/a", "--trials", "5", "--dry-run").out
    assert "trials  2 of 2 begun" in cli("status", "runs/a").out


def test_a_long_plan_names_commands_that_take_less(cli, slow):
    out = cli("search", "--trials", "4", "--device", "cpu", "--epochs", "8", "--dry-run").out
    assert "that is more than an hour" in out
    # 8 epochs of 4 trials take 4 hours, 2 epochs one
    assert "1 h 00 min  seesaw-nas search --trials 4 --device cpu --epochs 2\n" in out
    assert "--scheduler asha" in out
    assert "seesaw-nas search --trials 4 --epochs 8 --device cuda" in out


def test_the_plan_covers_what_follows_the_trials(cli, slow):
    options = ["--trials", "4", "--confirm", "2", "--seeds", "3", "--latency", "--device", "cpu", "--dry-run"]
    out = cli("search", *options).out
    # 4 trainings and 6 repeats of an hour each; 3 networks, each 3.5 s and 4 figures of 1.6 s
    assert "plan      4 trials by thompson, about 1 h 00 min each, 10 h 00 min in all on cpu" in out
    assert "4 h 00 min  the trials\n" in out
    assert "6 h 00 min  training the 2 best again (6 trainings)\n" in out
    assert "30 s  timing a front of about 3\n" in out
    found = json.loads(cli("search", *options, "--json").out)["plan"]
    assert (found["trials_seconds"], found["seconds"]) == pytest.approx((4 * 3600, 10 * 3600 + 29.7))
    assert [part["kind"] for part in found["after"]] == ["again", "latency"]


def test_the_best_are_trained_again_by_the_whole_recipe(cli, slow):
    options = ["--trials", "4", "--confirm", "1", "--seeds", "1", "--device", "cpu", "--dry-run"]
    # four epochs in place of one of the hour's
    out = cli("search", *options, "--epochs", "1").out
    assert "4 h 00 min  training the best again (1 training)\n" in out


def test_the_plan_knows_of_a_time_limit(cli, slow):
    out = cli("search", "--trials", "4", "--device", "cpu", "--time-limit", "2h", "--dry-run").out
    # a third trial does not begin after two hours; the last one is half done on average
    assert "within the time limit of 2 h 00 min about 2 of the 4 trials begin\n" in out
    assert "2 h 30 min in all" in out
    assert "time limit" not in cli("search", "--trials", "4", "--device", "cpu", "--time-limit", "9h", "--dry-run").out


def test_workers_share_the_time(cli, slow, monkeypatch):
    monkeypatch.setattr("seesaw_nas.search.engines.cores", lambda: 2)
    out = cli("search", "--trials", "3", "--device", "cpu", "--engine", "local", "--dry-run").out
    assert "about 1 h 00 min each, 2 at a time, 2 h 00 min in all" in out  # the third beside nothing


def test_the_plan_of_stages_names_each(cli, slow, monkeypatch):
    monkeypatch.setattr("seesaw_nas.workflows.supernets.estimate", lambda *_: 1800.0)
    monkeypatch.setattr("seesaw_nas.workflows.pricing._score_seconds", lambda *_: 1.8)
    options = ["--plan", "shared", "--trials", "2", "--candidates", "2000", "--tuned", "10", "--epochs", "9"]
    out = cli("search", *options, "--device", "cpu", "--dry-run").out
    # 3,600 s are 9 epochs: 10 of one, 6 of three and 2 of nine; 2 best 3 times by the recipe's own 4
    lines = [line.strip() for line in out.splitlines() if line.startswith("       ") and "  " in line.strip()]
    assert [line for line in lines if "seesaw-nas" not in line] == [
        "30 min 00 s  a supernet trained",
        "1 h 00 min  2,000 architectures scored with its weights on 359 images",
        "1 h 06 min  10 architectures trained on from its weights for an epoch",
        "2 h 00 min  6 architectures trained from scratch for 3 epochs",
        "2 h 00 min  the last stage",
        "2 h 40 min  training the 2 best again (6 trainings)",
    ]
    assert (
        "plan      5 stages, the last of which trains 2 architectures for about 1 h 00 min each, 9 h 16 min in all"
        in out
    )


@pytest.fixture
def own_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_a_run_keeps_its_threads_and_another_number_is_warned_of(cli, own_threads, monkeypatch):
    monkeypatch.setattr("seesaw_nas.core.threads.cores", lambda: 4)
    out = cli(*TRAIN, "--threads", "3", "--name", "a").out
    assert "threads   3 on 4 cores, as --threads says\n" in out
    assert "it began with" not in out
    out = cli("resume", "runs/a", "--trials", "3", "--threads", "1").out
    assert "note      runs/a: it began with 3 threads and goes on with 1 thread, so the same seeds give other" in out
    assert "threads   1 on 4 cores, as --threads says\n" in out
    out = cli("resume", "runs/a", "--trials", "4").out
    assert "threads   3 on 4 cores, as --threads says\n" in out  # the run's own setting
    assert "it began with" not in out


@pytest.mark.parametrize(
    ("given", "recorded", "refused"),
    [
        (["--threads", "-1"], 0, "--threads must be at least 0, got -1"),
        ([], -5, "--threads must be at least 0, got -5"),
        ([], 2_000_000, "--threads must be at most 1,024, got 2,000,000"),
        ([], True, "threads wants a whole number, got True"),
    ],
)
def test_numbers_of_threads_that_are_none_are_refused_before_torch_hears_of_them(cli, given, recorded, refused):
    assert cli(*SCORES, "--trials", "1", "--name", "a").code == 0
    file = Path("runs/a/run.json")
    description = json.loads(file.read_text())
    description["settings"]["threads"] = recorded
    file.write_text(json.dumps(description))
    code, _, err = cli("resume", "runs/a", *given)
    assert code == 2
    assert refused in err


def test_a_run_goes_on_with_as_many_threads_as_were_chosen_for_it(cli, own_threads, monkeypatch):
    monkeypatch.setattr("seesaw_nas.core.threads.cores", lambda: 4)
    monkeypatch.setattr("seesaw_nas.core.threads.time_work", lambda count: {4: 9.0, 2: 1.0, 1: 1.9}[count])
    monkeypatch.delenv("OMP_NUM_THREADS")
    torch.set_num_threads(4)
    out = cli(*TRAIN, "--name", "a").out
    assert "threads   2 on 4 cores, the machine is busy: 4 threads do the same work 9.0 times as slowly\n" in out
    torch.set_num_threads(4)
    assert "threads   2 on 4 cores, as it began\n" in cli("resume", "runs/a", "--trials", "3").out
    torch.set_num_threads(4)
    assert "threads   2 on 4 cores, as it began\n" in cli(*TRAIN, "--name", "a", "--resume").out


def test_a_training_that_goes_on_with_other_threads_is_warned_of(cli, specs, own_threads, monkeypatch):
    command = [
        "train",
        specs[0],
        "--dataset",
        "digits",
        "--epochs",
        "1",
        "--train-size",
        "64",
        "--device",
        "cpu",
        "--out",
        "t",
    ]

    def stop(*given, **more):
        raise TrainingFailed("stopped")

    with monkeypatch.context() as patch:
        patch.setattr("seesaw_nas.training.loop.train", stop)
        assert cli(*command, "--threads", "1").code == 2
    code, out, err = cli(*command, "--resume", "--threads", "2")
    assert (code, err) == (0, "")
    assert "note      it began with 1 thread and goes on with 2 threads, so the same seeds give other figures" in out


def test_a_short_plan_names_none(cli):
    assert "more than an hour" not in cli(*TRAIN, "--dry-run").out


@pytest.mark.parametrize(
    ("typed", "options", "command"),
    [
        ("search --dry-run", {"epochs": "2"}, "seesaw-nas search --epochs 2"),
        ("search --epochs=8 --name a", {"epochs": "2"}, "seesaw-nas search --name a --epochs 2"),
        ("search --epochs 8 --name a", {"epochs": "2"}, "seesaw-nas search --name a --epochs 2"),
        ("train x.json --resume", {"resume": ""}, "seesaw-nas train x.json --resume"),
    ],
)
def test_the_command_with_other_options(typed, options, command):
    assert typed_with(options, typed.split()) == command


def test_more_trials_than_architectures_are_said(cli):
    out = cli(*SCORES, "--budget", "119232", "--trials", "50", "--dry-run").out
    assert "note      50 trials are wanted, but only " in out
    assert "plan      50 trials" not in out


def test_status_counts_to_the_trials_that_a_run_was_raised_to(cli):
    assert cli(*SCORES, "--trials", "2", "--name", "a").code == 0
    assert cli("resume", "runs/a", "--trials", "4").code == 0
    assert "trials  4 of 4 begun" in cli("status", "runs/a").out
    assert "goes on with it" not in cli("status", "runs/a").out
    assert cli("resume", "runs/a").out.count("wanted number of trials, 4, is reached") == 1


def test_status_of_a_stopped_run_says_how_to_go_on(cli, monkeypatch):
    def stop(self, architecture, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(TrainedEvaluator, "evaluate", stop)
        code, _, err = cli(*TRAIN, "--name", "a")
    assert code == 128 + signal.SIGINT
    assert err.endswith("it goes on by `seesaw-nas resume runs/a`\n")
    assert "next    seesaw-nas resume runs/a goes on with it" in cli("status", "runs/a").out
    assert json.loads(cli("status", "runs/a", "--json").out)["resume"] == "seesaw-nas resume runs/a"


def test_status_of_a_search_with_a_programs_own_evaluator_says_how_to_go_on_in_python(cli):
    def stop(architecture, seed):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        api.search("seesaw-digits", "600K", evaluator=stop, trials=2, name="own")
    hint = "api.resume('runs/own', given=api.Objects(evaluator=...))"
    assert f"next    {hint} goes on with it" in cli("status", "runs/own").out


def test_interrupted_before_anything_began(cli, monkeypatch):
    def stop(*given, **more):
        raise KeyboardInterrupt

    monkeypatch.setattr("seesaw_nas.workflows.preparing.make_problem", stop)
    assert cli(*TRAIN).err == "seesaw-nas: interrupted; nothing was begun\n"


def test_a_search_whose_own_trials_all_failed_is_a_failure_though_it_took_some_over(cli, monkeypatch):
    assert cli(*TRAIN, "--name", "early").code == 0

    def fail(self, architecture, request):
        raise TrainingFailed("loss is not finite")

    monkeypatch.setattr(TrainedEvaluator, "score", fail)
    code, _, err = cli(*TRAIN, "--seed-with", "runs/early", "--name", "a")
    assert (code, err.count("\n")) == (2, 1)
    assert "all 2 trainings failed, so nothing was found; the last one: loss is not finite" in err


def test_a_search_that_gave_up_is_a_failure(cli, monkeypatch):
    assert cli(*TRAIN, "--name", "a").code == 0

    def fail(self, architecture, request):
        raise TrainingFailed("loss is not finite")

    monkeypatch.setattr(TrainedEvaluator, "score", fail)
    code, _, err = cli("resume", "runs/a", "--trials", "20")
    assert code == 2
    assert "the search gave up, the last 5 trials failed; the last one: loss is not finite" in err
    assert "`seesaw-nas resume runs/a --retry-failed` goes on" in err


def test_searches_of_one_second_have_names_of_their_own(cli, tmp_path, monkeypatch):
    monkeypatch.setattr("seesaw_nas.workflows.folders.datetime", Noon)
    for _ in range(3):
        assert cli(*SCORES, "--trials", "1").code == 0
    name = "digits-600.0K-20261128-120000"
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == [name, f"{name}-2", f"{name}-3"]


class Noon:
    @staticmethod
    def now():
        return Noon()

    def __format__(self, form):
        return time.strftime(form, (2026, 11, 28, 12, 0, 0, 0, 0, 0))
