"""A function as an evaluator: what it may return, and what becomes of anything else."""

import numpy as np
import pytest
import torch

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.core.errors import OptionError, TrainingFailed
from seesaw_nas.evaluators.called import CalledEvaluator, as_evaluator

BLOCK = Block(3, 3, Partition((1, 3)), "shuffle")
SMALL = Architecture(8, 1, 10, Stem(16, 1), (Stage(24, 2, (BLOCK,)),), Head(64))


def test_function_is_given_architecture_and_seed():
    heard = []

    def score(architecture, seed):
        heard.append((architecture, seed))
        return 0.25

    found = CalledEvaluator(score).evaluate(SMALL, seed=7)
    assert heard == [(SMALL, 7)]
    assert (found.top1, found.split, found.curve, found.note) == (0.25, "validation", (), "")
    assert found.seconds >= 0
    assert CalledEvaluator(score).epochs == 1


@pytest.mark.parametrize("value", [0.5, np.float32(0.5), np.float64(0.5), np.array(0.5), torch.tensor(0.5)])
def test_any_number_will_do(value):
    score = CalledEvaluator(lambda architecture, seed: value).evaluate(SMALL, seed=0)
    assert (score.top1, type(score.top1)) == (0.5, float)


@pytest.mark.parametrize(("value", "top1"), [(3, 3.0), (-2.5, -2.5), (0, 0.0)])
def test_it_need_be_no_fraction(value, top1):
    assert CalledEvaluator(lambda architecture, seed: value).evaluate(SMALL, seed=0).top1 == top1


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (float("-inf"), "-inf"),
        (None, "None"),
        ("much", "'much'"),
        ([0.5], "[0.5]"),
    ],
)
def test_what_is_no_finite_number_fails_the_trial(value, text):
    with pytest.raises(TrainingFailed) as caught:
        CalledEvaluator(lambda architecture, seed: value).evaluate(SMALL, seed=0)
    assert str(caught.value) == f"the evaluator returned {text}, wanted a finite number"


@pytest.mark.parametrize("error", [TrainingFailed("no memory is left"), ZeroDivisionError("mine")])
def test_what_the_function_raises_is_raised(error):
    def score(architecture, seed):
        raise error

    with pytest.raises(type(error), match=str(error)):
        CalledEvaluator(score).evaluate(SMALL, seed=0)


class Depth:
    """Called as a function is."""

    def __call__(self, architecture, seed=0):
        return len(architecture.stages)


@pytest.mark.parametrize(
    ("value", "top1"), [(lambda *both: 0.5, 0.5), (lambda a, seed, scale=2: 0.25 * scale, 0.5), (Depth(), 1.0)]
)
def test_what_takes_an_architecture_and_a_seed_is_an_evaluator(value, top1):
    assert as_evaluator(value).evaluate(SMALL, seed=0).top1 == top1


def test_an_evaluator_stays_as_it_is():
    evaluator = CalledEvaluator(Depth())
    assert as_evaluator(evaluator) is evaluator


def just_one(architecture):
    return 0.5


@pytest.mark.parametrize(
    ("value", "got"),
    [
        (Depth, r"got the class Depth: make an object of it, Depth\(\.\.\.\)"),
        (CalledEvaluator, r"got the class CalledEvaluator: make an object of it"),
        (5, "got 5$"),
        (just_one, r"got just_one\(architecture\), which cannot be called with these two"),
        (lambda a, seed, scale: 0.5, r"got <lambda>\(a, seed, scale\), which cannot be called with these two"),
    ],
)
def test_anything_else_is_refused_by_what_it_is(value, got):
    with pytest.raises(OptionError, match=f"evaluator wants a name, a function of an architecture and a seed.*{got}"):
        as_evaluator(value)
