"""Estimates of made-up runs whose truth is known."""

from dataclasses import replace

import made_up
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up import EPOCHS, FEASIBLE, SPACE, drawn, expected, trial, worths

from seesaw_nas.architecture import cost
from seesaw_nas.search.estimates.model import Estimates
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.space import Budget
from seesaw_nas.training.epoch import Epoch

MANY = drawn(240)
TRUE = worths(MANY)
TOP1 = expected(TRUE)


def told(records, epochs=EPOCHS):
    estimates = Estimates(SPACE, epochs)
    for record in records:
        estimates.tell(record)
    return estimates


def run_of(count, seed=0, epochs=EPOCHS, **more):
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(MANY), count, replace=False)
    return [trial(i, MANY[k], TRUE[k], rng, epochs, **more) for i, k in enumerate(chosen)], chosen


def figures(estimates, architectures=MANY[:20]):
    estimate = estimates.of(architectures)
    assert np.isfinite(estimate.mean).all()
    assert np.isfinite(estimate.sd).all()
    assert ((estimate.mean > 0) & (estimate.mean < 1)).all()
    return np.array([estimate.mean, estimate.sd])


def test_intervals_of_90_percent_hold_the_truth_about_as_often():
    """20 runs of 40 trials, 240 architectures each; their errors are correlated, so the bounds are wide."""
    inside, closer = [], []
    for seed in range(20):
        records, chosen = run_of(40, seed)
        estimate = told(records).of(MANY)
        inside.append(np.abs(estimate.mean - TOP1) < 1.645 * estimate.sd)
        observed = np.array([record.top1 for record in records])
        closer.append(np.std(estimate.mean[chosen] - TOP1[chosen]) / np.std(observed - TOP1[chosen]))
    assert 0.8 < np.mean(inside) < 0.99
    assert np.mean(closer) < 0.8  # of the observed figures' errors


def test_the_recommended_is_worth_more_than_the_luckiest_and_claims_less():
    """20 runs of 40 trials: means of 20, whose standard error is about 0.003."""
    lucky, chosen_by_model, claims = [], [], []
    for seed in range(20):
        records, chosen = run_of(40, seed)
        estimate = told(records).of([MANY[k] for k in chosen])
        luckiest = int(np.argmax([record.top1 for record in records]))
        best = int(np.argmax(estimate.mean))
        lucky.append(records[luckiest].top1 - TOP1[chosen[luckiest]])
        claims.append(estimate.mean[best] - TOP1[chosen[best]])
        chosen_by_model.append(TOP1[chosen[best]] - TOP1[chosen[luckiest]])
    assert np.mean(chosen_by_model) > 0
    assert np.mean(lucky) > 0.01
    assert abs(np.mean(claims)) < 0.5 * np.mean(lucky)


def test_losses_make_estimates_surer_than_top1_alone():
    records, _ = run_of(40)
    without = [
        replace(r, curve=tuple(replace(e, loss=None, train_loss=float("nan")) for e in r.curve)) for r in records
    ]
    both, alone = told(records), told(without)
    assert set(alone.signals[EPOCHS]) == {"top1"}
    assert sum(both.signals[EPOCHS].values()) == pytest.approx(1)
    assert both.of(MANY).sd.mean() < 0.9 * alone.of(MANY).sd.mean()


def test_stopped_trials_teach_of_the_end():
    whole, _ = run_of(16)
    rng = np.random.default_rng(5)
    short = [trial(100 + i, MANY[k], TRUE[k], rng, 2) for i, k in enumerate(range(60, 140))]
    few, more = told(whole), told([*whole, *short])
    assert more.epoch == EPOCHS
    errors = [np.std(estimates.of(MANY).mean - TOP1) for estimates in (few, more)]
    assert errors[1] < errors[0]
    assert abs(np.mean(more.of(MANY).mean - TOP1)) < 0.03  # not the lower level of epoch 2


def test_without_a_whole_training_the_estimate_is_of_the_epoch_reached():
    estimates = told(run_of(20, epochs=2)[0])
    assert estimates.epoch == 2
    figures(estimates)


def test_repeats_count_as_what_they_are():
    """One network trained ten times reads high each time: that is no luck any more."""
    records, chosen = run_of(30)
    rng, odd = np.random.default_rng(3), MANY[chosen[0]]
    repeats = [trial(100 + i, odd, TRUE[chosen[0]] + 1.0, rng) for i in range(10)]
    once, often = told([*records, repeats[0]]), told([*records, *repeats])
    truth = expected(TRUE[chosen[:1]] + 1.0)[0]
    errors = [abs(estimates.of([odd]).mean[0] - truth) for estimates in (once, often)]
    assert errors[1] < 0.5 * errors[0]
    assert often.of([odd]).sd[0] < often.of(MANY[200:]).sd.min()


@pytest.mark.parametrize("count", [2, 3, 5])
def test_few_trials_that_happen_to_be_alike_claim_no_certainty(count):
    alike = [trial(i, MANY[i], 0.5 + i / 1000, np.random.default_rng(0)) for i in range(count)]
    estimates = told(alike)
    assert np.ptp([record.top1 for record in alike]) < 0.002
    assert estimates.of(MANY[:count]).sd.min() > 0.01


def test_few_trials_and_no_structure_shrink_and_say_so():
    few = told(run_of(4)[0])
    assert not few.knows
    assert few.reason.startswith("4 trials are too few")
    observed = [record.top1 for record in run_of(4)[0]]
    trained = few.of([record.spec for record in run_of(4)[0]]).mean
    assert np.ptp(trained) < np.ptp(observed)
    without = []
    for seed in range(10):  # one in 20 takes chance for structure; three of ten do with 1%
        rng = np.random.default_rng(seed)
        chance = told([trial(i, one, 2.0, rng) for i, one in enumerate(MANY[:40])])
        if not chance.knows:
            without.append(chance)
            assert "nothing for certain in 40 trials" in chance.reason
            assert np.std(chance.of(MANY).mean) < 0.5 * chance.noise
    assert len(without) >= 8
    clear = told(run_of(40)[0])
    assert clear.knows
    assert clear.reason.startswith("choices explain ")


@pytest.mark.parametrize("order", ["in order", "backwards", "epoch by epoch"])
def test_figures_depend_on_the_trials_alone(order):
    records = run_of(30)[0][:25] + [trial(25 + i, MANY[i], TRUE[i], np.random.default_rng(i), 2) for i in range(10)]
    at_once = figures(told(records))
    estimates = Estimates(SPACE, EPOCHS)
    for record in reversed(records) if order == "backwards" else records:
        if order == "epoch by epoch":
            for epoch in range(1, len(record.curve)):
                estimates.tell(replace(record, state="running", top1=None, curve=record.curve[:epoch]))
        estimates.tell(record)
        if order != "backwards" or record.number % 7 == 0:
            estimates.of(MANY[:1])
    assert np.array_equal(figures(estimates), at_once)


def test_a_trial_that_fails_after_all_is_forgotten():
    records = run_of(20)[0]
    estimates = told(records)
    estimates.of(MANY[:1])
    estimates.tell(replace(records[7], state="failed", top1=None))
    assert len(estimates) == 19
    assert np.array_equal(figures(estimates), figures(told(records[:7] + records[8:])))


def curve_of(*values):
    return tuple(Epoch(i + 1, *row, 1.0) for i, row in enumerate(values))


def record(number, architecture, curve, top1=None):
    state = "complete" if top1 is not None else "stopped"
    return TrialRecord(number, state, architecture, cost.macs(architecture), 1, top1, curve=curve)


NAN, INF = float("nan"), float("inf")
BAD = {
    "constant": [(1.0, 1.0, 0.5)] * EPOCHS,
    "constant top-1": None,
    "NaN losses": [(NAN, NAN, 0.5)] * EPOCHS,
    "infinite losses": [(INF, INF, 0.5)] * EPOCHS,
    "no losses": [(0.0, None, 0.5)] * EPOCHS,
    "negative losses": [(-1.0, -1.0, 0.5)] * EPOCHS,
    "no curve": [],
    "ceiling": [(0.0, 0.0, 1.0)] * EPOCHS,
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("count", [1, 2, 3, 12])
def test_odd_figures_never_fail(name, count):
    records, rng = [], np.random.default_rng(0)
    for i in range(count):
        rows = BAD[name] if BAD[name] is not None else [(rng.random(), rng.random(), 0.5)] * EPOCHS
        if name in ("NaN losses", "infinite losses", "no losses", "negative losses"):
            rows = [(*row[:2], 0.5 + 0.1 * rng.random()) for row in rows]
        records.append(record(i, MANY[i], curve_of(*rows), rows[-1][2] if rows else 0.4 + 0.1 * rng.random()))
    estimates = told(records)
    figures(estimates)
    estimates.signals, estimates.reason, estimates.knows, estimates.noise  # noqa: B018
    assert estimates.best(FEASIBLE.budget) is not None
    assert estimates.chances_of_best(MANY[:5]).sum() == pytest.approx(1)


def test_constant_figures_are_estimated_as_that_constant():
    estimates = told([record(i, MANY[i], curve_of(*[(1.0, 1.0, 0.9)] * EPOCHS), 0.9) for i in range(12)])
    assert figures(estimates, MANY[:12])[0] == pytest.approx(0.9, abs=0.005)
    assert not estimates.knows


def test_nothing_is_learnt_of_what_has_no_fraction():
    odd = [
        record(0, MANY[0], (), 1.5),
        record(1, MANY[1], (), NAN),
        record(2, MANY[2], curve_of((1.0, 1.0, None))),
        TrialRecord(3, "failed", MANY[3]),
        TrialRecord(4, "infeasible"),
        TrialRecord(5, "duplicate", MANY[5], 1, 1, 0.5),
    ]
    estimates = told(odd)
    assert len(estimates) == 0
    assert not estimates.knows
    assert estimates.reason.startswith("0 trials are too few")
    with pytest.raises(ValueError, match="no trial has told anything yet"):
        estimates.of(MANY[:1])


def test_a_training_gone_astray_does_not_decide_for_all():
    records, _ = run_of(30)
    astray = replace(records[5], top1=0.1, curve=curve_of(*[(50.0, 80.0, 0.1)] * EPOCHS))
    with_it = told([*records[:5], astray, *records[6:]]).of(MANY).mean
    assert np.corrcoef(with_it, TOP1)[0, 1] > 0.7


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_any_mixture_of_states_and_figures_gives_finite_estimates(data):
    value = st.sampled_from([NAN, INF, -INF, 0.0, 5e-324, 1e-9, 0.3, 0.5, 0.50001, 1.0, 700.0, 1e300, -1.0])
    epoch = st.tuples(value, st.none() | value, st.none() | value)
    one = st.tuples(st.integers(0, 4), st.lists(epoch, max_size=EPOCHS), st.none() | st.sampled_from([0, 0.5, 0.7, 1]))
    records = [
        record(i, MANY[which], curve_of(*rows), top1)
        for i, (which, rows, top1) in enumerate(data.draw(st.lists(one, min_size=1, max_size=14)))
    ]
    estimates = told(records)
    if len(estimates):
        figures(estimates)
        assert estimates.chances_of_front(MANY[:6]).max() <= 1


def test_an_architecture_asked_twice_is_the_same_one():
    mean, covariance = told(run_of(20)[0]).joint([MANY[0], MANY[0], MANY[1]])
    assert mean[0] == mean[1]
    assert covariance[0, 1] == pytest.approx(covariance[0, 0])
    assert covariance[0, 2] < covariance[0, 0]


def test_draws_vary_as_the_estimates_say():
    estimates = told(run_of(40)[0])
    rng, one = np.random.default_rng(0), MANY[100]
    row = Estimates(SPACE, EPOCHS).row(one)
    regression = estimates._now.regression
    drawn_sums = [row @ regression.draw(rng) for _ in range(400)]
    assert np.mean(drawn_sums) == pytest.approx(row @ regression.weights, abs=0.1)
    assert estimates.draw(np.random.default_rng(3)).outlines.shape == (SPACE.widths,)


def test_none_within_a_budget():
    assert told(run_of(12)[0]).best(Budget(0, 1)) is None


def test_made_up_worths_spread_by_half():
    assert np.std(TRUE) == pytest.approx(0.5)
    assert made_up.NOISE == 0.25
