"""What trainings by a shorter schedule tell of worth by the whole recipe."""

from dataclasses import replace

import numpy as np
import pytest
from made_up import EPOCHS, FEASIBLE, SPACE, drawn, expected, fraction, trial, worths

from seesaw_nas.search.estimates.held_out import half_width
from seesaw_nas.search.estimates.model import Estimates
from seesaw_nas.search.estimates.schedules import SLOPE, fit_link
from seesaw_nas.search.estimates.signals import read
from seesaw_nas.training.epoch import Epoch

SHORT = 2
LOW, FLATTER = 1.5, 0.6  # log odds that a short schedule is lower, and how much less architectures differ by it


def short(number, architecture, worth, rng, state="short"):
    """A training by a short schedule, as noisy as a whole one."""
    found = trial(number, architecture, 1 + FLATTER * (worth - 1), rng, state="stopped")
    last = found.curve[-1]
    top1 = fraction(np.log(last.top1 / (1 - last.top1)) - LOW)
    curve = (Epoch(1, 3.0, 2.5, 0.2, 1.0), replace(last, epoch=2, top1=top1))
    return replace(found, state=state, schedule=SHORT, curve=curve)


def run(shorts, wholes, seed):
    """Short trials, then whole ones of what these hold for the better ones; estimates, architectures and worths."""
    rng = np.random.default_rng([seed, 7])
    architectures = drawn(90, seed)
    worth = worths(architectures, seed)
    records = [short(i, architectures[i], worth[i], rng) for i in range(shorts)]
    estimates = Estimates(SPACE, EPOCHS, FEASIBLE.budget.high)
    for record in records:
        estimates.tell(record)
    known = estimates.of(architectures).mean if records else rng.random(len(architectures))
    for i in rng.choice(np.argsort(-known)[: 3 * wholes], wholes, replace=False):
        records.append(trial(len(records), architectures[i], worth[i], rng))
    for record in records[shorts:]:
        estimates.tell(record)
    return estimates, records, architectures, worth


# --- the link between the two worths


def test_link_of_exact_figures_is_the_line_through_them():
    at = np.linspace(-2, 2, 9)
    found = fit_link(at, np.full(9, 1e-6), 2 + 1.6 * at, np.full(9, 1e-6), between=1e-4)
    assert (found.rise, found.slope) == pytest.approx((2.0, 1.6), abs=1e-3)
    assert found.doubt < 1e-5


def test_one_pair_says_how_much_higher_and_the_slope_is_what_was_believed_before():
    found = fit_link(np.array([0.5]), np.array([0.1]), np.array([2.5]), np.array([0.2]), between=1.0)
    assert found.slope == SLOPE == 1.25
    assert found.rise == pytest.approx(2.5 - 1.25 * 0.5)
    assert found.doubt >= 0.2 + 1.25**2 * 0.1  # the noise of that pair, at least


def test_uncertain_pairs_count_less():
    """Three pairs on the line of rise 1, and one far off it that is known badly."""
    at, whole = np.array([0.0, 0.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 5.0])
    found = fit_link(at, np.full(4, 1e-3), whole, np.array([0.01, 0.01, 0.01, 100.0]), between=0.1)
    assert found.rise == pytest.approx(1.0, abs=0.05)


# --- readings


def test_short_training_tells_something_at_its_end_alone():
    done = short(3, drawn(1)[0], 2.0, np.random.default_rng(0))
    found = read(done, EPOCHS)
    assert (found.schedule, found.epochs, found.whole) == (SHORT, 2, True)
    assert read(replace(done, state="running"), EPOCHS) is None
    assert read(replace(done, curve=done.curve[:1]), EPOCHS) is None
    assert read(replace(done, curve=(done.curve[0], replace(done.curve[1], top1=None))), EPOCHS) is None


def test_epoch_of_a_long_training_is_not_taken_for_the_end_of_a_short_one():
    estimates, records, *_ = run(30, 12, seed=0)
    stopped = trial(len(records), records[0].spec, 2.0, np.random.default_rng(1), epochs=SHORT)
    before = estimates.signals_of_short
    estimates.tell(stopped)
    assert estimates.signals_of_short.keys() == before.keys() == {SHORT}
    assert read(stopped, EPOCHS).schedule == 0


# --- estimates


def test_without_whole_trainings_worth_is_that_of_the_short_schedule():
    estimates, records, *_ = run(30, 0, seed=0)
    assert estimates.epoch == SHORT
    observed = np.mean([record.curve[-1].top1 for record in records])
    assert estimates.of([record.spec for record in records]).mean.mean() == pytest.approx(observed, abs=0.02)


def test_first_whole_training_lifts_all_to_the_whole_recipe_at_once():
    estimates, records, architectures, worth = run(60, 1, seed=0)
    assert estimates.epoch == EPOCHS
    found = estimates.of(architectures)
    assert abs(found.mean.mean() - expected(worth).mean()) < 3 * found.sd.mean()
    assert found.mean.mean() > np.mean([record.curve[-1].top1 for record in records[:60]]) + 0.1


def test_short_trainings_beside_whole_ones_order_better_and_claim_what_is_true():
    gains, claims = [], []
    for seed in range(4):
        both, records, architectures, worth = run(60, 12, seed)
        alone = both.without_trials()
        for record in records[60:]:
            alone.tell(record)
        truth = expected(worth)
        gains.append(np.corrcoef(both.of(architectures).mean, truth)[0, 1])
        gains[-1] -= np.corrcoef(alone.of(architectures).mean, truth)[0, 1]
        best = int(np.argmax(both.of(architectures).mean))
        claims.append(both.of([architectures[best]]).mean[0] - truth[best])
    assert np.mean(gains) > 0.1
    assert abs(np.mean(claims)) < 0.02


@pytest.mark.thorough
def test_intervals_hold_as_often_as_they_say():
    inside = []
    for seed in range(12):
        estimates, _, architectures, worth = run(50, 10, seed)
        found = estimates.of(architectures)
        inside.append(np.abs(found.mean - expected(worth)) <= half_width(0.9) * found.sd)
    assert 0.8 <= np.mean(inside) <= 0.99


def test_figures_depend_on_the_trials_alone():
    estimates, records, architectures, _ = run(40, 8, seed=2)
    again = estimates.without_trials()
    for record in reversed(records):
        again.tell(record)
    few = estimates.without_trials()
    for record in records:
        few.tell(record)
        few.of(architectures[:1])  # asked in between
    for other in (again, few):
        np.testing.assert_allclose(other.of(architectures).mean, estimates.of(architectures).mean, rtol=1e-9)


def test_few_short_trainings_beside_many_whole_ones_change_little():
    estimates, records, architectures, _ = run(0, 30, seed=1)
    before = estimates.of(architectures).mean
    rng = np.random.default_rng(0)
    for i in range(3):
        estimates.tell(short(len(records) + i, architectures[i], 2.0, rng))
    assert np.abs(estimates.of(architectures).mean - before).max() < 0.05
