"""The best sum of scores within a budget, against a list of every network."""

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seesaw_nas import space
from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.space import Budget, Feasible, Space, additive
from seesaw_nas.space.additive import Additive, Scores

PLACES = 4  # blocks of the tiny space's longest network
SEEDS = st.integers(0, 2**32)
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@dataclass
class Listed:
    """Every network of a space with its Multi-Adds, cheapest first, to be summed up one by one."""

    space: Space
    networks: list[Architecture]

    def __post_init__(self):
        self.networks = sorted(self.networks, key=cost.macs)
        self.macs = [cost.macs(network) for network in self.networks]

    def sum(self, scores: Scores, network: Architecture) -> float:
        outline = self.space.outline_of(network)
        slots = {(slot.stage, slot.index): slot for slot in self.space.slots(outline)}
        found = scores.outlines[outline]
        for i, (offer, stage) in enumerate(zip(self.space.stages, network.stages, strict=True)):
            found += scores.repeats[i][offer.repeats.index(len(stage.blocks))]
        for at in network.canonical.placed:
            slot = slots[at.stage, at.index]
            found += scores.blocks(slot)[self.space.options(slot).index(at.block)]
        return found

    def best(self, scores: Scores, high: int, low: int = 0) -> float:
        inside = self.networks[bisect_right(self.macs, low - 1) : bisect_right(self.macs, high)]
        return max((self.sum(scores, network) for network in inside), default=-np.inf)


@pytest.fixture(scope="module")
def every(tiny, listed):
    return Listed(tiny, list(listed.values()))


@pytest.fixture(scope="module")
def found(tiny):
    return Additive(tiny, Budget(0, tiny.costliest_macs))


def random_scores(offered: Space, seed: int) -> Scores:
    rng = np.random.default_rng(seed)
    blocks = {
        slot: rng.normal(size=len(offered.options(slot)))
        for width in range(offered.widths)
        for slot in offered.slots(width)
    }
    repeats = tuple(rng.normal(size=len(stage.repeats)) for stage in offered.stages)
    return Scores(rng.normal(size=offered.widths), repeats, blocks.__getitem__)


@few
@given(seed=SEEDS, share=st.floats(0, 1))
def test_best_sum_is_found_exactly_where_costs_are_not_rounded(tiny, every, found, seed, share):
    assert found.exact
    scores = random_scores(tiny, seed)
    high = round(every.macs[0] + share * (every.macs[-1] - every.macs[0]))
    network = found.best(scores, high)
    assert cost.macs(network) <= high
    assert network in tiny
    assert every.sum(scores, network) == pytest.approx(every.best(scores, high))


@few
@given(seed=SEEDS, share=st.floats(0, 1), cells=st.sampled_from([50, 200, 1024]))
def test_rounding_misses_only_what_is_as_close_to_the_budget(tiny, every, monkeypatch, seed, share, cells):
    monkeypatch.setattr(additive, "EXACT", 0)
    monkeypatch.setattr(additive, "CELLS", cells)
    found = Additive(tiny, Budget(0, tiny.costliest_macs))
    assert not found.exact
    scores = random_scores(tiny, seed)
    high = round(every.macs[0] + share * (every.macs[-1] - every.macs[0]))
    sure = every.best(scores, high - PLACES * -(-high // cells))  # a cell is lost at each place at most
    network = found.best(scores, high)
    if network is None:
        assert np.isneginf(sure)
    else:
        assert cost.macs(network) <= high
        assert sure - 1e-9 <= every.sum(scores, network) <= every.best(scores, high) + 1e-9


@few
@given(seed=SEEDS, ends=st.lists(st.floats(0, 1), min_size=2, max_size=2).map(sorted))
def test_low_end_of_a_band_is_kept_to(tiny, every, found, seed, ends):
    scores = random_scores(tiny, seed)
    low, high = (round(every.macs[0] + share * (every.macs[-1] - every.macs[0])) for share in ends)
    network, best = found.best(scores, high, low), every.best(scores, high, low)
    if network is None:
        assert np.isneginf(best)
    else:
        assert low <= cost.macs(network) <= high
        assert every.sum(scores, network) == pytest.approx(best)


@few
@given(seed=SEEDS)
def test_rounding_misses_the_low_end_by_a_cell_a_place_at_most(tiny, every, monkeypatch, seed):
    monkeypatch.setattr(additive, "EXACT", 0)
    monkeypatch.setattr(additive, "CELLS", 64)
    found = Additive(tiny, Budget(0, tiny.costliest_macs))
    high = every.macs[-1]
    low = high * 9 // 10
    network = found.best(random_scores(tiny, seed), high, low)
    assert low - PLACES * -(-high // additive.CELLS) <= cost.macs(network) <= high


@pytest.mark.parametrize("high", [0, 1, 500])
def test_nothing_fits_below_the_cheapest(tiny, every, found, high):
    assert found.best(random_scores(tiny, 0), high) is None
    assert found.best(random_scores(tiny, 0), every.macs[0] - 1) is None


def test_nothing_fits_a_band_above_the_costliest(tiny, every, found):
    assert found.best(random_scores(tiny, 0), every.macs[-1] + 99, every.macs[-1] + 50) is None


@pytest.mark.parametrize(
    ("name", "exact"),
    [
        ("seesaw-digits", True),  # 18,750 multiples of 32 Multi-Adds
        ("seesaw-imagenet", True),  # 232,780 of 1,568
        ("seesaw-cifar", False),  # 1,718,750 of 64
    ],
)
def test_says_whether_costs_are_rounded(name, exact):
    offered = space.load(name)
    assert Additive(offered, offered.budget(offered.default_budget)).exact == exact


def test_large_space_is_within_its_budget_and_better_than_every_draw():
    cifar = space.load("seesaw-cifar")
    budget = Budget(0, 100_000_000)
    scores, every = random_scores(cifar, 0), Listed(cifar, [])
    network = Additive(cifar, budget).best(scores, budget.high)
    assert network in budget
    rng, feasible = np.random.default_rng(0), Feasible(cifar, budget)
    drawn = max(every.sum(scores, feasible.draw_even(rng)) for _ in range(50))
    assert every.sum(scores, network) > drawn + 10  # sums of some 60 scores of variance 1
