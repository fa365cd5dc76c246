"""Tau-b over chosen pairs, its bootstrap interval, and bands of equal cost."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seesaw_nas.core.errors import OptionError
from seesaw_nas.evaluators.ranking import bands
from seesaw_nas.evaluators.ranking.statistics import compare, draws, percentiles, tau_within

TENTHS = st.integers(0, 6).map(lambda n: n / 10)  # so few values that there are ties
NONE = np.zeros((0, 1), dtype=np.float32)


def every(n):
    return [np.arange(n)]


def array(values):
    return np.array(values, dtype=np.float64)


@given(st.lists(st.tuples(TENTHS, TENTHS), min_size=2, max_size=25))
def test_tau_over_all_pairs_is_scipys(pairs):
    x, y = (array(side) for side in zip(*pairs, strict=True))
    found = tau_within(x, y, every(len(x)))
    if len(set(x)) < 2 or len(set(y)) < 2:
        assert math.isnan(found)
    else:
        assert found == pytest.approx(stats.kendalltau(x, y).statistic, abs=1e-12)


def test_pairs_between_bands_do_not_count():
    # Within (0, 1, 2): two of three pairs agree, one contradicts. Within (3, 4): one contradicts. Six pairs between the
    # bands all agree. So (2 - 2) / 4 within, and (8 - 2) / 10 over all.
    x, y = array([1, 2, 3, 11, 12]), array([1, 3, 2, 12, 11])
    assert tau_within(x, y, [np.array([0, 1, 2]), np.array([3, 4])]) == 0.0
    assert tau_within(x, y, every(5)) == pytest.approx(0.6)


def test_ties_within_bands_count_as_in_tau_b():
    # Band (0, 1, 2): x ties 0 and 1; pairs 0-2 and 1-2 agree. Band (3, 4): agrees, nothing is tied. Agreeing 3, in x
    # differ 3, in y 4: 3 / sqrt(12).
    x, y = array([1, 1, 2, 5, 6]), array([1, 2, 3, 1, 2])
    groups = [np.array([0, 1, 2]), np.array([3, 4])]
    assert tau_within(x, y, groups) == pytest.approx(3 / math.sqrt(12))
    assert compare(x, y, groups, np.zeros((0, 5), dtype=np.float32)).pairs == 4


def test_slots_are_pooled_and_what_is_missing_is_left_out():
    # Slot 0: 0 < 1 agrees, 2 is missing. Slot 1: of three pairs 0-1 contradicts, two agree. (1 + 1) / 4 differing.
    x = array([[1, 2, math.nan], [2, 1, 3]])
    y = array([[1, 2, 3], [1, 2, 3]])
    found = compare(x, y, every(3), np.zeros((0, 3), dtype=np.float32))
    assert found.tau == pytest.approx(0.5)
    assert found.pairs == 3


def test_a_side_that_never_differs_has_no_order():
    found = compare(array([1, 1, 1]), array([1, 2, 3]), every(3), draws(3, 100, np.random.default_rng(0)))
    assert math.isnan(found.tau)
    assert math.isnan(found.low)


def test_resamples_are_what_repeating_rows_gives():
    # scipy takes the repeated rows themselves; a row and its copy tie on both sides, which tau-b leaves out.
    rng = np.random.default_rng(1)
    x, y = rng.integers(0, 8, 20).astype(float), rng.integers(0, 8, 20).astype(float)
    counts = draws(20, 200, rng)
    assert (counts.sum(axis=1) == 20).all()
    taken = [np.repeat(np.arange(20), row.astype(int)) for row in counts]
    taus = array([stats.kendalltau(x[rows], y[rows]).statistic for rows in taken])
    found = compare(x, y, every(20), counts)
    assert (found.low, found.high) == pytest.approx(percentiles(taus), abs=1e-6)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    # Normal pairs of correlation 0.5 have tau 1/3. Of 300 intervals of 95%, fewer than 270 or more than 297 would hold
    # it once in 1,000 runs; in 2,000 tables 95.3% did. Here the seed is fixed.
    rng, held = np.random.default_rng(2), 0
    for _ in range(300):
        x = rng.normal(size=50)
        y = 0.5 * x + math.sqrt(0.75) * rng.normal(size=50)
        found = compare(x, y, every(50), draws(50, 200, rng))
        held += found.low <= 1 / 3 <= found.high
    assert 270 <= held <= 297


def test_percentiles_of_hardly_any_number_are_unknown():
    assert all(map(math.isnan, percentiles(array([1, math.nan, math.nan]))))
    assert percentiles(array([1, 1, math.nan])) == (1, 1)


# --- bands


def test_bands_are_cut_from_the_cheapest():
    # 100 to 106 is within 6%, 107 begins the next; 113 is within 6% of 107 (113.42), 114 is not.
    macs = [100, 103, 106, 104, 101, 107, 113, 110, 112, 108, 114]
    found, left_out = bands.cut(macs, 0.06)
    assert [(band.low, band.high, band.members) for band in found] == [
        (100, 106, (0, 1, 2, 3, 4)),
        (107, 113, (5, 6, 7, 8, 9)),
    ]
    assert left_out == 1


@given(st.lists(st.integers(50, 400), max_size=60), st.sampled_from([0.0, 0.06, 0.5]))
def test_no_band_is_wider_than_wanted_and_every_one_is_somewhere(macs, width):
    found, left_out = bands.cut(macs, width)
    for band in found:
        assert band.high <= band.low * (1 + width)
        assert len(band.members) >= 5
    members = [i for band in found for i in band.members]
    assert len(set(members)) == len(members) == len(macs) - left_out


@pytest.mark.parametrize(("text", "share"), [("6%", 0.06), (" 0% ", 0.0), ("12.5 %", 0.125)])
def test_a_band_is_a_share(text, share):
    assert bands.parse_band(text) == pytest.approx(share)


@pytest.mark.parametrize("text", ["6", "", "-6%", "six%"])
def test_another_text_is_no_band(text):
    with pytest.raises(OptionError, match=r"cannot read --band .* write it like 6%"):
        bands.parse_band(text)


def test_a_band_below_nothing_is_refused():
    with pytest.raises(OptionError, match="--band must be 0% or more, got -6%"):
        bands.cut([1, 2], -0.06)
