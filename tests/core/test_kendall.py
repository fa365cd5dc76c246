"""Kendall's tau-b and its interval."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seesaw_nas.core.kendall import kendall

TENTHS = st.integers(0, 6).map(lambda n: n / 10)  # so few values that there are ties


def test_tau_counts_pairs_in_order_less_pairs_out_of_it():
    # (2, 3) and (4, 5) are swapped: 8 of 10 pairs agree, 2 contradict.
    assert kendall([1, 2, 3, 4, 5], [1, 3, 2, 5, 4]).tau == pytest.approx(0.6)


@given(st.lists(st.tuples(TENTHS, TENTHS), min_size=2, max_size=30))
def test_tau_with_ties_is_scipys(pairs):
    x, y = zip(*pairs, strict=True)
    ours = kendall(x, y).tau
    if len(set(x)) < 2 or len(set(y)) < 2:
        assert math.isnan(ours)
    else:
        assert ours == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)


@given(st.lists(st.tuples(TENTHS, TENTHS), max_size=30))
def test_interval_holds_tau_and_stays_within_its_range(pairs):
    x, y = [a for a, _ in pairs], [b for _, b in pairs]
    found = kendall(x, y)
    assert found.n == len(pairs)
    if not math.isnan(found.low):
        assert -1 <= found.low <= found.tau + 1e-9
        assert found.tau - 1e-9 <= found.high <= 1


def test_interval_of_a_perfect_order_is_a_point_and_of_three_pairs_unknown():
    found = kendall([1, 2, 3, 4], [5, 6, 7, 8])
    assert (found.tau, found.low, found.high) == (1, pytest.approx(1), pytest.approx(1))
    assert math.isnan(kendall([1, 2, 3], [5, 6, 7]).low)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    # Normal pairs with correlation sin(pi / 6) = 0.5 have tau 1/3. Of 500 intervals of 95%, fewer than 457 or more than
    # 490 would hold it once in 5,000 runs; here the seed is fixed.
    rng = np.random.default_rng(3)
    held = 0
    for _ in range(500):
        x = rng.normal(size=60)
        y = 0.5 * x + math.sqrt(0.75) * rng.normal(size=60)
        found = kendall(x.tolist(), y.tolist())
        held += found.low <= 1 / 3 <= found.high
    assert 457 <= held <= 490
