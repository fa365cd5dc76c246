"""Curves, and what ran when."""

from typing import get_args

import pytest
from drawn import notes, trace, trial

from seesaw_nas import report
from seesaw_nas.report.figures.trainings import MOST_CURVES, PATTERNS
from seesaw_nas.search.records import State

DONE = [trial(i, 0.5 + i / 10, curve=[0.1, 0.3, 0.5 + i / 10]) for i in range(4)]


def test_the_best_have_lines_of_their_own_and_others_share_one():
    many = [trial(i, i / 100, curve=[0.1, i / 100]) for i in range(8)] + [trial(8, state="stopped", curve=[0.2])]
    figure = report.training_curves(many)
    assert [shown.name for shown in figure.data] == [
        "others, complete (3)", "others, stopped (1)", *(f"trial {i}, {i}.00%" for i in (7, 6, 5, 4, 3))
    ]  # fmt: skip
    best = trace(figure, "trial 7, 7.00%")
    assert (list(best.x), list(best.y)) == ([1, 2], pytest.approx([10, 7]))
    assert list(trace(figure, "others, complete (3)").x) == [1, 2, None] * 3
    assert len({shown.line.dash for shown in figure.data[2:]}) == 5
    assert figure.layout.xaxis.title.text == "epoch"
    assert figure.layout.yaxis.title.text == "validation top-1 (%)"


def test_epochs_that_were_not_evaluated_are_left_out():
    (shown,) = report.training_curves([trial(0, 0.5, curve=[None, 0.4, None, 0.5])]).data
    assert (list(shown.x), list(shown.y)) == ([2, 4], pytest.approx([40, 50]))


def test_of_thousands_some_are_drawn_and_all_are_counted():
    many = [trial(i, state="stopped", curve=[0.2]) for i in range(1000)]
    (shown,) = report.training_curves(many).data
    assert shown.name == f"others, stopped ({MOST_CURVES} of 1000 drawn)"
    assert sum(x is None for x in shown.x) == MOST_CURVES


@pytest.mark.parametrize("records", [[], [trial(0, 0.5)], [trial(0, state="failed", curve=[None])]])
def test_without_curves_it_says_so(records):
    assert notes(report.training_curves(records)) == ["no trial has an accuracy by epoch"]


def test_bars_reach_from_start_to_end_in_the_row_of_their_worker():
    figure = report.timeline(
        [
            trial(0, 0.5, started=100.0, ended=160.0, worker="b"),
            trial(1, 0.5, started=110.0, ended=130.0, worker="a"),
            trial(2, state="failed", started=130.0, ended=150.0, worker="a"),
            trial(3, state="running", started=150.0, worker="a"),
        ]
    )
    done = trace(figure, "complete (2)")
    assert (list(done.base), list(done.x), list(done.y)) == ([0, 10], [60, 20], [1, 0])
    failed = trace(figure, "failed (1)")
    assert (list(failed.base), list(failed.x), list(failed.y)) == ([30], [20], [0])
    assert list(trace(figure, "running (1)").x) == [10]  # to the last moment told of
    assert list(figure.layout.yaxis.ticktext) == ["a", "b"]
    assert figure.layout.xaxis.title.text == "time since the first trial (s)"
    assert len({shown.marker.pattern.shape for shown in figure.data}) == 3


def test_trials_that_overlap_lie_below_each_other():
    records = [trial(i, state="stopped", started=1.0 + i, ended=10.0 + i) for i in range(3)]
    figure = report.timeline([*records, trial(3, 0.5, started=10.5, ended=11.0)])
    assert list(trace(figure, "stopped (3)").y) == [0, 1, 2]
    assert list(trace(figure, "complete (1)").y) == [0]
    assert dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True)) == {1: "the search's own"}


@pytest.mark.parametrize(("seconds", "unit", "length"), [(200, "s", 200), (600, "min", 10), (36000, "h", 10)])
def test_time_is_told_in_a_unit_that_can_be_read(seconds, unit, length):
    figure = report.timeline([trial(0, 0.5, started=5.0, ended=5.0 + seconds)])
    assert figure.layout.xaxis.title.text == f"time since the first trial ({unit})"
    assert list(figure.data[0].x) == pytest.approx([length])


def test_without_times_it_says_so():
    assert notes(report.timeline([])) == notes(report.timeline(DONE)) == ["no trial has a time of its beginning"]


def test_every_state_that_a_trial_may_have_is_drawn():
    assert set(PATTERNS) == set(get_args(State))
