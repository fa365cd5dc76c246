"""Exceptions that a program names cost one trial; all others, and memory that ran out, are left to the search."""

import pytest

from seesaw_nas.core.errors import OptionError, TrainingFailed
from seesaw_nas.evaluators import Failure, Score, at_once, attempt, on_device
from seesaw_nas.evaluators.called import CalledEvaluator
from seesaw_nas.evaluators.catching import CatchingEvaluator
from seesaw_nas.workflows.objects import Objects


def raising(error):
    def score(architecture, seed):
        raise error

    return CalledEvaluator(score)


def test_a_named_exception_fails_the_trial_and_says_which_it_was():
    caught = CatchingEvaluator(raising(ZeroDivisionError("by zero")), (ValueError, ArithmeticError))
    assert attempt(lambda: caught.evaluate(None, seed=0)) == Failure("the evaluator raised ZeroDivisionError: by zero")


@pytest.mark.parametrize(
    ("error", "kinds"),
    [
        (KeyError("mine"), (ValueError,)),
        (KeyboardInterrupt(), (Exception,)),
        (MemoryError(), (Exception,)),  # tried again where nothing else runs
    ],
)
def test_anything_else_is_raised(error, kinds):
    with pytest.raises(type(error)):
        CatchingEvaluator(raising(error), kinds).evaluate(None, seed=0)


def test_a_failure_that_the_evaluator_tells_keeps_its_words():
    with pytest.raises(TrainingFailed, match=r"^no memory$"):
        CatchingEvaluator(raising(TrainingFailed("no memory")), (Exception,)).evaluate(None, seed=0)


class Whole:
    """An evaluator with everything that one may have."""

    epochs, at_once, basis = 9, 4, "mine"

    def __init__(self, device="cpu"):
        self.device = device

    def evaluate(self, architecture, **asked):
        self.asked = asked
        return Score(0.5, "validation", 0.0)

    def scores(self, architectures):
        if len(architectures) > 2:
            raise ValueError("too many")
        return [Score(0.25, "validation", 0.0)] * len(architectures)

    def estimate(self, architecture):
        return 3.0

    def on(self, device):
        return Whole(device)


def test_the_other_evaluator_is_asked_what_this_one_is_asked():
    inner = Whole()
    caught = CatchingEvaluator(inner, (ValueError,))
    assert caught.evaluate(None, seed=3, until=2).top1 == 0.5
    assert (inner.asked["seed"], inner.asked["until"]) == (3, 2)
    assert (caught.epochs, at_once(caught), caught.estimate(None)) == (9, 4, 3.0)
    assert [score.top1 for score in caught.scores([1, 2])] == [0.25, 0.25]
    with pytest.raises(TrainingFailed, match="ValueError: too many"):
        caught.scores([1, 2, 3])
    moved = on_device(caught, "cuda:1")
    assert (moved.inner.device, moved.kinds) == ("cuda:1", (ValueError,))


def test_what_is_to_be_caught_is_no_object_that_a_run_wants_again():
    assert Objects(catch=ValueError) == Objects(catch=(ValueError,))
    assert Objects(evaluator=raising, catch=ValueError).names == ["evaluator"]


@pytest.mark.parametrize("wrong", [KeyboardInterrupt, "ValueError", (ValueError, 3), None])
def test_what_is_no_exception_is_refused(wrong):
    with pytest.raises(OptionError, match="catch wants classes of exceptions, such as"):
        Objects(catch=wrong)
