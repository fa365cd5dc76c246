"""What a terminal shows while a search works: what is done before the first trial, and the time that is left."""

import io
import os
import pty
import re
from dataclasses import replace

import pytest
from conftest import PROGRAM, REPOSITORY
from rich.console import Console
from rich.progress import Progress

from seesaw_nas.cli.parts import searching, terminal
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.training.timing import Line
from seesaw_nas.workflows.plan import Plan
from seesaw_nas.workflows.pricing import AGAIN, STAGE, Part
from seesaw_nas.workflows.problem import make_problem

PLAN = Plan(
    space_size=9, fitting=9, cheapest=1, median=2, trial_seconds=10.0, trials=4, epochs=4, whole_epochs=1,
    line=Line(200, 10.0),
)  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"ends": 75.0}, "0:01:05"),
        ({"ends": 7210.4}, "2:00:00"),
        ({"ends": 3.0}, "0:00:00"),  # later than was foreseen
        ({}, "-:--:--"),  # no step is done by which to tell
    ],
)
def test_time_left_counts_down_to_the_foreseen_end(fields, shown):
    bars = Progress(disable=True)
    bars.add_task("trials", total=3, **fields)
    assert str(terminal.remaining(lambda: 10.0).render(bars.tasks[0])) == shown


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

    monkeypatch.setattr("time.monotonic", lambda: Clock.now)
    return Clock


def shown_end(view):
    return view._progress.tasks[0].fields["ends"]


def test_the_end_of_a_search_moves_with_its_trials(clock):
    view = searching.View(Console(file=io.StringIO()))
    view.plan(make_problem(SearchSettings.of(device="cpu", train_size=100)), PLAN)
    assert shown_end(view) == 140
    clock.now = 120.0  # 20 s for 10: (20 + 10) / (10 + 10) for the 30 that are left
    view.ended(TrialRecord(0, "complete", macs=200, top1=0.5, curve=(Epoch(1, 1.0, 1.0, 0.5, 20.0),)))
    assert shown_end(view) == pytest.approx(120 + 1.5 * 30)


def test_each_stage_shows_when_all_of_them_are_over(clock):
    before = (Part(STAGE, "a supernet trained", 50.0), Part(STAGE, "9 architectures scored", 20.0))
    view = searching.View(Console(file=io.StringIO()))
    problem = make_problem(SearchSettings.of(device="cpu", train_size=100, plan="shared"))
    view.plan(problem, replace(PLAN, before=before, after=(Part(AGAIN, "training the best again", 7.0),)))
    view.stage(1, 3, "a supernet trained", 0)
    assert shown_end(view) == 100 + 50 + 20 + 40 + 7
    clock.now = 130.0
    view.stage(2, 3, "scored", 9)
    assert shown_end(view) == 130 + 20 + 40 + 7
    view.plan(make_problem(SearchSettings.of(device="cpu", train_size=100)), PLAN)  # its own, of 40 s in place of 20
    assert shown_end(view) == 130 + 40 + 40 + 7
    view.stage(3, 3, "trained from scratch", 4)
    assert shown_end(view) == 130 + 40 + 7


@pytest.mark.thorough
def test_a_terminal_says_what_is_done_before_the_first_trial(tmp_path):
    process, terminal_end = pty.fork()
    if not process:
        os.chdir(tmp_path)
        options = ["--budget", "300K", "--epochs", "1", "--train-size", "64", "--device", "cpu", "--trials", "1"]
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "TERM": "xterm", "COLUMNS": "120"}
        os.execvpe(PROGRAM[0], [*PROGRAM, "search", *options], environment)
    shown = b""
    while True:
        try:
            part = os.read(terminal_end, 65536)
        except OSError:  # the other side is closed
            break
        if not part:
            break
        shown += part
    assert os.waitpid(process, 0)[1] == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    words = ["loading torch", "reading images", "timing steps", "plan      1 trial by thompson", "trial 0, ", "left 0:"]
    places = [text.find(word) for word in words]
    assert -1 not in places
    assert places == sorted(places)
