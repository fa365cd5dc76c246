"""The parts of the model by hand: what an epoch tells, what one trial says, how variances are found."""

import math
from dataclasses import replace

import numpy as np
import pytest
from made_up import EPOCHS, drawn, trial

from seesaw_nas.search.estimates.components import Kernel, shares, split
from seesaw_nas.search.estimates.fitting import own_share, scheduled
from seesaw_nas.search.estimates.levels import best_weights, fit_levels, target_epoch
from seesaw_nas.search.estimates.signals import Reading, expected_top1, log_odds, read

ONE = drawn(1)[0]
RECORD = trial(3, ONE, 2.0, np.random.default_rng(0))


def test_signals_are_log_odds():
    last = replace(RECORD.curve[-1], top1=0.75, loss=math.log(2), train_loss=math.log(5))
    reading = read(replace(RECORD, top1=0.75, curve=(*RECORD.curve[:-1], last)), EPOCHS)
    assert reading is not None
    # odds of 3 to 1; a loss of log 2 is a likelihood of a half, odds even; log 5 is a fifth, odds of 1 to 4
    assert reading.values[-1] == pytest.approx([math.log(3), 0.0, -math.log(4)])
    assert reading.whole
    assert reading.epochs == EPOCHS


def test_an_accuracy_of_nothing_or_all_is_brought_inside():
    assert log_odds(np.array([0.0, 1.0])) == pytest.approx([-math.log(999), math.log(999)])


def test_expected_top1_of_certain_odds_is_their_fraction():
    mean, slope = expected_top1(np.array([math.log(3)]), np.array([0.0]))
    assert mean[0] == pytest.approx(0.75)
    assert slope[0] == pytest.approx(0.75 * 0.25)


def test_noise_takes_off_a_high_top1_and_adds_to_a_low_one():
    mean, _ = expected_top1(np.array([2.0, 0.0, -2.0]), np.ones(3))
    assert mean[0] < 0.8808 - 0.01  # 1 / (1 + exp(-2))
    assert mean[1] == pytest.approx(0.5)
    assert mean[2] == pytest.approx(1 - mean[0])


@pytest.mark.parametrize("state", ["failed", "infeasible", "duplicate", "lost"])
def test_states_that_tell_nothing(state):
    assert read(replace(RECORD, state=state), EPOCHS) is None


@pytest.mark.parametrize("state", ["stopped", "paused", "running"])
def test_states_that_tell_of_the_epochs_reached(state):
    reading = read(replace(RECORD, state=state, top1=None, curve=RECORD.curve[:2]), EPOCHS)
    assert reading is not None
    assert (reading.epochs, reading.whole) == (2, False)


def test_an_epoch_that_was_not_evaluated_does_not_count():
    curve = (*RECORD.curve[:2], replace(RECORD.curve[2], top1=None, loss=None))
    reading = read(replace(RECORD, state="running", top1=None, curve=curve), EPOCHS)
    assert reading is not None
    assert reading.epochs == 2


def test_weights_go_by_precision_where_noise_is_independent():
    weights, variance = best_weights(np.ones(2), np.diag([1.0, 3.0]))
    assert weights == pytest.approx([0.75, 0.25])
    assert variance == pytest.approx(0.75)


def test_two_signals_with_the_same_error_count_once():
    _, variance = best_weights(np.ones(2), np.array([[1.0, 0.999], [0.999, 1.0]]))
    assert variance == pytest.approx(1.0, abs=1e-3)


def test_variances_are_estimated_anew_by_steps_of_a_tenth():
    assert [scheduled(n) for n in (1, 2, 19, 20, 21, 22, 23, 24)] == [1, 2, 19, 20, 20, 22, 22, 24]
    assert scheduled(1000) <= 1000 < scheduled(1000) * 1.1 + 1


def test_repeats_that_agree_leave_their_difference_to_the_architecture():
    digests = [name for name in "abcdefghijklmnop" for _ in range(20)]
    levels = np.repeat(np.random.default_rng(0).standard_normal(16), 20)
    noise = np.random.default_rng(1).standard_normal(320)
    assert own_share(0.5, digests, levels + 0.1 * noise) > 0.7
    assert own_share(0.5, digests, noise) < 0.2
    assert own_share(0.0, ["a", "b"], np.array([0.0, 1.0])) == pytest.approx(0.3)  # no repeats: as before
    assert own_share(1.0, ["a", "b"], np.array([0.0, 1.0])) == pytest.approx(0.05)


def test_components_of_a_known_truth():
    """400 rows, 10 features: explained correlation 0.9, noise uncorrelated; standard errors are below 0.1."""
    rng = np.random.default_rng(0)
    features = rng.standard_normal((400, 10))
    effects = rng.standard_normal((10, 1)) + 0.3 * rng.standard_normal((10, 2))
    explained = features @ effects
    explained /= explained.std(axis=0)
    kernel = Kernel.of(features)
    found = split(kernel, 5 + explained + 0.5 * rng.standard_normal((400, 2)))
    assert found.mean == pytest.approx([5, 5], abs=0.2)
    assert np.diag(found.noise) == pytest.approx([0.25, 0.25], abs=0.05)
    assert abs(found.noise[0, 1]) < 0.05
    assert found.explained[0, 1] / np.sqrt(np.prod(np.diag(found.explained))) > 0.8
    one = shares(kernel, explained[:, 0] + 0.5 * rng.standard_normal(400), np.ones(400), 1.0)
    assert one.noise == pytest.approx(0.25, abs=0.06)
    assert one.evidence > 50
    nothing = shares(kernel, rng.standard_normal(400), np.ones(400), 1.0)
    assert nothing.share < 0.1
    assert nothing.evidence < 1


def reading(number, *top1, whole=False):
    values = np.array([[value, np.nan, np.nan] for value in top1])
    return Reading(number, str(number), values, whole)


def test_the_epoch_aimed_at_is_that_of_a_quarter_until_somebody_is_through():
    short = [reading(i, 1.0) for i in range(6)]
    deep = [reading(9, 1.0, 1.1, 1.2), reading(10, 1.0, 1.1)]
    assert target_epoch(short, 4) == 1
    assert target_epoch([*short, *deep], 4) == 2
    assert target_epoch([*short, reading(11, 1.0, 1.0, 1.0, 1.0, whole=True)], 4) == 4


def test_short_trials_are_carried_to_the_end_by_those_that_have_both():
    """Each epoch adds 0.5 to all: a short trial at 1.0 is taken for about 1.5."""
    rng = np.random.default_rng(0)
    worths = rng.standard_normal(30)
    readings = [reading(i, w, w + 0.5, whole=True) if i < 15 else reading(i, w) for i, w in enumerate(worths)]
    (first, last), _ = fit_levels(readings, rng.standard_normal((30, 3)), 2)
    assert (first.epoch, last.epoch) == (1, 2)
    assert first.measure(np.array([[float(worths.mean()), np.nan, np.nan]]))[0] == pytest.approx(
        worths.mean() + 0.5, abs=0.15
    )
    assert np.isnan(first.measure(np.full((1, 3), np.nan))[0]).all()
