"""What fits a budget: counted as a list says, drawn evenly, and never left by a mutation or a crossover."""

import itertools
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chi2

from seesaw_nas import space
from seesaw_nas.architecture import cost
from seesaw_nas.architecture.partition import DENSE, Partition
from seesaw_nas.architecture.reference import network
from seesaw_nas.core.errors import BudgetError, SpaceError
from seesaw_nas.space import Budget, Feasible, Space, StageSpace

SEEDS = st.integers(0, 2**32)
DIGITS = space.load("seesaw-digits")


@pytest.fixture(scope="module")
def costs(listed) -> list[int]:
    return sorted(cost.macs(network) for network in listed.values())


@pytest.fixture(scope="module")
def cifar() -> Feasible:
    return Feasible(space.load("seesaw-cifar"), Budget(90_000_000, 100_000_000))


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def is_uniform(found: Counter, cells: int) -> bool:
    """Chi-square with a chance of a false alarm of one in a million."""
    each = sum(found.values()) / cells
    statistic = sum((n - each) ** 2 / each for n in found.values()) + (cells - len(found)) * each
    return bool(statistic < chi2.isf(1e-6, df=cells - 1))


# Counts


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9, 1.0])
def test_a_budget_counts_as_many_as_the_list_has(tiny, costs, share):
    high = round(costs[0] + share * (costs[-1] - costs[0]))
    feasible = Feasible(tiny, Budget(0, high))
    inside = [macs for macs in costs if macs <= high]
    assert feasible.count == len(inside)
    assert (feasible.cheapest, feasible.costliest) == (inside[0], inside[-1])
    assert feasible.median == inside[(len(inside) - 1) // 2]


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 30), (700, 760)])
def test_what_is_left_is_what_the_list_has_and_nobody_took(tiny, listed, costs, first, last):
    feasible = Feasible(tiny, Budget(costs[first], costs[last]))
    inside = {digest for digest, found in listed.items() if costs[first] <= cost.macs(found) <= costs[last]}
    assert [feasible.exceeds(n) for n in (0, len(inside) - 1, len(inside))] == [True, len(inside) > 1, False]
    assert {found.digest for found in feasible.left(())} == inside
    assert len(feasible.left(())) == len(inside)
    taken = {"of another space", *sorted(inside)[1:]}
    assert not feasible.is_used_up(taken)
    assert [found.digest for found in feasible.left(taken)] == [sorted(inside)[0]]
    assert feasible.draw_new(rng(0), taken).digest == sorted(inside)[0]
    assert feasible.is_used_up(taken | inside)
    assert feasible.draw_new(rng(0), taken | inside) is None


@pytest.mark.parametrize("share", [0.2, 0.9])
def test_new_draws_are_even_over_all_that_are_left(tiny, listed, costs, share):
    """Where few are taken and where most are."""
    feasible = Feasible(tiny, Budget(0, costs[60]))
    inside = sorted(digest for digest, found in listed.items() if cost.macs(found) <= costs[60])
    taken = set(inside[: round(share * len(inside))])
    generator = rng(1)
    found = Counter(feasible.draw_new(generator, taken).digest for _ in range(40 * len(inside)))
    assert found.keys() == set(inside) - taken
    assert is_uniform(found, len(inside) - len(taken))


@pytest.mark.parametrize(("first", "last"), [(0, 0), (0, 20), (400, 420), (700, 1_000), (1_331, 1_331)])
def test_a_band_counts_as_many_as_the_list_has(tiny, costs, first, last):
    low, high = costs[first], costs[last]
    assert Feasible(tiny, Budget(low, high)).count == sum(low <= macs <= high for macs in costs)


def test_parts_of_a_budget_add_up_to_it(tiny, costs):
    low, mid, high = costs[0], costs[600], costs[-1]
    parts = [Feasible(tiny, Budget(low, mid)).count, Feasible(tiny, Budget(mid + 1, high)).count]
    assert parts == [sum(macs <= mid for macs in costs), sum(macs > mid for macs in costs)]
    assert sum(parts) == Feasible(tiny, Budget(low, high)).count


def test_a_budget_beyond_everything_fits_all(tiny):
    assert Feasible(tiny, Budget(0, 10**30)).count == tiny.size


def test_a_budget_that_nothing_fits_names_cheapest_and_costliest(tiny, costs):
    with pytest.raises(BudgetError) as refused:
        Feasible(tiny, Budget(0, costs[0] - 1))
    assert str(refused.value) == (
        f"no architecture of space 'tiny' has {costs[0] - 1:,} Multi-Adds; the cheapest has {costs[0]:,} and the "
        f"costliest {costs[-1]:,}: choose a budget of at least {costs[0]:,} Multi-Adds"
    )


def test_a_band_above_everything_is_refused_with_the_costliest(tiny, costs):
    with pytest.raises(BudgetError) as refused:
        Feasible(tiny, Budget(costs[-1] + 1, costs[-1] + 99))
    assert f"has {costs[-1] + 1:,} to {costs[-1] + 99:,} Multi-Adds; the cheapest has" in str(refused.value)
    assert str(refused.value).endswith(f"choose a band that begins at {costs[-1]:,} Multi-Adds or below")


def test_a_band_in_a_gap_is_refused_with_the_nearest_on_its_two_sides(tiny, costs):
    below, above = next(pair for pair in itertools.pairwise(costs) if pair[1] - pair[0] > 2)
    with pytest.raises(BudgetError) as refused:
        Feasible(tiny, Budget(below + 1, above - 1))
    assert str(refused.value).endswith(
        f"choose a wider band; the nearest on its two sides have {below:,} Multi-Adds and {above:,} Multi-Adds"
    )


def test_a_space_beyond_64_bit_floats_is_refused_before_it_is_drawn_from():
    first, second, third = DIGITS.stages
    endless = replace(DIGITS, stages=(first, second, replace(third, repeats=(250,))))
    with pytest.raises(SpaceError, match=r"holds \S+e45\d architectures, more than the 1.00e300 that can be drawn"):
        Feasible(endless, Budget(0, 10**10))


# Draws


def test_draws_are_uniform_over_both_widths(tiny, listed, costs):
    # Up to the 120th cost: both widths and many costs. 25 draws for each architecture.
    budget = Budget(0, costs[119])
    feasible, generator = Feasible(tiny, budget), rng(0)
    inside = {digest for digest, network in listed.items() if network in budget}
    assert len({listed[digest].stem.channels for digest in inside}) == 2
    found = Counter(feasible.draw(generator).digest for _ in range(25 * len(inside)))
    assert set(found) <= inside
    assert is_uniform(found, len(inside))


def test_draws_of_a_large_space_are_as_costly_as_its_median_says():
    # Half of 1,000 draws lie at or below the median: 500 +- 15.8, and 5 sigma are a false alarm in 1.7 million.
    # One cost has less than a hundredth of all architectures, which the tolerance has room for.
    feasible, generator = Feasible(DIGITS, Budget(0, 500_000)), rng(0)
    below = sum(cost.macs(feasible.draw(generator)) <= feasible.median for _ in range(1_000))
    assert abs(below - 500) < 5 * 15.8 + 10


def test_fair_draws_are_shorter_than_equally_likely_ones_and_as_costly():
    fair, even = (Counter(), Counter())
    costs = []
    for seed in range(600):
        network = Feasible.of(DIGITS, "600K").draw_fair(rng(seed))
        assert network in DIGITS
        costs.append(cost.macs(network))
        fair[len(network.stages[2].blocks)] += 1
        even[len(Feasible.of(DIGITS, "600K").draw_even(rng(seed)).stages[2].blocks)] += 1
    assert max(costs) <= 600_000
    assert min(fair[n] for n in (1, 2, 3)) > 60  # each is drawn, a third of all or a little off
    assert fair[1] > 1.3 * even[1]
    low, high = DIGITS.cheapest_macs, 600_000
    quarters = Counter(int(4 * (macs - low) / (high - low + 1)) for macs in costs)
    assert is_uniform(quarters, 4)


def test_even_draws_spread_over_the_budget():
    # Ten equal bands from the cheapest to 500K. Of 1,000 draws each gets 100 +- 9.5; 5 sigma in any of ten bands are a
    # false alarm in 170,000. Uniform draws are nearly all in the uppermost bands.
    feasible, generator = Feasible(DIGITS, Budget(0, 500_000)), rng(0)
    edges = np.linspace(feasible.cheapest, 500_000, 11)
    even, _ = np.histogram([cost.macs(feasible.draw_even(generator)) for _ in range(1_000)], edges)
    assert all(abs(n - 100) < 5 * 9.5 for n in even)
    uniform, _ = np.histogram([cost.macs(feasible.draw(generator)) for _ in range(200)], edges)
    assert uniform[:5].sum() < 0.1 * 200


@given(SEEDS, st.floats(0, 1), st.floats(0, 0.1))
def test_draws_keep_to_the_budget_and_the_space(seed, share, width):
    span = DIGITS.costliest_macs - DIGITS.cheapest_macs
    low = DIGITS.cheapest_macs + int(0.9 * share * span)
    feasible = Feasible(DIGITS, Budget(low, low + int(width * span) + 10_000))
    for draw in (feasible.draw, feasible.draw_even):
        drawn = draw(rng(seed))
        assert drawn in feasible.budget
        assert drawn in DIGITS
        assert drawn == drawn.canonical == draw(rng(seed))


@settings(max_examples=10)
@given(SEEDS)
def test_cifar_stays_within_its_budget(cifar, seed):
    generator = rng(seed)
    one, other = cifar.draw(generator), cifar.draw_even(generator)
    for found in (one, other, cifar.mutate(one, generator), cifar.crossover(one, other, generator)):
        assert found in cifar.budget
        assert found in cifar.space


# Mutation


def differing(one, other) -> int:
    """How many blocks and repeats differ, over the blocks that both have."""
    pairs = list(zip(one.stages, other.stages, strict=True))
    repeats = sum(len(a.blocks) != len(b.blocks) for a, b in pairs)
    return repeats + sum(x != y for a, b in pairs for x, y in zip(a.blocks, b.blocks, strict=False))


@given(SEEDS)
def test_a_mutation_changes_one_choice_where_the_budget_is_wide(seed):
    feasible, generator = Feasible(DIGITS, Budget(0, DIGITS.costliest_macs)), rng(seed)
    before = feasible.draw(generator)
    assert differing(before, feasible.mutate(before, generator)) == 1


@given(SEEDS)
def test_a_mutation_keeps_to_a_narrow_band_and_still_changes_something(seed):
    # A hundredth of a percent of the costliest: 983,680 / 10,000, or 98 Multi-Adds.
    feasible, generator = Feasible(DIGITS, Budget(500_000, 500_098)), rng(seed)
    before = feasible.draw(generator)
    after = feasible.mutate(before, generator)
    assert after.digest != before.digest
    assert after in feasible.budget
    assert after in DIGITS


def test_a_mutation_finds_another_wherever_the_list_has_one(tiny, listed):
    # Every architecture, in a budget of exactly its own cost: the narrowest there is.
    by_cost = {}
    for found in listed.values():
        by_cost.setdefault(cost.macs(found), set()).add(found.digest)
    exact = {macs: Feasible(tiny, Budget(macs, macs)) for macs in by_cost}
    for seed, found in enumerate(list(listed.values())[::4]):
        macs = cost.macs(found)
        after = exact[macs].mutate(found, rng(seed))
        assert after.digest in (by_cost[macs] - {found.digest} or {found.digest})


@pytest.mark.parametrize(
    ("low", "high", "count", "moves"),
    [
        (7_440, 7_440, 12, 200),  # changes of one choice, and what they cost elsewhere, lead to 4 of these 12,
        (7_944, 7_944, 12, 200),  # to 8 of these
        (8_160, 8_160, 12, 200),  # and of these
        (14_208, 15_072, 18, 400),  # of both widths
    ],
)
def test_mutations_lead_to_everything_within_a_narrow_budget(tiny, listed, low, high, count, moves):
    """From one of them, in about three times the moves that this takes."""
    inside = {digest: found for digest, found in listed.items() if low <= cost.macs(found) <= high}
    assert len(inside) == count
    feasible, generator, found = Feasible(tiny, Budget(low, high)), rng(0), inside[min(inside)]
    reached = set()
    for _ in range(moves):
        found = feasible.mutate(found, generator)
        reached.add(found.digest)
    assert reached == inside.keys()


def test_a_mutation_to_another_width_keeps_what_it_offers(tiny, listed):
    """Both widths offer 1:3 in their second stage, the narrow one not in its first."""
    before = next(n.canonical for n in listed.values() if n.stem.channels == 4 and len(n.placed) == 2)
    feasible = Feasible(tiny, Budget(0, 10**9))
    moved = [n for n in (feasible.mutate(before, rng(seed)) for seed in range(100)) if n.stem.channels == 6]
    # One of five choices is the width, so of 100 moves fewer than 3 are of it with a chance of 7e-8.
    assert 3 <= len(moved) <= 50
    assert all(repeats(n) == repeats(before) for n in moved)
    assert all(n.placed[1].block == before.placed[1].block for n in moved)


def two_stages_of_equal_blocks() -> Space:
    """One block on offer: only the repeats differ, and what one stage gains the other has to give."""
    stage = StageSpace((4,), 1, (1, 2), (1,), (3,), (DENSE,), ("none",), ("none",))
    return Space("seesaw", "Up and down", "1M", 4, 1, 2, (4,), 1, 4, (stage, stage))


def test_a_mutation_changes_two_repeats_at_once_where_it_must():
    seesaw = two_stages_of_equal_blocks()
    # Three blocks in all, each of pw1 16, dw 36 and pw2 16 weights on 4x4 pixels.
    macs = seesaw.fixed_macs(0) + 3 * (16 + 36 + 16) * 16
    feasible = Feasible(seesaw, Budget(macs, macs))
    assert feasible.count == 2
    before = feasible.draw(rng(0))
    after = feasible.mutate(before, rng(0))
    assert [len(s.blocks) for s in after.stages] == [len(s.blocks) for s in before.stages][::-1]


def test_a_mutation_brings_an_architecture_over_the_budget_back_into_it(tiny, listed, costs):
    heaviest = max(listed.values(), key=cost.macs)
    feasible = Feasible(tiny, Budget(0, costs[900]))
    assert cost.macs(feasible.mutate(heaviest, rng(0))) <= costs[900]


def test_mutation_reaches_every_neighbour(tiny, listed):
    feasible, before = Feasible(tiny, Budget(0, 10**9)), next(iter(listed.values())).canonical
    frame = [n.canonical for n in listed.values() if tiny.outline_of(n) == tiny.outline_of(before)]
    blocks = {n.digest for n in frame if differing(before, n) == 1 and len(n.placed) == len(before.placed)}
    found = {feasible.mutate(before, generator).digest for generator in map(rng, range(400))}
    # One block in each stage: one target of four, then one of 4 or 5 other blocks, so each comes with 1/20 or more.
    # Of 400 draws, that one of the nine stays away has a chance below 9 * 0.95**400, one in ten million.
    assert len(blocks) == 9
    assert blocks <= found


@pytest.mark.parametrize("move", ["mutate", "crossover", "repair"])
def test_a_stranger_is_refused_with_the_reason(tiny, listed, costs, move):
    feasible, stranger = Feasible(tiny, Budget(0, costs[-1])), network("seesaw-shuffle-0.5d")
    parents = [next(iter(listed.values())), stranger] if move == "crossover" else [stranger]
    with pytest.raises(BudgetError, match="the architecture is not in space 'tiny': input, classes"):
        getattr(feasible, move)(*parents, rng(0))


def test_a_stranger_is_not_repaired_though_it_is_within_the_budget(tiny):
    stranger = network("seesaw-shuffle-0.5d")
    with pytest.raises(BudgetError, match="the architecture is not in space 'tiny': input, classes"):
        Feasible(tiny, Budget(0, 2 * cost.macs(stranger))).repair(stranger, rng(0))


# Repair


@settings(deadline=None)
@given(SEEDS, st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_what_fits_is_not_repaired_and_what_does_not_keeps_what_it_can(tiny, listed, costs, seed, which, one, other):
    """Against the list: the repeats and the width are given up only where they must be."""
    broken = listed[sorted(listed)[int(which * (len(listed) - 1))]]
    low, high = sorted(costs[int(share * (len(costs) - 1))] for share in (one, other))
    mended = Feasible(tiny, Budget(low, high)).repair(broken, rng(seed))
    assert mended in tiny
    assert low <= cost.macs(mended) <= high
    if low <= cost.macs(broken) <= high:
        assert mended == broken.canonical
        return
    inside = [found for found in listed.values() if low <= cost.macs(found) <= high]
    same_width = [repeats(found) for found in inside if found.stem == broken.stem]
    assert (mended.stem == broken.stem) == bool(same_width)
    if same_width:
        assert (repeats(mended) == repeats(broken)) == (repeats(broken) in same_width)


def repeats(found) -> list[int]:
    return [len(stage.blocks) for stage in found.stages]


def test_repair_of_a_near_miss_changes_one_block_or_three():
    """Networks up to 2% above the budget."""
    above, within = Feasible(DIGITS, Budget(505_000, 515_000)), Feasible(DIGITS, Budget(400_000, 504_000))
    changed = Counter()
    for seed in range(50):
        mended = within.repair(broken := above.draw(rng(seed)), rng(seed))
        assert repeats(mended) == repeats(broken)
        changed[differing(mended, broken)] += 1
    assert set(changed) <= {1, 2, 3}
    assert changed[1] > 25


def test_repair_reaches_every_network_that_differs_in_one_block(tiny, listed, costs):
    """Of the costliest, whose four blocks are each drawn to be mended."""
    broken = max(listed.values(), key=cost.macs)
    feasible = Feasible(tiny, Budget(0, costs[-1] - 1))
    found = {feasible.repair(broken, rng(seed)).digest for seed in range(300)}
    near = [other for other in listed.values() if repeats(other) == repeats(broken) and other.stem == broken.stem]
    assert found >= {other.digest for other in near if differing(other, broken) == 1 and cost.macs(other) < costs[-1]}


# Crossover


@given(SEEDS)
def test_every_block_of_a_child_is_a_parent_s(seed):
    feasible, generator = Feasible(DIGITS, Budget(300_000, 400_000)), rng(seed)
    one, other = feasible.draw_even(generator), feasible.draw_even(generator)
    child = feasible.crossover(one, other, generator)
    assert child in feasible.budget
    for stage, a, b in zip(child.stages, one.stages, other.stages, strict=True):
        assert len(stage.blocks) in (len(a.blocks), len(b.blocks))
        for i, block in enumerate(stage.blocks):
            assert block in a.blocks[i : i + 1] + b.blocks[i : i + 1]


def test_a_child_of_two_widths_has_the_first_one_s_and_only_blocks_of_the_two(tiny, listed):
    # 1:3 does not split the 6 channels of the first parent's width, but the 12 at the very last place it does: that
    # block alone can be inherited.
    uneven = Partition((1, 3))
    other = next(
        n.canonical
        for n in listed.values()
        if n.stem.channels == 4 and all(at.block.partition == uneven for at in n.placed) and len(n.placed) == 4
    )
    feasible = Feasible(tiny, Budget(0, 10**9))
    for one in [n.canonical for n in listed.values() if n.stem.channels == 6 and len(n.placed) == 2]:
        for seed in range(3):
            first, second = feasible.crossover(one, other, rng(seed)).stages
            assert first == one.stages[0]
            assert second.blocks[0] == one.stages[1].blocks[0]
            assert second.blocks[1:] in ((), other.stages[1].blocks[1:])


def test_children_are_uniform_over_all_mixtures(tiny, listed):
    # Both parents 1 + 1 blocks and different in both: 4 mixtures.
    short = [n.canonical for n in listed.values() if n.stem.channels == 4 and len(n.placed) == 2]
    one = short[0]
    other = next(n for n in short if all(a.block != b.block for a, b in zip(n.placed, one.placed, strict=True)))
    feasible, generator = Feasible(tiny, Budget(0, 10**9)), rng(0)
    found = Counter(feasible.crossover(one, other, generator).digest for _ in range(800))
    assert {one.digest, other.digest} < set(found)
    assert len(found) == 4
    assert is_uniform(found, 4)


def test_parents_over_the_budget_that_no_mixture_mends_are_refused(tiny, listed, costs):
    heaviest = max(listed.values(), key=cost.macs)
    with pytest.raises(BudgetError, match="no mixture of the two architectures fits"):
        Feasible(tiny, Budget(0, costs[100])).crossover(heaviest, heaviest, rng(0))
