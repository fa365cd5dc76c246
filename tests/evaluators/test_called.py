"""A function as an evaluator: what it may return, and what becomes of anything else."""

import numpy as np
import pytest
import torch

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.core.errors import TrainingFailed
from seesaw_nas.evaluators.called import CalledEvaluator

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
