"""Budgets of several costs at once: counted as a list says, drawn evenly from it, and never left."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from seesaw_nas import space
from seesaw_nas.architecture import cost, memory
from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.core.errors import BudgetError, NothingFits, UnitError
from seesaw_nas.space import Budget, Feasible, Space, pricing
from seesaw_nas.space.additive import Additive, Scores
from seesaw_nas.space.budget import Bound
from seesaw_nas.space.costs import MACS, NAMES, Cost, named
from seesaw_nas.space.stages import Ends, Slot

SEEDS = st.integers(0, 2**32)
DIGITS = space.load("seesaw-digits")


class Clock:
    """Times of a device that does not exist: a block takes what a formula says of its shapes."""

    digest = "0123456789abcdef"

    def block(self, slot: Slot, block: Block) -> int:
        return self._of(block, slot.c_in)

    @staticmethod
    def _of(block: Block, c_in: int) -> int:
        return 300 * block.kernel + 100 * c_in * block.expansion + 700 * len(block.partition.parts)

    def ends(self, ends: Ends) -> int:
        return 50_000 + 13 * ends.head

    def of(self, architecture: Architecture) -> int:
        blocks = sum(self._of(at.block, at.c_in) for at in architecture.canonical.placed)
        return 50_000 + 13 * architecture.head.channels + blocks


COSTS = [named(name, Clock()) for name in NAMES]


@pytest.fixture(scope="module")
def amounts(listed) -> dict[Cost, dict[str, int]]:
    return {one: {digest: one.of(network) for digest, network in listed.items()} for one in COSTS}


def bound_at(of: dict[str, int], one: Cost, low: float, high: float) -> Bound:
    """The bound that lets through what lies between two shares of the networks, ordered by cost."""
    ordered = sorted(of.values())
    lower = ordered[round(low * (len(ordered) - 1))] if low else 0
    return Bound(one, lower, ordered[round(high * (len(ordered) - 1))])


def budget_of(space: Space, *bounds: Bound) -> Budget:
    return Budget.of_bounds(bounds, space.costliest)


# Costs


def test_every_cost_of_a_network_is_what_its_parts_cost_together(tiny, listed):
    for network in list(listed.values())[::7]:
        outline, blocks, _ = tiny.take_apart(network)
        for one in COSTS:
            parts = [one.ends(tiny.ends(outline)), *(one.block(slot, block) for slot, block in blocks.items())]
            assert one.join(parts) == one.of(network), one.name


def test_the_cheapest_and_the_costliest_are_those_of_the_list(tiny, amounts):
    for one in COSTS:
        assert (tiny.cheapest(one), tiny.costliest(one)) == (min(amounts[one].values()), max(amounts[one].values()))


def test_costs_are_named_as_a_user_writes_them():
    assert NAMES == ("macs", "params", "weights", "int8 weights", "memory", "int8 memory", "latency")
    assert named("Memory INT8") == named("int8 memory")
    assert named("") == named("Multi-Adds") == MACS
    with pytest.raises(BudgetError, match=r"unknown cost 'watts' \(known: macs, params"):
        named("watts")
    with pytest.raises(BudgetError, match="give --latency-profile FILE"):
        named("latency")


# Written


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("600K", ["600.0K"]),
        ("256KB memory", ["256 KB memory"]),
        ("30K params, 600K", ["600.0K macs", "30.0K params"]),
        ("1M macs,1,200,000 params", ["1.0M macs", "1.2M params"]),
        ("4ms latency", ["4 ms latency"]),
        ("0.3MS latency, 28,000B sram", ["0.3 ms latency", "27.3 KB memory"]),
        ("4ms", ["4 ms latency"]),
        ("0.5ms:800us, 16KB:32KB int8 memory", ["0.5 ms:0.8 ms latency", "16 KB:32 KB int8 memory"]),
        ("1MiB int8 weights, 100K:200K multi-adds", ["100.0K:200.0K macs", "1 MB int8 weights"]),
    ],
)
def test_a_conjunction_is_read_in_any_order(text, found):
    assert str(DIGITS.budget(text, Clock())) == ", ".join(found)


def test_shares_are_of_the_costliest_in_the_same_respect():
    budget = DIGITS.budget("50% macs, 25% params, 75% memory")
    for bound, share in zip(budget.bounds, (2, 4, 4 / 3), strict=True):
        assert bound.high == int(DIGITS.costliest(bound.cost) / share)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        (
            "1M macs, 2M macs",
            BudgetError,
            "the budget '1M macs, 2M macs' bounds macs twice; write one bound, or a band as LOW:HIGH",
        ),
        ("256KB", BudgetError, "'256KB' is a size of what? write '256KB memory' or '256KB weights'"),
        ("4 parsecs", BudgetError, "unknown cost 'parsecs', did you mean 'params'?"),
        ("4kg memory", BudgetError, "cannot read the bound '4kg memory'"),
        ("4ms params", UnitError, "cannot read '4ms' as a number of parameters"),
        ("12 latency", UnitError, "cannot read '12' as a time; write it like 4ms"),
        ("-1 macs", BudgetError, "cannot read the bound '-1 macs'"),
        ("", UnitError, "cannot read '' as a number of Multi-Adds"),
        ("1M macs,", BudgetError, "the budget '1M macs,' has an empty part; write one bound between two commas"),
        ("memory: 28KB", BudgetError, "cannot read the bound 'memory: 28KB'; write an amount and then what it bounds"),
        ("-28KB memory", BudgetError, "cannot read the bound '-28KB memory'; write an amount and then what it bounds"),
        ("28KB int8", BudgetError, "'int8' is the type of what? write 'int8 memory' or 'int8 weights'"),
        ("28KB:20KB memory", BudgetError, "got 28 KB to 20 KB; write it like LOW:HIGH"),
        ("1 foo", BudgetError, "unknown cost 'foo'"),
        ("\u0663K macs", BudgetError, "cannot read the bound '\u0663K macs'"),
        ("2MB:1MB weights", BudgetError, "lower end must not be above its upper one"),
    ],
)
def test_a_budget_that_cannot_be_read_is_refused_in_a_line(text, error, message):
    with pytest.raises(error) as refused:
        DIGITS.budget(text, Clock())
    assert message in str(refused.value)


def test_a_budget_is_written_and_read_again():
    for text in ("600K", "30K params", "100K:1M, 30K params, 64KB memory, 4ms"):
        budget = DIGITS.budget(text, Clock())
        assert Budget.from_dict(budget.to_dict(), Clock()) == budget
    assert DIGITS.budget("600K").to_dict() == {"low": 0, "high": 600_000}


# Counted and drawn


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(COSTS, 2)), ids=lambda cost: cost.name)
def test_every_pair_of_costs_counts_and_draws_what_the_list_has(tiny, listed, amounts, one, other):
    for low, high, also in ((0, 0.7, 0.6), (0.2, 0.8, 0.9), (0.3, 0.95, 0.5)):
        bounds = bound_at(amounts[one], one, low, high), bound_at(amounts[other], other, 0, also)
        inside = {d for d in listed if all(amounts[bound.cost][d] in bound for bound in bounds)}
        if not inside:
            with pytest.raises(NothingFits):
                Feasible(tiny, budget_of(tiny, *bounds))
            continue
        feasible = Feasible(tiny, budget_of(tiny, *bounds))
        assert feasible.pricing.is_exact
        assert feasible.count == feasible.most == len(inside)
        assert {network.digest for network in feasible.left(())} == inside
        generator = np.random.default_rng(1)
        parent = feasible.draw(generator)
        for _ in range(15):
            parent = feasible.mutate(parent, generator)
            other_parent = feasible.draw_even(generator)
            child = feasible.crossover(parent, other_parent, generator)
            drawn = [parent, child, other_parent, feasible.draw_fair(generator)]
            assert {network.digest for network in drawn} <= inside
            stranger = listed[list(listed)[int(generator.integers(len(listed)))]]
            assert feasible.repair(stranger, generator).digest in inside


def test_draws_under_three_bounds_are_uniform(tiny, listed, amounts):
    bounds = [bound_at(amounts[named(name)], named(name), 0, 0.8) for name in ("macs", "params", "memory")]
    feasible = Feasible(tiny, budget_of(tiny, *bounds))
    generator, times = np.random.default_rng(0), 12
    found = Counter(feasible.draw(generator).digest for _ in range(times * feasible.count))
    statistic = sum((found[digest] - times) ** 2 / times for digest in {n.digest for n in feasible.left(())})
    assert statistic < chi2.isf(1e-6, df=feasible.count - 1)


@settings(max_examples=25, deadline=None)
@given(
    seed=SEEDS,
    names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True),
    shares=st.lists(st.tuples(st.floats(0, 0.4), st.floats(0.4, 1)), min_size=3, max_size=3),
    cells=st.sampled_from([2**6, 2**9, 2**13]),
)
def test_rounded_costs_keep_every_bound_and_count_from_below(tiny, listed, amounts, seed, names, shares, cells):
    costs = [named(name, Clock()) for name in names]
    bounds = [bound_at(amounts[one], one, *share) for one, share in zip(costs, shares, strict=False)]
    inside = {d for d in listed if all(amounts[bound.cost][d] in bound for bound in bounds)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pricing, "FEWEST", 1)
        priced = pricing.Pricing(tiny, budget_of(tiny, *bounds), cells=cells)
        assert priced.count <= len(inside) <= max(priced.count, priced.open().count)
    generator = np.random.default_rng(seed)
    for outline, one in enumerate(priced.outlines):
        chain = one and one.chain()
        if chain:
            tables = chain.tables(one.high)
            prices, _ = tables.costs(one.low, one.high)
            for price in generator.permutation(prices)[:8].tolist():
                network = tiny.build(outline, tables.draw(price, generator))
                assert network.digest in inside
                lead = priced.lead.cost
                assert lead.of(network) <= one.leads(np.array([price]))[0]


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, name=st.sampled_from(NAMES[1:]), share=st.floats(0.3, 1), of_macs=st.floats(0.3, 1))
def test_the_best_sum_under_several_bounds_is_the_best_of_the_list(tiny, listed, amounts, seed, name, share, of_macs):
    one, generator = named(name, Clock()), np.random.default_rng(seed)
    bounds = bound_at(amounts[MACS], MACS, 0, of_macs), bound_at(amounts[one], one, 0, share)
    slots = {slot for outline in range(len(tiny.outlines)) for slot in tiny.slots(outline)}
    weights = {slot: generator.normal(size=len(tiny.options(slot))) for slot in sorted(slots, key=str)}
    repeats = tuple(generator.normal(size=len(stage.repeats)) for stage in tiny.stages)
    scores = Scores(generator.normal(size=len(tiny.outlines)), repeats, weights.__getitem__)
    best = Additive(tiny, budget_of(tiny, *bounds)).best(scores, bounds[0].high)
    inside = [n for d, n in listed.items() if all(amounts[bound.cost][d] in bound for bound in bounds)]
    if not inside:
        assert best is None
        return
    assert best.digest in {network.digest for network in inside}
    assert scores.total(tiny, best) == pytest.approx(max(scores.total(tiny, network) for network in inside))


# Nothing fits


def test_a_single_bound_that_nothing_keeps_names_the_ends():
    with pytest.raises(
        NothingFits,
        match=r"8 KB memory; the cheapest has 20 KB and the costliest 36 KB: choose a budget of at least 20,480 bytes",
    ):
        Feasible.of(DIGITS, "8KB memory")


def test_a_band_of_memory_in_a_gap_names_the_nearest_on_its_two_sides(tiny, listed):
    memory = named("memory")
    peaks = sorted({memory.of(network) for network in listed.values()})
    below, above = next(pair for pair in itertools.pairwise(peaks) if pair[1] - pair[0] > 2)
    with pytest.raises(NothingFits) as refused:
        Feasible(tiny, budget_of(tiny, Bound(memory, below + 1, above - 1)))
    assert f"the nearest on its two sides have {memory.tell(below)} and {memory.tell(above)}" in str(refused.value)


def test_bounds_that_exclude_each_other_are_named_with_what_would_fit(tiny, listed, amounts):
    params = named("params")
    macs_of, params_of = amounts[MACS], amounts[params]
    band = Bound(MACS, sorted(macs_of.values())[-5], max(macs_of.values()))
    few = Bound(params, 0, min(params_of.values()))
    with pytest.raises(NothingFits) as refused:
        Feasible(tiny, budget_of(tiny, band, few, Bound(named("memory"), 0, 10**9)))
    least = min(params_of[digest] for digest, macs in macs_of.items() if macs in band)
    most = max(macs_of[digest] for digest, amount in params_of.items() if amount in few)
    text = str(refused.value)
    assert "memory" not in text
    assert f"the least params is {params.write(least)}" in text
    assert f"the only macs are {MACS.write(most)}" in text


def test_shipped_space_under_flash_and_sram():
    feasible = Feasible.of(DIGITS, "600K, 28KB memory, 24KB int8 weights")
    generator = np.random.default_rng(0)
    for _ in range(20):
        network = feasible.draw_fair(generator)
        assert cost.macs(network) <= 600_000
        assert memory.peak_bytes(network, "float32") <= 28 * 1024
        assert cost.weight_bytes(network, "int8") <= 24 * 1024
    assert 0 < feasible.count <= feasible.most
