"""Counts and draws of a chain of choices, against listing every filling."""

import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from seesaw_nas.space.chain import Chain, Menu, SlotRow


@st.composite
def menus(draw):
    """Options are numbered, so that two of one cost stay apart."""
    costs = draw(st.lists(st.integers(0, 30), min_size=1, max_size=4))
    scale = draw(st.sampled_from([1, 1, 6, 1000]))
    return Menu.of([(cost * scale, number) for number, cost in enumerate(costs)])


@st.composite
def runs(draw):
    slots = draw(st.lists(menus(), min_size=1, max_size=3))
    repeats = draw(st.sets(st.integers(1, len(slots)), min_size=1))
    return SlotRow(tuple(slots), tuple(sorted(repeats)))


CHAINS = st.builds(Chain, st.lists(runs(), min_size=1, max_size=3), st.integers(0, 50))


def price(menu: Menu, option) -> int:
    return next(cost for cost, options in zip(menu.costs, menu.options, strict=True) if option in options)


def fillings(run: SlotRow) -> list[tuple]:
    """Every filling of a stage as (slot, option) pairs."""
    flat = [[option for options in menu.options for option in options] for menu in run.slots]
    return [chosen for n in run.repeats for chosen in itertools.product(*flat[:n])]


def cost_of(chain: Chain, filling) -> int:
    pairs = zip(chain.stages, filling, strict=True)
    return chain.fixed + sum(price(run.slots[i], option) for run, chosen in pairs for i, option in enumerate(chosen))


def listed(chain: Chain) -> dict[tuple, int]:
    """Every filling of the chain with its cost."""
    return {whole: cost_of(chain, whole) for whole in itertools.product(*map(fillings, chain.stages))}


def small(chain: Chain) -> bool:
    return math.prod(len(fillings(run)) for run in chain.stages) <= 3_000


# Two stages, 1 to 2 and 2 slots: (3 + 6) * 4 = 36 fillings, several of one cost.
FIRST, SECOND = Menu.of([(1, "a"), (2, "b"), (2, "c")]), Menu.of([(0, "d"), (4, "e")])
BY_HAND = Chain([SlotRow((FIRST, SECOND), (1, 2)), SlotRow((SECOND, SECOND), (2,))], fixed=10)


def test_a_menu_sorts_by_cost_and_keeps_each_option_once():
    menu = Menu.of([(5, "b"), (3, "a"), (5, "c"), (5, "b")])
    assert (menu.costs, menu.options, len(menu)) == ((3, 5), (("a",), ("b", "c")), 3)


def test_a_stage_counts_each_of_its_lengths():
    run = SlotRow((FIRST, SECOND), (1, 2))
    assert run.size == 3 + 3 * 2
    assert (run.cheapest, run.costliest) == (1, 6)
    assert SlotRow((FIRST, SECOND), (2,)).size == 6


def test_a_longer_stage_may_be_the_cheapest_only_if_its_slots_are_free():
    assert SlotRow((Menu.of([(5, "a")]), Menu.of([(0, "b"), (1, "c")])), (1, 2)).cheapest == 5
    assert SlotRow((Menu.of([(5, "a")]), Menu.of([(1, "c")])), (2,)).cheapest == 6


def test_a_chain_by_hand():
    assert (BY_HAND.size, BY_HAND.cheapest, BY_HAND.costliest) == (36, 11, 24)
    # Cost 1 of the first stage: a, or a with d. Cost 0 of the second: d d. So two fillings cost 11.
    # Cost 15 is 1 + 4: (a | a d) with (d e | e d) is 4, (a e) with d d is 1; no b or c, which would leave 3.
    assert BY_HAND.counts([(11, 11), (15, 15), (13, 14), (0, 10), (25, 99), (0, 99)]) == [2, 5, 0, 0, 0, 36]


@given(CHAINS.filter(small), st.lists(st.tuples(st.integers(-5, 500), st.integers(0, 300)), min_size=1, max_size=4))
def test_counts_in_any_band_are_exact(chain, ends):
    bands = [(low, low + width) for low, width in ends]
    costs = listed(chain).values()
    assert chain.counts(bands) == [sum(low <= cost <= high for cost in costs) for low, high in bands]


@given(CHAINS.filter(small))
def test_size_and_ends_are_those_of_the_list(chain):
    every = listed(chain)
    assert chain.size == len(every)
    assert (chain.cheapest, chain.costliest) == (min(every.values()), max(every.values()))
    assert chain.counts([(chain.cheapest, chain.costliest)]) == [len(every)]


@given(CHAINS.filter(small), st.floats(0, 1), st.floats(0, 1))
def test_tables_know_every_cost_in_a_band_and_how_many_have_it(chain, a, b):
    span = chain.costliest - chain.cheapest
    low, high = sorted(chain.cheapest + round(share * span) for share in (a, b))
    wanted = Counter(cost for cost in listed(chain).values() if low <= cost <= high)
    costs, ways = chain.tables(high).costs(low, high)
    assert dict(zip(costs.tolist(), ways.tolist(), strict=True)) == wanted
    assert costs.tolist() == sorted(wanted)


@given(CHAINS.filter(small), st.integers(0, 2**32))
def test_a_draw_has_the_cost_that_was_asked_for(chain, seed):
    every = listed(chain)
    cost = sorted(every.values())[seed % len(every)]
    drawn = chain.tables(cost).draw(cost, np.random.default_rng(seed))
    assert every[tuple(map(tuple, drawn))] == cost


def test_draws_of_one_cost_are_uniform():
    # Of cost 15 there are 5 fillings (see above). 5,000 draws; chance of a false alarm one in a million.
    tables, rng = BY_HAND.tables(15), np.random.default_rng(0)
    found = Counter(tuple(map(tuple, tables.draw(15, rng))) for _ in range(5_000))
    assert set(found) == {filling for filling, cost in listed(BY_HAND).items() if cost == 15}
    assert sum((n - 1_000) ** 2 / 1_000 for n in found.values()) < chi2.isf(1e-6, df=4)


def test_draws_do_not_favour_the_longer_stage():
    # One block of cost 2, or two of cost 1 with 3 options each: 1 + 9 fillings of cost 2, each a tenth.
    # The single one comes 2,000 * 0.1 = 200 times, +-13.4; 5 sigma are a false alarm in 1.7 million.
    ones = Menu.of([(1, "a"), (1, "b"), (1, "c")])
    chain = Chain([SlotRow((Menu.of([(1, "a"), (1, "b"), (1, "c"), (2, "z")]), ones), (1, 2))])
    tables, rng = chain.tables(2), np.random.default_rng(0)
    short = sum(len(tables.draw(2, rng)[0]) == 1 for _ in range(2_000))
    assert abs(short - 200) < 5 * 13.4


def test_two_options_of_one_cost_count_as_two():
    # Of cost 1: the first slot pays it, or the second, which has two options for it: three fillings, each a third.
    # The first slot pays 3,000 / 3 = 1,000 times, +-25.8; 5 sigma are a false alarm in 1.7 million.
    chain = Chain([SlotRow((Menu.of([(0, "a"), (1, "b")]), Menu.of([(0, "c"), (1, "d"), (1, "e")])), (2,))])
    tables, rng = chain.tables(1), np.random.default_rng(0)
    first = sum(tables.draw(1, rng)[0][0] == "b" for _ in range(3_000))
    assert abs(first - 1_000) < 5 * 25.8


def test_the_same_generator_draws_the_same():
    tables = BY_HAND.tables(15)
    assert [tables.draw(15, np.random.default_rng(7)) for _ in range(3)] == [
        tables.draw(15, np.random.default_rng(7))
    ] * 3


@pytest.mark.parametrize("n", [40, 64, 100])
def test_counts_are_exact_beyond_64_bits(n):
    # n slots of two options, costing 0 or 1: the number with exactly k ones is the binomial coefficient.
    bits = Menu.of([(0, "0"), (1, "1")])
    chain = Chain([SlotRow((bits,) * n, (n,))])
    assert chain.size == 2**n
    assert chain.counts([(k, k) for k in range(n + 1)]) == [math.comb(n, k) for k in range(n + 1)]


def test_counts_are_exact_where_floats_have_lost_the_last_digits():
    # Three options a slot, (1 + 2x)^150 in powers of cost: coefficient of x^k is C(150, k) * 2^k, up to 1e70.
    slot = Menu.of([(0, "a"), (7, "b"), (7, "c")])
    chain = Chain([SlotRow((slot,) * 75, (75,)), SlotRow((slot,) * 75, (75,))], fixed=3)
    assert chain.size == 3**150 == 369988485035126972924700782451696644186473100389722973815184405301748249
    bands = [(3 + 7 * k, 3 + 7 * k + 6) for k in (0, 50, 100, 150)]
    assert chain.counts(bands) == [math.comb(150, k) * 2**k for k in (0, 50, 100, 150)]


def test_fair_draws_are_as_likely_as_if_each_choice_were_made_evenly():
    # One slot or two; the first costs 1 or 2, the second always 1, in three ways. A cost of 2 is b alone, which an even
    # choice gives in 1 of 2 cases; or a and one of c, d, e, 1 of 6 each. Of all fillings likewise it were 1 of 4 each.
    chain = Chain([SlotRow((Menu.of([(1, "a"), (2, "b")]), Menu.of([(1, "c"), (1, "d"), (1, "e")])), (1, 2))])
    rng, n = np.random.default_rng(0), 6000
    found = Counter(tuple(chain.tables(3, fair=True).draw(2, rng)[0]) for _ in range(n))
    wanted = {("b",): n / 2, ("a", "c"): n / 6, ("a", "d"): n / 6, ("a", "e"): n / 6}
    assert found.keys() == wanted.keys()
    statistic = sum((found[filling] - expected) ** 2 / expected for filling, expected in wanted.items())
    assert statistic < chi2.isf(1e-6, df=3)  # a false alarm in one of a million


@given(CHAINS, st.integers(0, 2**32))
def test_fair_tables_have_the_costs_that_there_are(chain, seed):
    fair, counted = (chain.tables(chain.costliest, fair=fair) for fair in (True, False))
    costs, chances = fair.costs(0, chain.costliest)
    assert costs.tolist() == counted.costs(0, chain.costliest)[0].tolist()
    assert chances.min() > 0
    rng = np.random.default_rng(seed)
    cost = int(rng.choice(costs))
    stages = zip(chain.stages, fair.draw(cost, rng), strict=True)
    paid = sum(price(menu, option) for run, chosen in stages for menu, option in zip(run.slots, chosen, strict=False))
    assert paid + chain.fixed == cost
