"""Functions that a program passes are called for every finished trial and every epoch, each once."""

import pytest

from seesaw_nas.search.callbacks import Callbacks, Several
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.training.epoch import Epoch

CURVE = tuple(Epoch(number, 1.0, 1.0, number / 10, 0.5) for number in (1, 2, 3))


def record(number, state="complete", curve=CURVE):
    return TrialRecord(
        number=number,
        state=state,
        architecture=None,
        macs=None,
        params=None,
        top1=0.5 if state == "complete" else None,
        curve=curve,
    )


@pytest.fixture
def heard():
    """What is told, and the listener that is told it."""
    calls = []
    listener = Callbacks(
        lambda record: calls.append((record.number, record.state)),
        lambda number, epoch: calls.append((number, epoch.epoch)),
    )
    return calls, listener


def test_epochs_of_a_training_here_are_told_as_they_end(heard):
    calls, listener = heard
    listener.begun(4, None, 0)
    for epoch in CURVE:
        listener.epoch(epoch)
    assert calls == [(4, 1), (4, 2), (4, 3)]
    listener.ended(record(4))
    assert calls[3:] == [(4, "complete")]


def test_epochs_of_a_training_elsewhere_are_told_before_its_trial(heard):
    calls, listener = heard
    listener.begun(0, None, 0)
    listener.begun(1, None, 0)
    listener.ended(record(0))
    assert calls == [(0, 1), (0, 2), (0, 3), (0, "complete")]


def test_a_trial_that_pauses_is_told_when_it_ends_and_no_epoch_twice(heard):
    calls, listener = heard
    listener.ended(record(0, "paused", CURVE[:2]))
    assert calls == [(0, 1), (0, 2)]
    listener.ended(record(0, "stopped"))
    assert calls[2:] == [(0, 3), (0, "stopped")]


@pytest.mark.parametrize(
    ("state", "told"), [("failed", True), ("duplicate", False), ("infeasible", False), ("lost", False)]
)
def test_what_was_not_trained_is_not_told(heard, state, told):
    calls, listener = heard
    listener.ended(record(0, state, ()))
    assert calls == ([(0, state)] if told else [])


def test_each_function_may_be_left_out():
    Callbacks().ended(record(0))
    Callbacks(on_epoch=lambda number, epoch: None).ended(record(0))


def test_several_listeners_are_each_told_everything():
    calls = []

    def hearing(name):
        told = {
            what: (lambda self, *news, what=what: calls.append((name, what, news)))
            for what in vars(Listener)
            if not what.startswith("_")
        }
        return type("Hearing", (Listener,), told)()

    both = Several([hearing("first"), hearing("second")])
    names = [name for name in vars(Listener) if not name.startswith("_")]
    assert len(names) > 9
    for name in names:
        getattr(both, name)(1, 2)
    assert calls == [(who, name, (1, 2)) for name in names for who in ("first", "second")]
