"""What a predictor learns from made-up truths, and when it is to be used."""

import math

import numpy as np
import pytest

from seesaw_nas.architecture import cost
from seesaw_nas.core.errors import OptionError
from seesaw_nas.search.estimates.predictor import Descriptions, Fitted, cross_validated, out_of_sample
from seesaw_nas.search.estimates.reliability import Reliability, reliability
from seesaw_nas.search.records import CompleteTrial
from seesaw_nas.space import Budget, Feasible, load
from seesaw_nas.space.genotype import traits

COUNT = 60


@pytest.fixture(scope="module")
def drawn():
    """Architectures of a large space, even over a budget, and the space."""
    space, rng = load("seesaw-digits"), np.random.default_rng(0)
    feasible = Feasible(space, Budget(0, 600_000))
    return space, [feasible.draw_even(rng) for _ in range(COUNT)]


def recorded(architectures, top1):
    return [
        CompleteTrial(i, architecture, cost.macs(architecture), cost.params(architecture), float(value))
        for i, (architecture, value) in enumerate(zip(architectures, top1, strict=True))
    ]


def worth(architectures):
    """A sum over choices: large kernels are good, wide expansions and dense groups bad, as Multi-Adds do not tell."""
    found = []
    for architecture in architectures:
        named = [traits(at.block) for at in architecture.canonical.placed]
        large = np.mean([block["kernel"] == "5" for block in named])
        found.append(large - np.mean([float(block["expansion"]) for block in named]) / 6)
    return np.array(found)


def judged(space, architectures, top1):
    macs = np.array([cost.macs(architecture) for architecture in architectures], float)
    records = recorded(architectures, top1)
    return reliability(np.array(out_of_sample(space, records)), macs, np.array(top1))


class TestOutOfSample:
    def test_a_sum_over_choices_is_learnt_far_better_than_by_multi_adds(self, drawn):
        space, architectures = drawn
        found = judged(space, architectures, worth(architectures))
        assert found.tau > 0.55 > 0.35 > found.by_macs
        assert found.is_enough

    def test_noise_teaches_nothing(self, drawn):
        """Of 20 seeds one in six at most is mistaken: a lead of one standard error is had by chance as often."""
        space, architectures = drawn
        found = [judged(space, architectures, np.random.default_rng(seed).random(COUNT)) for seed in range(20)]
        assert abs(np.mean([each.tau for each in found])) < 0.1
        assert sum(each.is_enough for each in found) <= 3

    @pytest.mark.parametrize("sign", [1, -1])
    def test_where_multi_adds_say_all_a_high_tau_is_not_enough(self, drawn, sign):
        space, architectures = drawn
        top1 = [0.5 + sign * cost.macs(architecture) / 2e6 for architecture in architectures]
        found = judged(space, architectures, top1)
        assert found.tau > 0.7
        assert found.by_macs == pytest.approx(1)
        assert not found.is_enough

    def test_a_record_has_no_part_in_its_own_prediction(self, drawn):
        """Whatever one record's top-1 is, what is predicted for its fold stays."""
        space, architectures = drawn
        top1 = worth(architectures)
        changed = top1.copy()
        changed[7] += 5
        before = out_of_sample(space, recorded(architectures, top1), folds=COUNT // 2)
        after = out_of_sample(space, recorded(architectures, changed), folds=COUNT // 2)
        assert after[7] == pytest.approx(before[7], abs=1e-12)
        assert sum(not math.isclose(a, b, abs_tol=1e-9) for a, b in zip(after, before, strict=True)) >= COUNT - 2

    def test_seed_decides_the_folds_and_nothing_else_is_random(self, drawn):
        space, architectures = drawn
        records = recorded(architectures, worth(architectures))
        assert out_of_sample(space, records) == out_of_sample(space, records)
        assert out_of_sample(space, records) != out_of_sample(space, records, seed=1)

    def test_a_cheap_score_is_learnt_from(self, drawn):
        """Luck that no choice explains, but the cheap score knows."""
        space, architectures = drawn
        luck = dict(zip([a.digest for a in architectures], np.random.default_rng(3).normal(size=COUNT), strict=True))
        records = recorded(architectures, luck.values())
        macs, top1 = np.array([r.macs for r in records], float), np.array(list(luck.values()))
        without = reliability(np.array(out_of_sample(space, records)), macs, top1)
        told = reliability(np.array(out_of_sample(space, records, cheap=lambda a: luck[a.digest])), macs, top1)
        assert told.tau > without.tau + 0.1

    def test_equal_top1_everywhere_is_no_trouble(self, drawn):
        space, architectures = drawn
        found = judged(space, architectures, np.full(COUNT, 0.5))
        assert math.isnan(found.tau)
        assert not found.is_enough

    def test_too_few_records_are_refused(self, drawn):
        space, architectures = drawn
        records = recorded(architectures[:8], np.zeros(8))
        with pytest.raises(OptionError) as caught:
            out_of_sample(space, records)
        assert str(caught.value) == (
            "cross-validation wants two folds or more and twice as many records, got 5 folds of 8 records; "
            "take fewer folds or train more"
        )
        with pytest.raises(OptionError, match="got 1 folds of 8 records"):
            out_of_sample(space, records, folds=1)


class TestFitted:
    def test_draws_scatter_about_the_prediction_and_less_where_more_is_known(self, drawn):
        space, architectures = drawn
        rows, top1 = Descriptions(space).of(architectures), worth(architectures)
        learnt = Fitted(rows[:50], top1[:50])
        draws = np.array([learnt.drawn(rows, np.random.default_rng(seed)) for seed in range(200)])
        # The mean of 200 draws lies within 5 standard errors of each of the 60 predictions but once in 29,000.
        assert np.all(np.abs(draws.mean(axis=0) - learnt.predict(rows)) < 5 * draws.std(axis=0) / np.sqrt(200))
        assert draws[:, :50].std(axis=0).mean() < draws[:, 50:].std(axis=0).mean()

    def test_rows_that_are_alike_are_drawn_alike(self, drawn):
        space, architectures = drawn
        rows = Descriptions(space).of([*architectures[:20], architectures[0]])
        found = Fitted(rows, np.arange(21.0)).drawn(rows, np.random.default_rng(0))
        assert found[0] == pytest.approx(found[20], abs=0.1)  # the others spread over 20

    def test_records_that_are_all_alike_teach_their_mean(self):
        assert Fitted(np.ones((4, 3)), np.array([0.2, 0.4, 0.2, 0.4])).predict(np.ones((1, 3))) == pytest.approx(0.3)

    def test_a_cheap_score_is_asked_once_for_each_architecture(self, drawn):
        space, architectures = drawn
        asked = []
        described = Descriptions(space, lambda architecture: float(len(asked.append(architecture.digest) or asked)))
        first = described.of(architectures[:5])
        assert np.array_equal(described.of(architectures[:5]), first)
        assert asked == [architecture.digest for architecture in architectures[:5]]
        assert first[:, -1].tolist() == [1, 2, 3, 4, 5]

    def test_folds_may_be_of_any_regressor(self):
        class Mean:
            def fit(self, rows, top1):
                self.mean = top1.mean()
                return self

            def predict(self, rows):
                return np.full(len(rows), self.mean)

        rows = np.arange(4.0)[:, None]
        found = cross_validated(rows, np.array([0, 0, 0, 3.0]), 4, np.random.default_rng(0), lambda columns: Mean())
        assert found.tolist() == [1, 1, 1, 0]  # each time the mean of the other three


class TestReliability:
    def test_taus_and_error_by_hand(self):
        """Six pairs: the prediction has all but the last right, (5 - 1) / 6; Multi-Adds four, (4 - 2) / 6.

        Without record 0, 1, 2, 3 the taus are 1/3, 1/3, 1, 1 and 1/3, -1/3, 1/3, 1: leads of 0, 2/3, 2/3, 0, whose
        variance is 1/9; three times that is the error's square.
        """
        top1 = np.array([1.0, 2, 3, 4])
        found = reliability(np.array([1.0, 2, 4, 3]), np.array([1.0, 3, 4, 2]), top1)
        assert (found.tau, found.by_macs) == (pytest.approx(2 / 3), pytest.approx(1 / 3))
        assert found.error == pytest.approx(math.sqrt(3 / 9))
        assert found.n == 4

    def test_ties_count_as_in_tau_b(self):
        """Of three pairs one is tied in the prediction: 2 / sqrt(2 * 3)."""
        found = reliability(np.array([1.0, 1, 2]), np.array([3.0, 2, 1]), np.array([1.0, 2, 3]))
        assert found.tau == pytest.approx(2 / math.sqrt(6))
        assert found.by_macs == pytest.approx(1)  # fewer Multi-Adds are better here; that, too, is told without it

    @pytest.mark.parametrize(
        ("found", "enough"),
        [
            (Reliability(0.50, 0.30, 0.15, 16), True),
            (Reliability(0.50, 0.30, 0.15, 15), False),  # too few
            (Reliability(0.50, 0.30, 0.25, 100), False),  # within the error
            (Reliability(0.30, 0.50, 0.10, 100), False),
            (Reliability(math.nan, 0.10, 0.10, 100), False),
        ],
    )
    def test_rule(self, found, enough):
        assert found.is_enough == enough

    def test_words(self):
        assert str(Reliability(0.412, 0.118, 0.1, 40)) == (
            "out-of-sample tau 0.41 against 0.12 of Multi-Adds alone, 40 records"
        )
