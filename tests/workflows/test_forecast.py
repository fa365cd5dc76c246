"""When a search is over, by its plan and by what its trials took; times are worked by hand."""

import pytest

from seesaw_nas.search.records import TrialRecord
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.training.timing import Line
from seesaw_nas.workflows.forecast import Forecast
from seesaw_nas.workflows.plan import Plan
from seesaw_nas.workflows.pricing import AGAIN, LATENCY, STAGE, Part

LINE = Line(macs=200, seconds=10.0, slope=0.05, least=1.0)  # 100 Multi-Adds take 5 s, 300 take 15 s
AFTER = (Part(AGAIN, "training the best again", 30.0), Part(LATENCY, "timing a front of about 2", 8.0))


def plan(**more):
    counts = {"space_size": 9, "fitting": 9, "cheapest": 1, "median": 2}
    return Plan(**counts, trial_seconds=10.0, trials=4, epochs=8, whole_epochs=2, **more | {"line": LINE})


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def record(number, macs, epochs=2, state="complete"):
    curve = tuple(Epoch(epoch, 1.0, 1.0, 0.5, 1.0) for epoch in range(1, epochs + 1))
    return TrialRecord(number, state, macs=macs, top1=0.5 if state == "complete" else None, curve=curve)


def test_everything_is_in_the_plan():
    assert plan().seconds == 40
    assert plan(after=AFTER).seconds == 78
    assert plan(before=(Part(STAGE, "a supernet trained", 20.0),), after=AFTER).seconds == 98
    assert plan(lanes=2).seconds == 20
    assert plan(lanes=3).seconds == pytest.approx(40 * 2 / 4)  # four trials in two rounds


def test_a_time_limit_ends_the_trials_and_not_what_follows_them():
    limited = plan(after=AFTER, time_limit=25.0)
    assert limited.is_limited
    assert limited.within_limit == 3  # the third begins after 20 s
    assert limited.seconds == 25 + 5 + 38  # the last one is half done by then
    assert plan(time_limit=60.0).seconds == 40


def test_without_a_trial_the_plan_is_all_that_is_known():
    assert Forecast(plan(after=AFTER), Clock()).ends == 78


def test_trials_that_take_twice_as_long_move_the_end():
    clock = Clock()
    forecast = Forecast(plan(after=AFTER), clock)
    clock.now = 20.0
    forecast.ended(record(0, 200))  # 20 s for 10 that were planned: (20 + 10) / (10 + 10) with the plan's own weight
    assert forecast.ends == pytest.approx(20 + 1.5 * (30 + 38))
    clock.now = 60.0
    forecast.ended(record(1, 200))
    forecast.ended(record(2, 200))  # 60 s for 30: (60 + 10) / (30 + 10)
    assert forecast.ends == pytest.approx(60 + 1.75 * (10 + 38))


def test_a_cheap_trial_that_was_quick_moves_nothing():
    clock = Clock()
    forecast = Forecast(plan(), clock)
    clock.now = 5.0
    forecast.ended(record(0, 100))  # 5 s by the line
    assert forecast.ends == 40


def test_a_paused_trial_counts_for_the_epochs_that_it_had():
    clock = Clock()
    forecast = Forecast(plan(), clock)
    clock.now = 5.0
    forecast.ended(record(0, 200, epochs=1, state="paused"))
    assert forecast.ends == 40
    clock.now = 10.0
    forecast.ended(record(0, 200))
    assert forecast.ends == 40


def test_what_was_not_trained_says_nothing():
    forecast = Forecast(plan(), clock := Clock())
    clock.now = 9.0
    forecast.ended(record(0, 200, state="duplicate"))
    assert forecast.ends == 40


def test_what_follows_the_trials_is_followed_too():
    clock = Clock()
    forecast = Forecast(plan(after=AFTER), clock)
    clock.now = 40.0
    forecast.follow(AGAIN, 0, 3)
    assert forecast.ends == 78
    clock.now = 60.0  # 20 s for one of three repeats, of 10 s by the plan: (20 + 10) / (10 + 10)
    forecast.follow(AGAIN, 1, 3)
    assert forecast.ends == pytest.approx(60 + 1.5 * 20 + 8)
    clock.now = 100.0
    forecast.follow(LATENCY, 0, 4)
    assert forecast.ends == 108
