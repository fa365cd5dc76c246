"""What a program with a Ray Tune of its own gets: texts, conditional choices, draws, a search algorithm. No cluster."""

import math
from collections import Counter

import numpy as np
import pytest

pytest.importorskip("ray.tune", reason="Ray is not installed")
import optuna
from open_spaces import OPEN, list_networks
from ray.tune.search import ConcurrencyLimiter, Searcher
from ray.tune.search.optuna import OptunaSearch

from seesaw_nas.architecture import cost
from seesaw_nas.core.errors import OptionError, SpecError
from seesaw_nas.search.engines import ray_tune
from seesaw_nas.search.engines.ray_tune.conditional import Choices
from seesaw_nas.space import Feasible, encode, load, parse

# two widths, stages of one or two blocks: 8 or 4 blocks a slot, few enough to walk through all of them
SMALL = parse(
    """
schema_version = 1
name = "small"
description = "few choices"
budget = "100%"

[input]
size = 8
channels = 3
classes = 4

[stem]
channels = [8, 6]
stride = 1

[head]
channels = 12

[blocks]
expansions = [1, 2]
kernels = [3]
partitions = ["1", "1:1", "1:3"]
flows = ["shuffle"]
activations = ["none"]

[[stages]]
channels = [8, 12]
stride = 1
repeats = [1, 2]

[[stages]]
channels = [16, 18]
stride = 2
repeats = [1, 3]
""",
    "test",
)


@pytest.fixture(scope="module")
def cifar():
    return Feasible.of(load("seesaw-cifar"), "110M")


def macs_of(feasible, config):
    assert list(config) == ["architecture"]  # one column in Ray's tables
    return cost.macs(ray_tune.architecture_of(feasible.space, config))


def every_walk(choices):
    """The architectures of all sequences of choices, by going back to the last one that has another value left."""
    path = []
    while True:
        step = iter(range(10**9))

        def choose(name, values, step=step):
            i = next(step)
            if i == len(path):
                path.append([0, len(values)])
            return values[path[i][0]]

        yield choices.walk(choose)
        while path and path[-1][0] + 1 == path[-1][1]:
            path.pop()
        if not path:
            return
        path[-1][0] += 1


# --- texts


def test_text_is_short_and_stands_for_the_architecture(cifar):
    rng = np.random.default_rng(0)
    for _ in range(20):
        architecture = cifar.draw(rng)
        text = ray_tune.spell(cifar.space, architecture)
        assert len(text) <= 42
        assert ray_tune.architecture_of(cifar.space, {"architecture": text}) == architecture
        assert ray_tune.architecture_of(cifar.space, encode(cifar.space, architecture)) == architecture


@pytest.mark.parametrize("text", ["", "A", "z" * 42, "0" * 10_000, "-1", 7, None])
def test_other_texts_are_refused(cifar, text):
    with pytest.raises(SpecError, match=r"^(architecture|rows\[0\])"):
        ray_tune.architecture_of(cifar.space, {"architecture": text})


# --- conditional choices


@pytest.mark.thorough
@pytest.mark.parametrize("share", ["100%", "60%", "40%", "55%:60%", "30%:31%"])
def test_choices_lead_to_every_architecture_of_a_budget_once_and_to_no_other(share):
    feasible = Feasible.of(SMALL, share)
    found = Counter(architecture.digest for architecture in every_walk(Choices(feasible)))
    assert len(found) == feasible.count
    assert set(found.values()) == {1}


@pytest.mark.parametrize("share", ["100%", "40%", "55%:60%"])
def test_choices_lead_to_every_architecture_with_and_without_optional_stages_once(share):
    feasible = Feasible.of(OPEN, share)
    found = Counter(architecture.digest for architecture in every_walk(Choices(feasible)))
    assert found.keys() == {one.digest for one in list_networks(OPEN).values() if one in feasible.budget}
    assert set(found.values()) == {1}


def test_a_text_stands_for_an_architecture_of_optional_stages_and_a_head():
    for architecture in list(list_networks(OPEN).values())[::40]:
        assert ray_tune.architecture_of(OPEN, {"architecture": ray_tune.spell(OPEN, architecture)}) == architecture


@pytest.mark.parametrize("budget", ["110M", "39.4M", "105M:106M"])
def test_optuna_of_ray_proposes_nothing_outside_the_budget(budget):
    feasible = Feasible.of(load("seesaw-cifar"), budget)
    sampler = optuna.samplers.RandomSampler(seed=0)
    search = OptunaSearch(ray_tune.define_by_run(feasible), metric="top1", mode="max", sampler=sampler)
    drawn = [macs_of(feasible, search.suggest(f"{i}")) for i in range(15)]
    assert all(feasible.budget.low <= macs <= feasible.budget.high for macs in drawn)


def test_optuna_of_ray_learns_from_what_it_proposed():
    """By TPE, which asks for genes whose values were fewer in some trials than in others."""
    feasible = Feasible.of(load("seesaw-digits"), "300K")
    search = OptunaSearch(ray_tune.define_by_run(feasible), metric="top1", mode="max", seed=0)
    for i in range(30):
        macs = macs_of(feasible, search.suggest(f"{i}"))
        assert feasible.budget.low <= macs <= feasible.budget.high
        search.on_trial_complete(f"{i}", {"top1": macs / 1e6, "training_iteration": 1})
    assert {trial.state for trial in search._ot_study.trials} == {optuna.trial.TrialState.COMPLETE}


# --- draws and mutations


def test_param_space_draws_anew_for_each_trial_though_ray_copies_it(cifar):
    import copy

    space = ray_tune.param_space(cifar, seed=1)
    drawn = [{"architecture": copy.deepcopy(space)["architecture"].sample()} for _ in range(10)]
    assert len({config["architecture"] for config in drawn}) == 10
    assert all(cifar.budget.low <= macs_of(cifar, config) <= cifar.budget.high for config in drawn)


def test_neighbours_stay_within_the_budget_and_keep_other_parameters(cifar):
    explore, config = ray_tune.Neighbours(cifar), {"architecture": ray_tune.param_space(cifar)["architecture"].sample()}
    neighbour = explore({**config, "other": 1})
    assert neighbour["other"] == 1
    assert neighbour["architecture"] != config["architecture"]
    assert cifar.budget.low <= macs_of(cifar, {"architecture": neighbour["architecture"]}) <= cifar.budget.high


# --- the search algorithm


def report(feasible, config, epoch, epochs, top1):
    return {"top1": top1, "epoch": epoch, "complete": epoch == epochs, "config": config, "train_loss": 1.0}


def states(search):
    return [record.state for record in search._history.records()]


@pytest.mark.parametrize("strategy", ["random", "thompson", "evolution"])
def test_any_limiter_wraps_it_and_it_proposes_nothing_twice(strategy):
    feasible = Feasible.of(load("seesaw-digits"), "300K")
    limited = ConcurrencyLimiter(ray_tune.SeesawSearch(feasible, strategy), max_concurrent=2)
    seen = []
    for i in range(12):
        seen.append(limited.suggest(f"{i}"))
        if i % 2:
            assert limited.suggest("one more") is None
            for j in (i - 1, i):
                limited.on_trial_complete(f"{j}", report(feasible, seen[j], 1, 1, j / 100))
    assert all(feasible.budget.low <= macs_of(feasible, config) <= feasible.budget.high for config in seen)
    assert len({config["architecture"] for config in seen}) == 12
    assert states(limited.searcher) == ["complete"] * 12


def test_it_ends_when_all_that_fit_are_proposed():
    feasible = Feasible.of(SMALL, "20%")
    search, count = ray_tune.SeesawSearch(feasible), 0
    while (config := search.suggest(f"{count}")) not in (None, Searcher.FINISHED):
        search.on_trial_complete(f"{count}", report(feasible, config, 1, 1, 0.5))
        count += 1
        assert count <= feasible.count
    assert config == Searcher.FINISHED
    assert count == feasible.count


def test_saved_and_restored_it_proposes_what_it_would_have_proposed(tmp_path):
    feasible = Feasible.of(load("seesaw-digits"), "300K")
    search, other = (ray_tune.SeesawSearch(feasible, "thompson", epochs=3) for _ in range(2))
    for i in range(12):
        config = search.suggest(f"{i}")
        search.on_trial_complete(f"{i}", report(feasible, config, 3, 3, macs_of(feasible, config) / 1e6))
    running = search.suggest("running")
    search.save(str(tmp_path / "state.pkl"))
    other.restore(str(tmp_path / "state.pkl"))
    for one in (search, other):
        one.on_trial_complete("running", report(feasible, running, 3, 3, 0.5))
    assert search.suggest("next") == other.suggest("next")
    assert states(other) == ["complete"] * 13 + ["running"]


def test_stopped_and_broken_trials_are_not_taken_for_complete_ones():
    feasible = Feasible.of(load("seesaw-digits"), "300K")
    search = ray_tune.SeesawSearch(feasible, epochs=3)
    stopped, broken, _ = (search.suggest(name) for name in ("stopped", "broken", "silent"))
    for epoch in (1, 2):
        search.on_trial_result("stopped", report(feasible, stopped, epoch, 3, epoch / 10))
    search.on_trial_complete("stopped", report(feasible, stopped, 2, 3, 0.2))
    search.on_trial_complete("broken", report(feasible, broken, 1, 3, 0.9), error=True)
    search.on_trial_complete("silent", None)
    assert states(search) == ["stopped", "failed", "failed"]
    assert [epoch.top1 for epoch in search._history[0].curve] == [0.1, 0.2]


def test_trial_that_took_up_another_architecture_counts_for_that_one():
    feasible = Feasible.of(load("seesaw-digits"), "300K")
    search = ray_tune.SeesawSearch(feasible)
    proposed = search.suggest("a")
    other = ray_tune.Neighbours(feasible)(proposed)
    search.on_trial_complete("a", report(feasible, other, 1, 1, 0.8))
    search.on_trial_complete("unknown", report(feasible, ray_tune.Neighbours(feasible, 1)(other), 1, 1, 0.7))
    assert states(search) == ["failed", "complete", "complete"]
    assert search._history[1].spec == ray_tune.architecture_of(feasible.space, other)


def test_unknown_strategy_or_objective_is_refused():
    feasible = Feasible.of(SMALL, "100%")
    with pytest.raises(OptionError, match="unknown strategy 'tpw', did you mean 'tpe'"):
        ray_tune.SeesawSearch(feasible, "tpw")
    with pytest.raises(OptionError, match="unknown objectives 'both'"):
        ray_tune.SeesawSearch(feasible, objectives="both")


def test_what_is_no_figure_is_not_learned():
    feasible = Feasible.of(load("seesaw-digits"), "300K")
    search = ray_tune.SeesawSearch(feasible)
    config = search.suggest("a")
    search.on_trial_complete("a", report(feasible, config, 1, 1, math.nan))
    assert states(search) == ["failed"]
