"""What a strategy promises, asked of every one of them; then what each promises alone."""

import random
import re
from collections import Counter
from itertools import pairwise

import numpy as np
import optuna
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seesaw_nas.architecture import cost
from seesaw_nas.core.errors import OptionError
from seesaw_nas.search import DEFAULT_STRATEGY, STRATEGIES, halving, records
from seesaw_nas.search.engines import serial
from seesaw_nas.search.proposer import Proposer
from seesaw_nas.search.records import complete
from seesaw_nas.search.strategies import evolution, local, make, nsga2, thompson
from seesaw_nas.search.strategies.base import ExactDraws, Exhausted, Observed, Setting, best_first, observed
from seesaw_nas.search.strategies.sampled import Sampled, seeded
from seesaw_nas.space import Budget, Feasible, encode, genes, load
from seesaw_nas.space.genotype import traits

PART = "70%"  # of the costliest; 89 of the 150 architectures fit
LIMIT = 19_112  # 70% of 27,304
STARTUP = 3
SLOW = {"gp": 5}  # strategies that take long for a proposal, and how many trials they get

pytestmark = pytest.mark.usefixtures("short_start_of_module")


@pytest.fixture(scope="module")
def searched(make_history, make_evaluator, tmp_path_factory):
    """A finished search with the fake evaluator: how it ended, its history, and what was asked."""

    def run(
        strategy, space, budget=PART, seed=0, trials=8, evaluator=None, objectives="front", scheduler="none", epochs=1
    ):
        folder = tmp_path_factory.mktemp("run")
        history = make_history(folder / "journal", space, budget, seed, objectives)
        evaluator, found = evaluator or make_evaluator(epochs=epochs), halving.make(scheduler, epochs)
        setting = Setting(Feasible(space, history.budget), seed, objectives, found.levels)
        chosen = make(strategy, setting) if isinstance(strategy, str) else strategy(setting)
        work = Proposer(
            history, chosen, trials=trials, epochs=epochs, halving=found, checkpoints=folder / "checkpoints"
        )
        return serial.run(work, evaluator), history, evaluator

    return run


@pytest.fixture(scope="module")
def many(searched, small_space):
    """A search long enough for TPE to leave the budget, to repeat itself and to break the rules."""
    _, history, evaluator = searched("tpe", small_space, trials=20)
    return history, evaluator


BUNCHED = """
schema_version = 1
name = "bunched"
description = "one costly choice, and cheap ones on 1x1 pixels"
budget = "100%"
input = { size = 8, channels = 1, classes = 10 }
stem = { channels = 16, stride = 2 }
head = { channels = 16 }
blocks = { expansions = [1], kernels = [3], partitions = ["1"], flows = ["none"], activations = ["none"] }
stages = [
    { channels = 16, stride = 1, repeats = [1], expansions = [1, 100] },
    { channels = 16, stride = 2, repeats = [1] },
    { channels = 2, stride = 2, repeats = [1] },
    { channels = 2, stride = 1, repeats = [1, 2], partitions = ["1", "1:1"], flows = ["none", "shuffle"], \
kernels = [3, 5] },
]
"""


@pytest.fixture(scope="module")
def bunched(tmp_path_factory):
    """40 architectures, 20 with the cheap first block and 20 with the costly one; all else is within 100 Multi-Adds."""
    path = tmp_path_factory.mktemp("bunched") / "bunched.toml"
    path.write_text(BUNCHED)
    return load(str(path))


@pytest.fixture(scope="module")
def paused(searched, small_space):
    """The history of a search by successive halving."""
    return searched("random", small_space, trials=9, scheduler="asha", epochs=9)[1]


def told(history):
    return [(record.digest, record.seed, record.top1, record.state, record.origin) for record in history.records()]


def by_macs(sign):
    """A top1 between 0 and 1 that only Multi-Adds decide."""
    return lambda architecture: 0.5 + sign * cost.macs(architecture) / 60_000


@pytest.mark.parametrize("name", STRATEGIES)
class TestEveryStrategy:
    @pytest.mark.parametrize("objectives", ["front", "top1"])
    def test_everything_trained_is_new_and_within_the_budget(self, searched, small_space, name, objectives):
        trials = SLOW.get(name, 12)
        _, history, evaluator = searched(name, small_space, trials=trials, objectives=objectives)
        trained = [record for record in history.records() if record.state == "complete"]
        assert [record.digest for record in trained] == evaluator.asked
        assert len(set(evaluator.asked)) == len(evaluator.asked) == trials
        assert max(record.macs for record in trained) <= LIMIT
        assert len(history.study.directions) == (2 if objectives == "front" else 1)

    def test_proposals_are_whole_sets_of_the_space_s_genes(self, searched, small_space, name):
        _, history, _ = searched(name, small_space, trials=SLOW.get(name, 8))
        choices = genes(small_space)
        for trial in history.study.trials:
            assert set(trial.params) == set(choices)
            assert all(value in choices[gene] for gene, value in trial.params.items())

    def test_every_proposal_says_where_it_is_from(self, searched, small_space, name):
        _, history, _ = searched(name, small_space, trials=SLOW.get(name, 8))
        assert all(record.origin for record in history.records())

    def test_seed_decides_the_proposals(self, searched, small_space, name):
        trials = SLOW.get(name, 8)
        _, one, _ = searched(name, small_space, trials=trials)
        _, again, _ = searched(name, small_space, trials=trials)
        _, other, _ = searched(name, small_space, trials=trials, seed=1)
        assert told(one) == told(again)
        assert {digest for digest, *_ in told(one)} != {digest for digest, *_ in told(other)}

    def test_band_is_kept_to(self, searched, small_space, name):
        _, history, evaluator = searched(name, small_space, "60%:80%", trials=SLOW.get(name, 8))
        assert len(evaluator.asked) == SLOW.get(name, 8)
        for record in history.records():
            assert record.state != "complete" or 16_382 <= record.macs <= 21_843  # 60% and 80% of 27,304

    def test_search_ends_at_once_when_everything_is_proposed(self, searched, tiny_space, name):
        ended, history, evaluator = searched(name, tiny_space, "100%", trials=50)
        assert ended == "every architecture that fits the budget has been proposed"
        assert len(evaluator.asked) == 5  # all that the space has
        assert history.records()[-1].state == "complete"  # nothing is proposed after the last of them

    def test_halving_trains_nothing_twice_and_proposes_to_the_end(self, searched, small_space, name):
        trials = SLOW.get(name, 8)
        _, history, evaluator = searched(name, small_space, trials=trials, scheduler="asha", epochs=9)
        assert {record.state for record in history.records()} <= {"complete", "stopped", "duplicate", "infeasible"}
        spans = sorted(evaluator.trained)
        assert len({digest for digest, *_ in spans}) == trials
        for (digest, _, end), (other, start, _) in pairwise(spans):
            assert start == (end if digest == other else 0)

    def test_process_wide_generators_are_left_alone(self, searched, small_space, name):
        random.seed(0)
        torch.manual_seed(0)
        before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()
        searched(name, small_space, trials=5)
        assert before == (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())

    def test_name_says_what_it_does(self, name):
        assert STRATEGIES[name].what


@pytest.mark.thorough
@pytest.mark.parametrize("name", sorted(set(STRATEGIES) - {"random"}))
@pytest.mark.parametrize("scheduler", ["asha", "moasha", "hyperband"])
def test_every_strategy_that_learns_does_so_from_paused_trials(searched, small_space, name, scheduler):
    """Of 7 trials, 2 or 3 at most are complete; more than three have reached epoch 1 or 3."""
    if name in SLOW and scheduler != "asha":
        pytest.skip("a sampler of Optuna's like tpe, which the other schedulers are tried with")
    _, history, _ = searched(name, small_space, trials=7, scheduler=scheduler, epochs=9)
    assert sum(record.origin != "exact draw" for record in history.records()) >= 2


@pytest.mark.parametrize("objectives", ["front", "top1"])
def test_sampler_leans_to_what_scored_high_where_it_paused(searched, small_space, make_evaluator, objectives):
    """As without a scheduler: expansion 1 in the first stage has 2 of its 5 blocks, and 40% more top-1 here."""
    evaluator = make_evaluator(top1=lambda architecture: 0.5 + 0.4 * is_wanted(architecture), epochs=9)
    more = {"scheduler": "asha", "epochs": 9, "objectives": objectives}
    sampler = lambda seed: optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=0)  # noqa: E731
    made = lambda setting: Sampled(setting, sampler, 12)  # noqa: E731  # so many never reach epoch 3
    _, history, _ = searched(made, small_space, "100%", trials=28, evaluator=evaluator, **more)
    later = [record.architecture for record in history.records()[12:] if record.architecture]
    assert np.mean([is_wanted(architecture) for architecture in later]) > 0.6


@pytest.mark.parametrize("name", ["tpe", "evolution"])
def test_search_reaches_everything_though_costs_stand_in_bunches(searched, bunched, name):
    """Draws even in cost reach 18 of these 20 with a chance near 1e-4 each."""
    ended, _, evaluator = searched(name, bunched, "20%", trials=50)
    assert ended == "every architecture that fits the budget has been proposed"
    assert len(evaluator.asked) == len(set(evaluator.asked)) == 20


@pytest.mark.parametrize("name", ["random", "evolution", "nsga2", "tpe", "gp", "thompson", "predicted", "local"])
def test_those_that_learn_begin_with_exact_draws(searched, small_space, name):
    _, history, _ = searched(name, small_space, trials=5)
    assert [record.origin for record in history.records()[:STARTUP]] == ["exact draw"] * STARTUP


class TestRandom:
    @settings(max_examples=30, deadline=None)
    @given(seed=st.integers(0, 2**70), share=st.integers(45, 100), count=st.integers(0, 40))
    @pytest.mark.parametrize("objectives", ["front", "top1"])
    def test_a_draw_is_within_the_budget_and_never_taken(self, small_space, seed, share, count, objectives):
        feasible = Feasible(small_space, Budget.parse(f"{share}%", small_space.costliest))
        draws, taken = ExactDraws(Setting(feasible, seed, objectives)), set()
        for number in range(min(count, feasible.count)):
            architecture = draws.draw(number, frozenset(taken))
            assert architecture in feasible.budget
            assert architecture in small_space
            assert architecture.digest not in taken
            taken.add(architecture.digest)

    def test_every_architecture_that_fits_is_drawn_before_the_end(self, small_space, architectures):
        feasible = Feasible(small_space, Budget(0, 15_017))  # 55% of the costliest
        draws, taken = ExactDraws(Setting(feasible, 0, "top1")), set()  # first the upper half, then all
        for number in range(feasible.count):
            taken.add(draws.draw(number, frozenset(taken)).digest)
        assert taken == {found.digest for found in architectures if cost.macs(found) <= 15_017}
        with pytest.raises(Exhausted):
            draws.draw(feasible.count, frozenset(taken))

    @pytest.mark.parametrize(("budget", "count"), [("100%", 40), ("20%", 20), ("99.99%:100%", 20)])
    def test_every_architecture_is_drawn_though_costs_stand_in_bunches(self, bunched, budget, count):
        draws, taken = ExactDraws(Setting(Feasible.of(bunched, budget), 0)), {"a digest of another space"}
        for number in range(count):
            taken.add(draws.draw(number, taken).digest)
        assert len(taken) == 1 + count
        with pytest.raises(Exhausted):
            draws.draw(count, taken)

    def test_draws_for_top1_lie_in_the_upper_half_of_a_budget_while_there_are_new_ones(self):
        draws = ExactDraws(Setting(Feasible(load("seesaw-digits"), Budget(0, 600_000)), 0, "top1"))
        macs = [cost.macs(draws.draw(number, frozenset())) for number in range(200)]
        assert min(macs) >= 300_000
        # even over 300K to 600K: the mean of 200 lies within 450K +- 24.5K (4 standard errors; false alarm 6e-5)
        assert abs(np.mean(macs) - 450_000) < 4 * 300_000 / np.sqrt(12 * 200)

    def test_draws_for_a_front_fill_the_whole_budget(self):
        feasible = Feasible(load("seesaw-digits"), Budget(0, 600_000))
        draws = ExactDraws(Setting(feasible, 0))
        macs = [cost.macs(draws.draw(number, frozenset())) for number in range(100)]
        # The lower half of the budget would stay empty with probability 0.6^100 = 7e-23.
        assert feasible.cheapest <= min(macs) < 300_000

    @pytest.mark.parametrize("objectives", ["front", "top1"])
    def test_draws_fill_a_band_as_it_is(self, objectives):
        draws = ExactDraws(Setting(Feasible(load("seesaw-digits"), Budget(200_000, 600_000)), 0, objectives))
        macs = [cost.macs(draws.draw(number, frozenset())) for number in range(100)]
        # a fifth of the band, 200K to 280K, would stay empty with probability 0.8^100 = 2e-10
        assert 200_000 <= min(macs) < 280_000


class TestObserved:
    """What strategies compare where trials pause: here after epochs 1 and 3 of 9."""

    def test_highest_level_that_enough_have_reached(self, paused):
        reached = {level: [r for r in paused.records() if len(r.curve) >= level] for level in (1, 3, 9)}
        assert len(reached[1]) == 9 > len(reached[3]) > len(reached[9]) >= 1
        for level, found in reached.items():
            entries = observed(paused, (1, 3, 9), least=len(found))
            assert [entry.number for entry in entries] == [record.number for record in found]
            assert [entry.macs for entry in entries] == [record.macs for record in found]
            assert [entry.top1 for entry in entries] == [record.curve[level - 1].top1 for record in found]

    def test_lowest_level_where_none_has_enough(self, paused):
        numbers = [record.number for record in paused.records()]
        assert [entry.number for entry in observed(paused, (1, 3, 9), least=10)] == numbers

    @pytest.mark.parametrize("least", [1, 9])
    def test_only_the_youngest_where_few_are_wanted(self, paused, least):
        every = observed(paused, (1, 3, 9), least)
        assert observed(paused, (1, 3, 9), least, last=1) == every[-1:]
        assert observed(paused, (1, 3, 9), least, last=99) == every

    def test_without_pauses_the_complete_ones(self, searched, small_space):
        _, history, _ = searched("tpe", small_space, trials=8)
        done = complete(history.records())
        assert observed(history, (1,), least=100) == [Observed.at_end(trial) for trial in done]
        assert done == history.complete

    def test_best_first_is_by_front_or_by_top1(self, paused):
        entries = observed(paused, (1, 3, 9), least=9)
        by_top1 = best_first(entries, "top1")
        assert [entry.top1 for entry in by_top1] == sorted((entry.top1 for entry in entries), reverse=True)
        front = best_first(entries, "front")
        dominated = [any(a.top1 >= b.top1 and a.macs <= b.macs and a is not b for a in entries) for b in front]
        assert dominated == sorted(dominated)  # the front, then the others


def parents(history):
    """For each mutation, the record it was made from and the records there were before it."""
    found = history.records()
    for record in found:
        if record.origin.startswith("mutation of "):
            yield found[int(record.origin.split()[2])], found[: record.number]


class TestEvolution:
    def test_first_ones_are_exact_draws_and_then_children(self, searched, small_space):
        _, history, _ = searched("evolution", small_space, trials=10)
        origins = [record.origin for record in history.records()]
        assert origins[:STARTUP] == ["exact draw"] * STARTUP
        assert all(origin.startswith("mutation of ") for origin in origins[STARTUP:])

    def test_parent_is_the_best_of_the_youngest_by_top1_where_that_alone_counts(
        self, searched, small_space, monkeypatch
    ):
        """With a sample as large as the population there is no luck in it."""
        monkeypatch.setattr(evolution, "POPULATION", 4)
        monkeypatch.setattr(evolution, "MIXTURE", 0.0)
        _, history, _ = searched("evolution", small_space, trials=12, objectives="top1")
        assert len(list(parents(history))) == 12 - STARTUP
        for parent, before in parents(history):
            assert parent == max(before[-4:], key=lambda record: record.top1)

    def test_mixture_names_both_parents(self, searched, small_space, monkeypatch):
        monkeypatch.setattr(evolution, "MIXTURE", 1.0)
        _, history, _ = searched("evolution", small_space, trials=5)
        assert history.records()[4].origin.startswith("mutation of a mixture of ")

    def test_few_that_are_left_are_drawn(self, searched, small_space, monkeypatch):
        monkeypatch.setattr(evolution, "MAX_TRIES", 0)
        _, history, _ = searched("evolution", small_space, trials=6)
        assert {record.origin for record in history.records()} == {"exact draw"}


class TestLocal:
    def test_best_is_changed_where_top1_alone_counts(self, searched, small_space, make_evaluator):
        evaluator = make_evaluator(top1=by_macs(1))
        _, history, _ = searched("local", small_space, trials=12, objectives="top1", evaluator=evaluator)
        assert len(list(parents(history))) == 12 - STARTUP
        for parent, before in parents(history):
            assert parent == max(before, key=lambda record: (record.top1, -record.number))

    def test_members_of_the_front_are_changed_otherwise(self, searched, small_space):
        _, history, _ = searched("local", small_space, trials=12)
        for parent, before in parents(history):
            assert parent.digest in {record.digest for record in records.front(before)}

    def test_one_that_never_gets_better_is_left(self, searched, small_space, make_evaluator, monkeypatch):
        monkeypatch.setattr(local, "PATIENCE", 2)
        evaluator = make_evaluator(top1=by_macs(-1))
        _, history, _ = searched("local", small_space, trials=14, objectives="top1", evaluator=evaluator)
        origins = [record.origin for record in history.records()]
        assert max(origins.count(origin) for origin in set(origins) - {"exact draw"}) == 2


class TestNsga2:
    def test_first_generation_is_drawn_and_every_child_keeps_to_the_budget(self, searched, small_space):
        _, history, _ = searched("nsga2", small_space, trials=12)
        origins = [record.origin for record in history.records()]
        assert origins[: nsga2.POPULATION] == ["exact draw"] * nsga2.POPULATION
        assert "sampler" in origins
        assert {record.state for record in history.records()} <= {"complete", "duplicate"}
        assert max(record.macs for record in history.records()) <= LIMIT

    def test_children_are_of_the_generation_after_the_draws(self, searched, small_space):
        _, history, _ = searched("nsga2", small_space, trials=nsga2.POPULATION + 2)
        generations = [trial.system_attrs["NSGAIISampler:generation"] for trial in history.study.trials]
        assert generations[: nsga2.POPULATION + 1] == [0] * nsga2.POPULATION + [1]

    def test_child_is_one_change_from_a_parent(self, searched, small_space, monkeypatch):
        monkeypatch.setattr(nsga2, "MIXTURE", 0.0)
        _, history, _ = searched("nsga2", small_space, "100%", trials=4)
        *drawn, child = history.records()
        assert any(changes(child, parent) == 1 for parent in drawn)


def changes(one, other):
    """How many blocks and repeats differ, over the blocks that both have."""
    pairs = [(a.blocks, b.blocks) for a, b in zip(one.architecture.stages, other.architecture.stages, strict=True)]
    return sum((len(a) != len(b)) + sum(x != y for x, y in zip(a, b, strict=False)) for a, b in pairs)


class TestSampled:
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

    def test_first_trials_are_exact_draws(self, many):
        history, _ = many
        assert [(record.state, record.origin) for record in history.records()[:STARTUP]] == [
            ("complete", "exact draw")
        ] * STARTUP

    def test_what_misses_the_budget_is_followed_by_the_nearest_that_does_not(self, many, small_space):
        history, _ = many
        found = history.records()
        repaired = [record for record in found if record.origin.startswith("nearest to ")]
        assert repaired
        for record in repaired:
            before = found[record.number - 1]
            assert record.origin == f"nearest to {before.number} within the budget"
            assert (before.state, before.origin, record.state) == ("infeasible", "sampler", "complete")
            assert record.macs <= LIMIT
        missed = [record for record in found[:-1] if record.state == "infeasible"]
        assert len(repaired) > len(missed) / 2  # the others' nearest was known already

    def test_proposals_that_lead_nowhere_are_followed_by_an_exact_draw(self, searched, small_space):
        """A sampler that proposes the same one for ever."""
        one = Feasible(small_space, Budget(0, LIMIT)).draw(np.random.default_rng(5))
        with pytest.warns(optuna.exceptions.ExperimentalWarning):
            sampler = optuna.samplers.PartialFixedSampler(
                dict(encode(small_space, one)), optuna.samplers.RandomSampler(seed=0)
            )
        _, history, _ = searched(lambda setting: Sampled(setting, seeded(sampler), 2), small_space, trials=6)
        assert [record.state[0] for record in history.records()] == list("ccc" + "dddddc" * 3)

    def test_no_startup_asks_the_sampler_at_once(self, searched, small_space):
        sampler = optuna.samplers.RandomSampler(seed=1)
        _, history, _ = searched(lambda setting: Sampled(setting, seeded(sampler), startup=0), small_space, trials=2)
        assert history[0].origin == "sampler"

    def test_sampler_of_one_s_own_is_handed_out_whatever_the_seed(self):
        sampler = optuna.samplers.RandomSampler(seed=1)
        assert seeded(sampler)(0) is seeded(sampler)(1) is sampler

    def test_maker_is_given_another_seed_for_each_trial(self, searched, small_space):
        seeds = []

        def maker(seed):
            seeds.append(seed)
            return optuna.samplers.RandomSampler(seed=seed)

        searched(lambda setting: Sampled(setting, maker, 2), small_space, trials=6)
        assert len(set(seeds)) == len(seeds) >= 4

    @pytest.mark.parametrize("objectives", ["front", "top1"])
    def test_proposals_lean_to_what_scored_high(self, searched, small_space, make_evaluator, objectives):
        """Expansion 1 in the first stage has 2 of its 5 blocks, and 40% more top-1 here."""
        evaluator = make_evaluator(top1=lambda architecture: 0.5 + 0.4 * is_wanted(architecture))
        _, history, _ = searched("tpe", small_space, "100%", trials=30, evaluator=evaluator, objectives=objectives)
        later = [record.architecture for record in history.records()[3:] if record.architecture]
        assert np.mean([is_wanted(architecture) for architecture in later]) > 0.6


def is_wanted(architecture):
    return architecture.stages[0].blocks[0].expansion == 1


class TestThompson:
    def test_first_ones_are_exact_draws_and_then_the_best_of_a_sample(self, searched, small_space):
        _, history, _ = searched("thompson", small_space, trials=12)
        origins = [record.origin for record in history.records()]
        assert origins[:STARTUP] == ["exact draw"] * STARTUP
        limits = [int(origin.split()[-2].replace(",", "")) for origin in origins[STARTUP:] if "sample" in origin]
        assert len(limits) >= 6
        assert limits.count(LIMIT) >= 1  # where top1 is highest
        below = [limit for limit in limits if limit < LIMIT]
        assert len(set(below)) == len(below) >= 3  # they move over the budget
        assert min(below) >= Feasible(small_space, Budget(0, LIMIT)).cheapest

    def test_budget_is_the_limit_where_top1_alone_counts(self, searched, small_space):
        _, history, _ = searched("thompson", small_space, trials=8, objectives="top1")
        origins = {record.origin for record in history.records()}
        assert {"exact draw", "best of a sample under 19,112 Multi-Adds"} <= origins
        assert all(origin == "exact draw" or origin.endswith(" 19,112 Multi-Adds") for origin in origins)

    def test_origin_says_under_a_limit_only_of_what_is(self, searched, small_space):
        """In a small space the best of a sample is often known, so that it is changed, to something above its limit."""
        words = Counter()
        for seed in range(3):
            for record in searched("thompson", small_space, trials=30, seed=seed)[1].records()[STARTUP:]:
                *said, limit = re.fullmatch(r"(.*?)(?: ([\d,]+) Multi-Adds)?", record.origin).groups()
                over = record.macs > int((limit or "0").replace(",", ""))
                words[said[0], over] += limit is not None
        assert words["best of a sample under", False] >= 10
        assert words["mutation of the best of a sample for", True] >= 3
        assert words.keys() <= {
            ("exact draw", True),
            ("best of a sample under", False),
            ("mutation of the best of a sample for", False),
            ("mutation of the best of a sample for", True),
        }

    def test_features_add_up_over_the_choices(self, small_space, architectures):
        """The model's sum for an architecture is what its scores add up to, but for the same constant in all."""
        features = thompson.Features(small_space, 27_304)
        weights = np.random.default_rng(0).standard_normal(len(features))
        scores = features.scores(weights)
        sums = [features.of(architecture) @ weights for architecture in architectures]
        totals = [total(small_space, scores, architecture) for architecture in architectures]
        assert np.ptp(np.array(sums) - totals) < 1e-9 < np.ptp(totals)

    def test_what_adds_up_is_found_far_sooner_than_by_chance(self, searched, make_evaluator):
        """1.8e14 architectures, 47 choices that each are worth something: 30 trials find better than 1,000 draws."""
        space, rng = load("seesaw-digits"), np.random.default_rng(0)
        evaluator = make_evaluator(top1=Worth(space))
        _, history, _ = searched("thompson", space, "600K", trials=30, evaluator=evaluator, objectives="top1")
        feasible = Feasible(space, history.budget)
        drawn = max(map(Worth(space), (feasible.draw_even(rng) for _ in range(1000))))
        # Of four seeds the least lead was 0.036, where the draws have a mean of 0.51 and a best of 0.617.
        assert records.best(history.records()).top1 > drawn

    def test_equal_top1_everywhere_is_no_trouble(self, searched, small_space, make_evaluator):
        evaluator = make_evaluator(top1=lambda architecture: 0.5)
        searched("thompson", small_space, trials=6, evaluator=evaluator)
        assert len(evaluator.asked) == 6


class Worth:
    """A top1 that adds up over the choices in each stage."""

    def __init__(self, space):
        rng = np.random.default_rng(1)
        slots = [slot for width in range(space.widths) for slot in space.slots(width)]
        named = {(s.stage, *trait): 0.0 for s in slots for block in space.options(s) for trait in traits(block).items()}
        self.worth = {name: rng.normal() for name in named}

    def __call__(self, architecture):
        placed = architecture.canonical.placed
        return 0.5 + 0.01 * sum(self.worth[at.stage, *trait] for at in placed for trait in traits(at.block).items())


def total(space, scores, architecture):
    """The sum of the scores of an architecture's choices, without the package's search."""
    outline = space.outline_of(architecture)
    slots = {(slot.stage, slot.index): slot for slot in space.slots(outline)}
    found = scores.outlines[outline]
    for offer, repeats, stage in zip(space.stages, scores.repeats, architecture.stages, strict=True):
        found += repeats[offer.repeats.index(len(stage.blocks))]
    for at in architecture.canonical.placed:
        slot = slots[at.stage, at.index]
        found += scores.blocks(slot)[space.options(slot).index(at.block)]
    return found


def test_unknown_strategy_lists_the_known_ones(tiny_space):
    with pytest.raises(OptionError) as caught:
        make("evolutoin", Setting(Feasible(tiny_space, Budget(0, 10**9)), 0))
    assert str(caught.value) == (
        f"unknown strategy 'evolutoin', did you mean 'evolution'? (known: {', '.join(STRATEGIES)})"
    )


def test_default_strategy_exists():
    assert DEFAULT_STRATEGY in STRATEGIES
