"""Dominance and the front, against the definition applied to every pair."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas import pareto

# A small grid makes ties in one coordinate and in both, which floats at random never do.
GRID = st.tuples(st.integers(0, 4).map(float), st.integers(0, 4).map(float))
ANY = st.tuples(st.floats(), st.floats())
POINTS = st.lists(GRID, max_size=20) | st.lists(ANY, max_size=20)


def beats(a, b):
    no_worse = a[0] >= b[0] and a[1] <= b[1]
    return no_worse and (a[0] > b[0] or a[1] < b[1])


def is_number(point):
    return not (math.isnan(point[0]) or math.isnan(point[1]))


def test_more_accuracy_for_fewer_multi_adds_dominates():
    assert pareto.dominates((0.9, 100), (0.8, 200))


@pytest.mark.parametrize("other", [(0.9, 120), (0.8, 100)])
def test_a_tie_in_one_coordinate_still_dominates(other):
    assert pareto.dominates((0.9, 100), other)
    assert not pareto.dominates(other, (0.9, 100))


def test_neither_of_a_trade_off_dominates():
    assert not pareto.dominates((0.9, 200), (0.8, 100))
    assert not pareto.dominates((0.8, 100), (0.9, 200))


def test_equal_points_do_not_dominate_each_other_and_both_stay():
    assert not pareto.dominates((0.9, 100), (0.9, 100))
    assert pareto.front([(0.9, 100), (0.8, 150), (0.9, 100)]) == [0, 2]


def test_front_by_hand():
    # 1 is beaten by 0 (same cost), 3 by 2 (fewer Multi-Adds, same accuracy), 4 has no accuracy.
    points = [(0.70, 50.0), (0.60, 50.0), (0.80, 90.0), (0.80, 95.0), (math.nan, 10.0), (0.75, 70.0)]
    assert pareto.front(points) == [0, 5, 2]


def test_front_of_nothing_is_empty():
    assert pareto.front([]) == []


@pytest.mark.parametrize("point", [(math.nan, 1.0), (0.5, math.nan), (math.nan, math.nan)])
def test_nan_never_enters_a_front_and_pushes_nothing_out(point):
    assert pareto.front([point]) == []
    assert pareto.front([point, (0.5, 1.0)]) == [1]
    assert not pareto.dominates(point, (0.5, 1.0))


@given(GRID | ANY, GRID | ANY)
def test_dominance_is_the_definition(a, b):
    assert pareto.dominates(a, b) == beats(a, b)


@given(POINTS)
def test_front_is_what_nothing_beats(points):
    wanted = {i for i, p in enumerate(points) if is_number(p) and not any(beats(q, p) for q in points if is_number(q))}
    found = pareto.front(points)
    assert set(found) == wanted
    assert len(found) == len(wanted)


@given(POINTS)
def test_front_runs_from_few_multi_adds_to_many_and_accuracy_rises_with_it(points):
    members = [points[i] for i in pareto.front(points)]
    for a, b in pairwise(members):
        assert a == b or (a[0] < b[0] and a[1] < b[1])


@given(POINTS, st.randoms(use_true_random=False))
def test_order_of_the_points_does_not_matter(points, random):
    mixed = random.sample(points, len(points))
    assert [mixed[i] for i in pareto.front(mixed)] == [points[i] for i in pareto.front(points)]


@given(POINTS)
def test_front_of_a_front_is_itself(points):
    members = [points[i] for i in pareto.front(points)]
    assert pareto.front(members) == list(range(len(members)))
