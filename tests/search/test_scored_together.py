"""Several architectures scored in one call: the same records in the same order as one by one, also after an end."""

import pytest
from scripted import Killed, told

from seesaw_nas.core.errors import TrainingFailed
from seesaw_nas.evaluators import Score
from seesaw_nas.search.engines import serial
from seesaw_nas.search.engines.worker import carry_out
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.proposer import Proposer
from seesaw_nas.search.strategies import make
from seesaw_nas.search.strategies.base import Setting
from seesaw_nas.space import Feasible

SEED = 3


class Together:
    """Scores by the digest, four at a time; notes each call, and breaks in one by itself or with others.

    Attributes:
        calls: the digests of each call.
        breaks: told the digests of a call before they are scored.
    """

    epochs, at_once = 1, 4

    def __init__(self, breaks=lambda digests: None):
        self.calls, self.breaks = [], breaks

    def scores(self, architectures):
        self.calls.append([architecture.digest for architecture in architectures])
        self.breaks(self.calls[-1])
        return [Score(int(digest[:6], 16) / 0xFFFFFF, "validation", 0.5) for digest in self.calls[-1]]

    def evaluate(self, architecture, *, seed, until=None, checkpoint=None, on_epoch=None, on_step=None):
        return self.scores([architecture])[0]


class Alone(Together):
    at_once = 1


@pytest.fixture
def search(make_history, small_space, tmp_path):
    """Carry a search out in a journal, or go on with it; returns what is to be equal, and what ended it."""

    def run(evaluator, name, trials=10, strategy="random", listener=None):
        history = make_history(tmp_path / name, small_space, "100%", SEED)
        proposes = make(strategy, Setting(Feasible(small_space, history.budget), SEED, "front", (1,)))
        ended = serial.run(Proposer(history, proposes, trials=trials), evaluator, listener)
        return told(history), ended

    return run


def sizes(evaluator):
    return [len(call) for call in evaluator.calls]


def test_together_and_one_by_one_leave_the_same_records(search):
    evaluator = Together()
    together, ended = search(evaluator, "together")
    alone, _ = search(Alone(), "alone")
    assert together == alone
    assert ended == "the wanted number of trials, 10, is reached"
    assert sizes(evaluator) == [4, 4, 2]


def test_a_strategy_that_learns_is_told_each_result_before_it_proposes(search):
    evaluator = Together()
    together, _ = search(evaluator, "together", strategy="evolution")
    assert together == search(Alone(), "alone", strategy="evolution")[0]
    assert sizes(evaluator) == [1] * 10


@pytest.mark.parametrize("ending", [Killed, KeyboardInterrupt])
@pytest.mark.parametrize("call", range(3))
def test_ended_during_any_call_and_resumed_equals_uninterrupted(search, ending, call):
    wanted, _ = search(Together(), "whole")

    def breaks(_):
        if len(cut.calls) == call + 1:
            raise ending

    cut = Together(breaks)
    with pytest.raises(ending):
        search(cut, "cut")
    assert search(cut, "cut")[0] == wanted


def test_what_is_scored_is_durable_before_the_next_is_asked_for(search, make_history, small_space, tmp_path):
    seen = []

    def breaks(_):
        history = make_history(tmp_path / "a", small_space, "100%", SEED)  # as another process would read it
        seen.append([record.state for record in history.records()])

    search(Together(breaks), "a", trials=6)
    assert seen == [["running"] * 4, ["complete"] * 4 + ["running"] * 2]


def test_one_that_fails_costs_itself_alone(search):
    bad = search(Together(), "whole")[0][5][2]

    def breaks(digests):
        if bad in digests:
            raise TrainingFailed("the loss is not finite")

    evaluator = Together(breaks)
    records, _ = search(evaluator, "broken")
    alone, _ = search(Alone(breaks), "alone")
    assert [record[:-1] for record in records] == [record[:-1] for record in alone]  # seconds to the failure differ
    assert [record[1] for record in records] == ["complete"] * 5 + ["failed"] + ["complete"] * 4
    assert sizes(evaluator) == [4, 4, 1, 1, 1, 1, 2]


def test_a_listener_hears_of_each(search):
    heard = []

    class Heard(Listener):
        def begun(self, number, architecture, macs):
            heard.append(number)

    search(Together(), "heard", trials=6, listener=Heard())
    assert heard == list(range(6))


def test_a_worker_tells_of_a_group_in_order_and_names_the_job_with_a_defect(architectures):
    def breaks(digests):
        if architectures[1].digest in digests:
            raise ValueError("no such thing")

    class Job:
        def __init__(self, number):
            self.number, self.architecture = number, architectures[number]
            self.seed, self.until, self.checkpoint, self.schedule = 0, 1, None, 0

    jobs = [Job(number) for number in range(3)]
    assert [found.score is not None for found in carry_out(Together(), jobs)] == [True] * 3
    found = list(carry_out(Together(breaks), jobs))
    assert [one.number for one in found] == [0, 1, 2]
    assert [bool(one.fatal) for one in found] == [False, True, False]
    assert found[1].reason == "ValueError: no such thing"
