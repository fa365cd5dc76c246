import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seesaw_nas import cost
from seesaw_nas.errors import OptionError
from seesaw_nas.search import DEFAULT_STRATEGY, STRATEGIES
from seesaw_nas.search.loop import Search
from seesaw_nas.search.strategies import make
from seesaw_nas.search.strategies.base import ExactDraws, Exhausted
from seesaw_nas.space import Budget, Feasible, genes, load

PART = "70%"  # of the costliest; 89 of the 150 architectures fit
LIMIT = 19_112  # 70% of 27,304


@pytest.fixture(autouse=True, scope="module")
def _short_start():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("seesaw_nas.search.strategies.tpe.STARTUP_TRIALS", 3)
        yield


@pytest.fixture(scope="module")
def searched(make_history, make_evaluator, tmp_path_factory):
    """A finished search by a strategy with the fake evaluator: how it ended, its history, and what was asked."""

    def run(name, space, budget=PART, seed=0, trials=8, evaluator=None):
        history = make_history(tmp_path_factory.mktemp(name) / "journal", space, budget)
        evaluator = evaluator or make_evaluator()
        strategy = make(name, Feasible(space, history.budget), seed)
        ended = Search(history, strategy, evaluator, seed).run(trials)
        return ended, history, evaluator

    return run


@pytest.fixture(scope="module")
def many(searched, small_space):
    """A search long enough for TPE to leave the budget, to repeat itself and to break the rules."""
    _, history, evaluator = searched("tpe", small_space, trials=20)
    return history, evaluator


def told(history):
    return [(record.digest, record.seed, record.top1, record.state) for record in history.records()]


@pytest.mark.parametrize("name", STRATEGIES)
class TestEveryStrategy:
    def test_proposals_are_whole_sets_of_the_space_s_genes(self, searched, small_space, name):
        _, history, _ = searched(name, small_space)
        choices = genes(small_space)
        for trial in history.study.trials:
            assert set(trial.params) == set(choices)
            assert all(value in choices[gene] for gene, value in trial.params.items())

    def test_everything_trained_is_within_the_budget(self, searched, small_space, name):
        _, history, evaluator = searched(name, small_space)
        trained = [record for record in history.records() if record.state == "complete"]
        assert len(trained) == len(evaluator.asked) == 8
        assert max(record.macs for record in trained) <= LIMIT

    def test_nothing_is_trained_twice(self, searched, small_space, name):
        *_, evaluator = searched(name, small_space, trials=12)
        assert len(set(evaluator.asked)) == len(evaluator.asked) == 12

    def test_seed_decides_the_proposals(self, searched, small_space, name):
        _, one, _ = searched(name, small_space)
        _, again, _ = searched(name, small_space)
        _, other, _ = searched(name, small_space, seed=1)
        assert told(one) == told(again)
        assert {digest for digest, *_ in told(one)} != {digest for digest, *_ in told(other)}

    def test_search_ends_when_everything_is_proposed(self, searched, tiny_space, name):
        ended, _, evaluator = searched(name, tiny_space, "100%", trials=50)
        assert ended == "every architecture that fits the budget has been proposed"
        assert len(evaluator.asked) == 5  # all that the space has

    def test_process_wide_generators_are_left_alone(self, searched, tiny_space, name):
        random.seed(0)
        torch.manual_seed(0)
        before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
        searched(name, tiny_space, "100%", trials=5)
        assert before == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())

    def test_name_says_what_it_does(self, name):
        assert STRATEGIES[name]


class TestRandom:
    @settings(max_examples=30, deadline=None)
    @given(seed=st.integers(0, 2**70), share=st.integers(45, 100), count=st.integers(0, 40))
    def test_a_draw_is_within_the_budget_and_never_taken(self, small_space, seed, share, count):
        feasible = Feasible(small_space, Budget.parse(f"{share}%", small_space.costliest_macs))
        draws, taken = ExactDraws(feasible, seed), set()
        for number in range(min(count, feasible.count)):
            architecture = draws.draw(number, frozenset(taken))
            assert cost.macs(architecture) in feasible.budget
            assert architecture in small_space
            assert architecture.digest not in taken
            taken.add(architecture.digest)

    def test_every_architecture_that_fits_is_drawn_before_the_end(self, small_space):
        feasible = Feasible(small_space, Budget.parse("100%", small_space.costliest_macs))
        draws, taken = ExactDraws(feasible, 0), set()
        for number in range(150):  # the size of the space
            taken.add(draws.draw(number, frozenset(taken)).digest)
        assert len(taken) == 150
        with pytest.raises(Exhausted):
            draws.draw(150, frozenset(taken))

    def test_draws_lie_in_the_upper_half_of_a_budget_while_there_are_new_ones(self):
        draws = ExactDraws(Feasible(load("seesaw-digits"), Budget(0, 600_000)), 0)
        macs = [cost.macs(draws.draw(number, frozenset())) for number in range(200)]
        assert min(macs) >= 300_000
        # even over 300K to 600K: the mean of 200 lies within 450K +- 24.5K (4 standard errors; false alarm 6e-5)
        assert abs(np.mean(macs) - 450_000) < 4 * 300_000 / np.sqrt(12 * 200)

    def test_draws_fill_a_band_as_it_is(self):
        draws = ExactDraws(Feasible(load("seesaw-digits"), Budget(200_000, 600_000)), 0)
        macs = [cost.macs(draws.draw(number, frozenset())) for number in range(100)]
        # a fifth of the band, 200K to 280K, would stay empty with probability 0.8^100 = 2e-10
        assert 200_000 <= min(macs) < 280_000


class TestTpe:
    def test_proposal_outside_the_budget_costs_no_training_and_violates_a_constraint(self, many, small_space):
        history, evaluator = many
        outside = [record for record in history.records() if record.state == "infeasible" and record.architecture]
        assert outside
        for record in outside:
            assert record.macs > LIMIT
            assert record.digest not in evaluator.asked
            assert record.reason == f"{record.macs:,} Multi-Adds are outside the budget"
            trial = history.study.trials[record.number]
            assert trial.constraints["above_budget"] == record.macs - LIMIT > 0
            assert (trial.state.name, trial.values) == ("PRUNED", None)

    def test_combination_that_is_no_architecture_costs_no_training_either(self, many):
        history, _ = many
        illegal = [record for record in history.records() if record.architecture is None]
        assert illegal
        for record in illegal:
            assert record.state == "infeasible"
            assert "1:2 shuffle with expansion 1 does not fit between 9 and 9 channels" in record.reason
            assert max(history.study.trials[record.number].constraints.values()) > 0

    def test_duplicate_is_answered_from_the_record(self, many):
        history, evaluator = many
        trained = {record.digest: record for record in history.records() if record.state == "complete"}
        duplicates = [record for record in history.records() if record.state == "duplicate"]
        assert duplicates
        for record in duplicates:
            assert record.top1 == trained[record.digest].top1
            assert record.reason == f"same architecture as trial {trained[record.digest].number}"
            assert evaluator.asked.count(record.digest) == 1

    def test_first_trials_are_exact_draws(self, many, small_space):
        history, _ = many
        assert [record.state for record in history.records()[:3]] == ["complete"] * 3

    def test_proposals_lean_to_what_scored_high(self, searched, small_space, make_evaluator):
        """Expansion 1 in the first stage has 2 of its 5 blocks, and 40% more top-1 here."""
        evaluator = make_evaluator(top1=lambda architecture: 0.5 + 0.4 * is_wanted(architecture))
        _, history, _ = searched("tpe", small_space, "100%", trials=30, evaluator=evaluator)
        later = [record.architecture for record in history.records()[3:] if record.architecture]
        assert np.mean([is_wanted(architecture) for architecture in later]) > 0.6


def is_wanted(architecture):
    return architecture.stages[0].blocks[0].expansion == 1


def test_unknown_strategy_lists_the_known_ones(tiny_space):
    with pytest.raises(OptionError) as caught:
        make("evolve", Feasible(tiny_space, Budget(0, 10**9)), 0)
    assert str(caught.value) == "unknown strategy 'evolve' (known: random, tpe)"


def test_default_strategy_exists():
    assert DEFAULT_STRATEGY in STRATEGIES
