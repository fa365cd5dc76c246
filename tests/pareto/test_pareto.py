"""Dominance, fronts, ranks and indicators: by hand, against their definitions, and against Optuna."""

import json
import math
import subprocess
import sys
from itertools import pairwise, product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna._hypervolume import compute_hypervolume
from optuna.samplers.nsgaii._elite_population_selection_strategy import _calc_crowding_distance
from optuna.study._multi_objective import _fast_non_domination_rank, _is_pareto_front
from optuna.trial import create_trial

from seesaw_nas import pareto
from seesaw_nas.core.errors import OptionError

INF, NAN = math.inf, math.nan
MIN2, MIN3 = ("min", "min"), ("min", "min", "min")

# A small grid makes ties in one coordinate and in all, which floats at random never do; its sums are exact.
CELLS = st.integers(0, 4).map(float)
GRID = st.tuples(CELLS, CELLS)
ANY = st.tuples(st.floats(), st.floats())
POINTS = st.lists(GRID, max_size=20) | st.lists(ANY, max_size=20)
DIRECTION = st.sampled_from(["max", "min"])


@st.composite
def problems(draw, least=1, most=4, gaps=True, min_size=0):
    """Points on the grid with their directions; ``gaps`` puts NaN among them."""
    k = draw(st.integers(least, most))
    value = CELLS | st.just(NAN) if gaps else CELLS
    points = draw(st.lists(st.tuples(*[value] * k), min_size=min_size, max_size=15))
    return points, tuple(draw(st.lists(DIRECTION, min_size=k, max_size=k)))


def better(a, b, direction):
    return a > b if direction == "max" else a < b


def beats(a, b, directions=("max", "min")):
    """The definition of dominance, in which NaN is neither better nor equal."""
    columns = list(zip(a, b, directions, strict=True))
    no_worse = all(x == y or better(x, y, direction) for x, y, direction in columns)
    return no_worse and any(better(x, y, direction) for x, y, direction in columns)


def is_number(point):
    return not any(map(math.isnan, point))


def negated(points, directions):
    """The same problem with every direction turned round."""
    turned = tuple("min" if direction == "max" else "max" for direction in directions)
    return [tuple(-x for x in point) for point in points], turned


def as_losses(points, directions):
    signs = [-1.0 if direction == "max" else 1.0 for direction in directions]
    return np.array(points, dtype=float).reshape(-1, len(directions)) * signs


# --- dominates


def test_more_accuracy_for_fewer_multi_adds_dominates():
    assert pareto.dominates((0.9, 100), (0.8, 200))
    assert type(pareto.dominates((0.9, 100), (0.8, 200))) is bool


@pytest.mark.parametrize("other", [(0.9, 120), (0.8, 100)])
def test_a_tie_in_one_coordinate_still_dominates(other):
    assert pareto.dominates((0.9, 100), other)
    assert not pareto.dominates(other, (0.9, 100))


def test_neither_of_a_trade_off_dominates():
    assert not pareto.dominates((0.9, 200), (0.8, 100))
    assert not pareto.dominates((0.8, 100), (0.9, 200))


def test_directions_say_what_better_is():
    assert pareto.dominates((1, 1, 5), (2, 2, 4), ("min", "min", "max"))
    assert not pareto.dominates((1, 1, 5), (2, 2, 4), MIN3)


@given(GRID | ANY, GRID | ANY)
def test_dominance_is_the_definition(a, b):
    assert pareto.dominates(a, b) == beats(a, b)


# --- front


def test_equal_points_do_not_dominate_each_other_and_both_stay():
    assert not pareto.dominates((0.9, 100), (0.9, 100))
    assert pareto.front([(0.9, 100), (0.8, 150), (0.9, 100)]) == [0, 2]


def test_front_by_hand():
    # 1 is beaten by 0 (same cost), 3 by 2 (fewer Multi-Adds, same accuracy), 4 has no accuracy.
    points = [(0.70, 50.0), (0.60, 50.0), (0.80, 90.0), (0.80, 95.0), (math.nan, 10.0), (0.75, 70.0)]
    assert pareto.front(points) == [0, 5, 2]


def test_front_of_three_runs_from_the_best_of_the_last_objective():
    # Nothing dominates anything: 2 is best in the last; 0 and 3 tie there, and 3 is better in the one before.
    assert pareto.front([(1, 5, 2), (0, 4, 9), (7, 7, 1), (3, 3, 2)], MIN3) == [2, 3, 0, 1]


def test_front_of_one_objective_is_its_best_value():
    assert pareto.front([[3], [5], [5], [NAN]], ["max"]) == [1, 2]


def test_members_are_plain_integers():
    assert json.dumps(pareto.front([(0.5, 1), (0.6, 2)])) == "[0, 1]"
    assert json.dumps(pareto.order([(0.5, 1), (0.6, 2)])) == "[0, 1]"
    assert type(pareto.knee([(0.5, 1), (0.6, 2)])) is int


@pytest.mark.parametrize("point", [(NAN, 1.0), (0.5, NAN), (NAN, NAN), (None, 1.0)])
def test_nan_never_enters_a_front_and_pushes_nothing_out(point):
    assert pareto.front([point]) == []
    assert pareto.front([point, (0.5, 1.0)]) == [1]
    assert not pareto.dominates(point, (0.5, 1.0))


def test_minus_zero_is_zero():
    assert pareto.front([(0.0, 1), (-0.0, 1)]) == [0, 1]
    assert pareto.ranks([(0.0, 1), (-0.0, 1)]).tolist() == [0, 0]
    assert pareto.crowding([(0.0, 1), (-0.0, 1)]).tolist() == [INF, 0]


@given(POINTS)
def test_front_is_what_nothing_beats(points):
    wanted = {i for i, p in enumerate(points) if is_number(p) and not any(beats(q, p) for q in points)}
    found = pareto.front(points)
    assert set(found) == wanted
    assert len(found) == len(wanted)


@given(POINTS)
def test_front_runs_from_few_multi_adds_to_many_and_accuracy_rises_with_it(points):
    members = [points[i] for i in pareto.front(points)]
    for a, b in pairwise(members):
        assert a == b or (a[0] < b[0] and a[1] < b[1])


@given(problems())
def test_front_is_rank_0(problem):
    points, directions = problem
    first = {i for i, rank in enumerate(pareto.ranks(points, directions)) if rank == 0}
    assert set(pareto.front(points, directions)) == first


@given(problems())
def test_front_of_a_front_is_itself(problem):
    points, directions = problem
    members = [points[i] for i in pareto.front(points, directions)]
    assert pareto.front(members, directions) == list(range(len(members)))


# --- ranks


def test_ranks_by_hand():
    # 1 beats 0 and 3 in both; 3 beats 4; 2 has fewer Multi-Adds than all and less accuracy.
    points = [(0.7, 90), (0.8, 60), (0.5, 20), (0.6, 90), (0.6, 95), (NAN, 10)]
    assert pareto.ranks(points).tolist() == [1, 0, 0, 2, 3, 4]


def test_ranks_of_one_objective_count_the_better_values():
    assert pareto.ranks([[3], [9], [3], [NAN], [1]], ["max"]).tolist() == [1, 0, 1, 3, 2]


def test_nan_alone_has_rank_1_for_it_is_on_no_front():
    assert pareto.ranks([(NAN, 1), (1, NAN)]).tolist() == [1, 1]


def test_infinities_are_values_as_others():
    assert pareto.ranks([(INF, INF), (INF, 3), (-INF, 3), (0.5, -INF)]).tolist() == [1, 0, 1, 0]


@given(problems())
def test_ranks_are_fronts_taken_away_one_by_one(problem):
    points, directions = problem
    found = pareto.ranks(points, directions).tolist()
    left = {i for i, point in enumerate(points) if is_number(point)}
    place = 0
    while left:
        best = {i for i in left if not any(beats(points[j], points[i], directions) for j in left)}
        assert {found[i] for i in best} == {place}
        left, place = left - best, place + 1
    assert {found[i] for i, point in enumerate(points) if not is_number(point)} <= {max(place, 1)}


@given(problems(gaps=False))
def test_ranks_are_those_of_optuna(problem):
    losses = as_losses(*problem)
    found = pareto.ranks(*problem)
    assert found.tolist() == _fast_non_domination_rank(losses).tolist()
    if len(losses):
        assert (found == 0).tolist() == _is_pareto_front(losses, assume_unique_lexsorted=False).tolist()


@pytest.mark.parametrize("k", [2, 3, 4])
def test_ranks_of_hundreds_of_points_are_those_of_optuna(k):
    points = np.random.default_rng(k).normal(size=(400, k)).round(1)
    assert pareto.ranks(points, ["min"] * k).tolist() == _fast_non_domination_rank(points).tolist()


@given(problems(min_size=1, gaps=False))
def test_a_point_worse_than_all_changes_no_other_rank(problem):
    points, directions = problem
    worst = tuple(-1.0 if direction == "max" else 9.0 for direction in directions)
    before, after = pareto.ranks(points, directions), pareto.ranks([*points, worst], directions)
    assert after.tolist() == [*before, before.max() + 1]


# --- crowding and order


def test_crowding_by_hand():
    # Spans are 8 and 8. Second: (4 - 0) / 8 + (8 - 2) / 8; third: (8 - 1) / 8 + (4 - 0) / 8.
    assert pareto.crowding([(0, 8), (1, 4), (4, 2), (8, 0)]).tolist() == [INF, 1.25, 1.375, INF]


def test_a_copy_is_crowded_and_changes_no_other():
    points = [(0, 8), (1, 4), (4, 2), (1, 4), (8, 0), (8, 0)]
    assert pareto.crowding(points).tolist() == [INF, 1.25, 1.375, 0, INF, 0]


def test_a_point_alone_is_an_end():
    assert pareto.crowding([(3, 3)]).tolist() == [INF]
    assert pareto.crowding([(3, 3), (3, 3)]).tolist() == [INF, 0]
    assert pareto.crowding([(3, 3), (4, 2)]).tolist() == [INF, INF]


def test_an_objective_in_which_all_agree_adds_nothing():
    # The middle row's neighbours are 0 and 4 in the first two objectives, whose spans are 4.
    assert pareto.crowding([(0, 4, 7), (1, 1, 7), (4, 0, 7)]).tolist() == [INF, 2.0, INF]


def test_of_ties_at_an_end_one_is_the_end():
    # Rows 0 and 1 tie in the first objective and stand there as 0, 1, by the second.
    # Row 1 lies between rows 0 and 2 throughout: (1 - 0) / 2 + (4 - 2) / 4 + (5 - 3) / 4.
    assert pareto.crowding([(0, 2, 5), (0, 3, 4), (1, 4, 3), (2, 0, 7)]).tolist() == [INF, 1.5, INF, INF]


def test_an_infinite_span_adds_nothing():
    assert pareto.crowding([(-INF, 3), (0, 2), (1, 1), (INF, 0)]).tolist() == [INF, 2 / 3, 2 / 3, INF]
    assert pareto.crowding([(-1e308, 3), (0, 2), (1e308, 1)]).tolist() == [INF, 1.0, INF]
    assert pareto.crowding([(INF, 3), (INF, 2), (INF, 1)]).tolist() == [INF, 1.0, INF]


def test_nan_is_nobodys_neighbour():
    points = [(0, 8), (NAN, 5), (1, 4), (4, 2), (6, NAN), (8, 0)]
    assert pareto.crowding(points).tolist() == [INF, 0, 1.25, 1.375, 0, INF]
    assert pareto.crowding([(NAN, 5)]).tolist() == [0]


@pytest.mark.parametrize("k", [2, 3])
def test_crowding_of_different_values_is_optunas(k):
    points = np.random.default_rng(k).normal(size=(50, k))
    trials = [create_trial(values=point) for point in points.tolist()]
    for number, trial in enumerate(trials):
        trial.number = number
    theirs = _calc_crowding_distance(trials)
    assert pareto.crowding(points) == pytest.approx([theirs[i] for i in range(50)], rel=1e-12)


def test_order_by_hand():
    # Ranks 0 0 0 0 2 3 1; on the front the ends come first, then 1.375 (row 1) before 1.25 (row 2).
    points = [(8, 0), (4, 2), (1, 4), (0, 8), (9, 9), (NAN, 0), (5, 3)]
    assert pareto.order(points, MIN2) == [0, 3, 1, 2, 6, 4, 5]


def test_crowding_counts_within_a_rank_only():
    # The middle of the second front is alone there: 2.0; that point on the first front would make no difference to it.
    points = [(0, 0), (1, 9), (9, 1), (4, 4), (5, 3.5)]
    assert pareto.ranks(points, MIN2).tolist() == [0, 1, 1, 1, 1]
    assert pareto.order(points, MIN2) == [0, 1, 2, 3, 4]  # rows 3 and 4: (4 + 5.5) / 8 and (5 + 3) / 8


@given(problems() | POINTS.map(lambda points: (points, ("max", "min"))))
def test_order_names_each_point_once_and_never_a_worse_rank_first(problem):
    points, directions = problem
    found = pareto.order(points, directions)
    assert sorted(found) == list(range(len(points)))
    ranks = pareto.ranks(points, directions)[found].tolist()
    assert ranks == sorted(ranks)


@given(problems())
def test_a_dominated_point_never_comes_before_what_dominates_it(problem):
    points, directions = problem
    found = pareto.order(points, directions)
    for i, a in enumerate(found):
        assert not any(beats(points[b], points[a], directions) for b in found[i + 1 :])


# --- hypervolume


def test_hypervolume_by_hand():
    # From the corner (0.25, 200): 0.5 * 100 and 0.25 * 150, which share 0.25 * 100.
    assert pareto.hypervolume([(0.75, 100), (0.5, 50)], (0.25, 200)) == 62.5


def test_hypervolume_of_three_objectives_by_hand():
    # Boxes of 3*2*1, 2*1*3 and 1*3*2 share 2 two by two and 1 all together: 18 - 6 + 1.
    assert pareto.hypervolume([(1, 2, 3), (2, 3, 1), (3, 1, 2)], (4, 4, 4), MIN3) == 13.0


def test_hypervolume_of_one_objective_is_the_best_lead():
    assert pareto.hypervolume([[3], [7], [1]], [2], ["max"]) == 5.0


@pytest.mark.parametrize("point", [(0.25, 50), (0.5, 200), (0.2, 50), (0.9, 300), (NAN, 50), (0.5, NAN), (-INF, 1)])
def test_what_is_not_better_than_the_reference_in_all_adds_nothing(point):
    assert pareto.hypervolume([point], (0.25, 200)) == 0.0
    assert pareto.hypervolume([point, (0.75, 100), (0.5, 50)], (0.25, 200)) == 62.5


def test_hypervolume_of_nothing_is_0():
    assert pareto.hypervolume([], (0, 1)) == 0.0
    assert pareto.hypervolume([], (1, 1, 1), MIN3) == 0.0


def test_an_infinitely_good_point_has_infinite_hypervolume():
    assert pareto.hypervolume([(INF, 1), (0.5, 1)], (0, 2)) == INF
    assert pareto.hypervolume([(0.5, -INF)], (0, 2)) == INF
    assert pareto.hypervolume([(INF, 2)], (0, 2)) == 0.0


@given(problems(most=3))
def test_hypervolume_is_the_number_of_cells(problem):
    # A cell of the grid counts where its corner nearest to the reference is a loss that some point reaches.
    points, directions = problem
    losses = [loss for loss in as_losses(points, directions) if is_number(loss)]
    far = [0 if direction == "max" else 4 for direction in directions]
    cells = product(*[range(corner - 4, corner) for corner in far])
    covered = sum(any((loss <= cell).all() for loss in losses) for cell in cells)
    reference = [-x if direction == "max" else x for x, direction in zip(far, directions, strict=True)]
    assert pareto.hypervolume(points, reference, directions) == covered


@given(problems(most=3, gaps=False, min_size=1))
def test_hypervolume_is_that_of_optuna(problem):
    points, directions = problem
    reference = [0.0 if direction == "max" else 4.0 for direction in directions]
    theirs = compute_hypervolume(as_losses(*problem), as_losses([reference], directions)[0])
    assert pareto.hypervolume(points, reference, directions) == theirs


@pytest.mark.parametrize("k", [2, 3])
@pytest.mark.parametrize("digits", [1, 15])
def test_hypervolume_of_hundreds_of_points_is_that_of_optuna(k, digits):
    points = np.abs(np.random.default_rng(k).normal(size=(300, k)))
    points = (points / np.linalg.norm(points, axis=1, keepdims=True)).round(digits)  # a bulging front
    found = pareto.hypervolume(points, [-0.5] * k, ["max"] * k)
    assert found == pytest.approx(compute_hypervolume(-points, np.full(k, 0.5)), rel=1e-12)


@given(problems(least=2, most=3), st.data())
def test_hypervolume_never_falls_with_another_point(problem, data):
    points, directions = problem
    other = data.draw(st.tuples(*[CELLS] * len(directions)))
    corner = [0.0 if direction == "max" else 4.0 for direction in directions]
    before = pareto.hypervolume(points, corner, directions)
    after = pareto.hypervolume([*points, other], corner, directions)
    assert after >= before
    if any(other == point or beats(point, other, directions) for point in points):
        assert after == before
    elif all(better(x, c, direction) for x, c, direction in zip(other, corner, directions, strict=True)):
        assert after > before


@given(problems(most=3, gaps=False), st.integers(0, 2))
def test_hypervolume_goes_with_the_unit_of_an_objective(problem, column):
    points, directions = problem
    column %= len(directions)
    corner = [0.0 if direction == "max" else 4.0 for direction in directions]
    scale = [8.0 if i == column else 1.0 for i in range(len(directions))]
    scaled = np.array(points).reshape(-1, len(directions)) * scale
    before, after = (
        pareto.hypervolume(points, corner, directions),
        pareto.hypervolume(scaled, np.array(corner) * scale, directions),
    )
    assert after == 8 * before


# --- epsilon

# Figure 6 of Zitzler et al. 2003, both objectives minimised; the values are those in the documentation of the R package
# moocore. By hand: (9, 2) may grow by 10/9 and still reach (10, 4); (8, 4) must halve its second value to reach (9, 2).
A1, A3 = [(9, 2), (8, 4), (7, 5), (5, 6), (4, 7)], [(10, 4), (9, 5), (8, 6), (7, 7), (6, 8)]
A2 = A1[1:]


@pytest.mark.parametrize(("points", "others", "epsilon"), [(A1, A3, 0.9), (A1, A2, 1.0), (A2, A1, 2.0)])
def test_multiplicative_epsilon_of_the_paper(points, others, epsilon):
    assert pareto.epsilon_indicator(points, others, MIN2, multiplicative=True) == epsilon


# (10, 4) is the hardest to beat by far: 1 off for (9, 2). Lacking (9, 2), (8, 4) must come down by 2.
@pytest.mark.parametrize(("points", "others", "epsilon"), [(A1, A3, -1.0), (A1, A2, 0.0), (A2, A1, 2.0)])
def test_additive_epsilon_by_hand(points, others, epsilon):
    assert pareto.epsilon_indicator(points, others, MIN2) == epsilon


def test_epsilon_of_mixed_directions_by_hand():
    # (0.5, 100) needs 0.25 more for (0.75, 200), and half as much again: 0.75 / 0.5.
    assert pareto.epsilon_indicator([(0.5, 100)], [(0.75, 200)]) == 0.25
    assert pareto.epsilon_indicator([(0.5, 100)], [(0.75, 200)], multiplicative=True) == 1.5
    assert pareto.epsilon_indicator([(0.75, 200)], [(0.5, 100)], multiplicative=True) == 2.0


def test_epsilon_of_empty_sets():
    assert pareto.epsilon_indicator([], [(0.5, 1)]) == INF
    assert pareto.epsilon_indicator([(0.5, 1)], []) == -INF
    assert pareto.epsilon_indicator([], []) == -INF
    assert pareto.epsilon_indicator([], [(0.5, 1)], multiplicative=True) == INF
    assert pareto.epsilon_indicator([(0.5, 1)], [], multiplicative=True) == 0
    assert pareto.epsilon_indicator([(NAN, 1)], [(0.5, 1), (NAN, 0)]) == INF
    assert pareto.epsilon_indicator([(0.5, 1)], [(NAN, 1)]) == -INF


def test_epsilon_between_infinities():
    assert pareto.epsilon_indicator([(INF, 3)], [(INF, 2)]) == 1.0
    assert pareto.epsilon_indicator([(INF, 3)], [(INF, 2)], multiplicative=True) == 1.5
    assert pareto.epsilon_indicator([(0, 3)], [(INF, 2)]) == INF
    assert pareto.epsilon_indicator([(1, -INF)], [(1, -INF)]) == 0.0


@given(problems(), st.data())
def test_epsilon_is_the_definition(problem, data):
    points, directions = problem
    others = data.draw(st.lists(st.tuples(*[CELLS | st.just(NAN)] * len(directions)), max_size=8))
    ours, theirs = ([x for x in as_losses(rows, directions) if is_number(x)] for rows in (points, others))
    wanted = max((min((max(a - b) for a in ours), default=INF) for b in theirs), default=-INF)
    assert pareto.epsilon_indicator(points, others, directions) == wanted


@given(problems(gaps=False, min_size=1), st.data())
def test_epsilon_tells_whether_all_others_are_weakly_dominated(problem, data):
    points, directions = problem
    others = data.draw(st.lists(st.tuples(*[CELLS] * len(directions)), min_size=1, max_size=8))
    covered = all(any(p == q or beats(p, q, directions) for p in points) for q in others)
    assert (pareto.epsilon_indicator(points, others, directions) <= 0) == covered
    moved = [[[x + 1 for x in row] for row in rows] for rows in (points, others)]  # above 0, and as before otherwise
    assert (pareto.epsilon_indicator(*moved, directions, multiplicative=True) <= 1) == covered


@given(problems(gaps=False, min_size=1), st.data())
def test_multiplicative_epsilon_is_the_additive_one_of_logarithms(problem, data):
    exponents, directions = problem
    others = data.draw(st.lists(st.tuples(*[CELLS] * len(directions)), min_size=1, max_size=8))
    found = pareto.epsilon_indicator(np.exp2(exponents), np.exp2(others), directions, multiplicative=True)
    assert found == 2 ** pareto.epsilon_indicator(exponents, others, directions)


# --- knee


def test_knee_by_hand():
    # Scaled losses are (1, 0), (0.75, 0.125), (0.25, 0.5), (0, 1): sums 1, 0.875, 0.75, 1. The last point is dominated.
    assert pareto.knee([(0.5, 100), (0.625, 150), (0.875, 300), (1.0, 500), (0.8, 480)]) == 2


def test_scales_do_not_matter_to_the_knee():
    assert pareto.knee([(50, 1e8), (62.5, 1.5e8), (87.5, 3e8), (100, 5e8)]) == 2


def test_knee_of_one_and_of_two_members():
    assert pareto.knee([(0.5, 100)]) == 0
    assert pareto.knee([(0.5, 100), (0.5, 100)]) == 0
    assert pareto.knee([(0.9, 300), (0.5, 100)]) == 1  # both are ends; fewer Multi-Adds
    assert pareto.knee([(0.9, 300), (0.4, 200), (0.5, 100)]) == 2  # two members and a dominated point


@pytest.mark.parametrize("middle", [0.5, 0.25])
def test_a_front_without_a_bend_towards_the_ideal_has_its_knee_at_an_end(middle):
    assert pareto.knee([(1.0, 100), (middle, 50), (0.0, 0)]) == 2


def test_of_equally_far_knees_the_one_with_fewer_multi_adds():
    assert pareto.knee([(1, 4), (0.75, 2), (0.5, 1), (0, 0)]) == 2  # scaled losses 0.25 + 0.5 and 0.5 + 0.25


def test_knee_leaves_out_what_is_not_finite():
    points = [(NAN, 0), (0.5, 100), (INF, 900), (0.625, 150), (0.875, 300), (1.0, 500), (0.1, -INF)]
    assert pareto.knee(points) == 4


@given(problems(least=2, most=2, min_size=1, gaps=False))
def test_knee_is_the_member_farthest_from_the_line(problem):
    points, directions = problem
    members = as_losses(points, directions)[pareto.front(points, directions)]
    a, b = members[0], members[-1]
    # Twice the area of the triangle with the two ends, positive on the side of the ideal; on the grid it is exact.
    areas = [(a[0] - p[0]) * (b[1] - p[1]) - (b[0] - p[0]) * (a[1] - p[1]) for p in members]
    assert pareto.knee(points, directions) == pareto.front(points, directions)[areas.index(max(areas))]


# --- what holds for all of them


@given(problems(), st.randoms(use_true_random=False))
def test_order_of_the_points_does_not_matter(problem, random):
    points, directions = problem
    places = random.sample(range(len(points)), len(points))
    mixed = [points[i] for i in places]
    k = len(directions)
    assert [mixed[i] for i in pareto.front(mixed, directions)] == [points[i] for i in pareto.front(points, directions)]
    assert pareto.ranks(mixed, directions).tolist() == pareto.ranks(points, directions)[places].tolist()
    alone, before = pareto.crowding(mixed), pareto.crowding(points)
    assert sorted(zip(map(repr, mixed), alone, strict=True)) == sorted(zip(map(repr, points), before, strict=True))
    if k <= 3:
        corner = [0.0 if direction == "max" else 4.0 for direction in directions]
        assert pareto.hypervolume(mixed, corner, directions) == pareto.hypervolume(points, corner, directions)
    other = [(2.0,) * k]
    assert pareto.epsilon_indicator(mixed, other, directions) == pareto.epsilon_indicator(points, other, directions)
    if k == 2 and any(map(is_number, points)):
        assert mixed[pareto.knee(mixed, directions)] == points[pareto.knee(points, directions)]


@given(problems(min_size=1))
def test_turning_a_direction_is_negation(problem):
    points, directions = problem
    turned, back = negated(points, directions)
    k = len(directions)
    assert pareto.front(turned, back) == pareto.front(points, directions)
    assert pareto.ranks(turned, back).tolist() == pareto.ranks(points, directions).tolist()
    assert pareto.order(turned, back) == pareto.order(points, directions)
    assert pareto.dominates(turned[0], turned[-1], back) == pareto.dominates(points[0], points[-1], directions)
    assert pareto.epsilon_indicator(turned, [(-2.0,) * k], back) == pareto.epsilon_indicator(
        points, [(2.0,) * k], directions
    )
    if k <= 3:
        corner = [0.0 if direction == "max" else 4.0 for direction in directions]
        opposite = [-x for x in corner]
        assert pareto.hypervolume(turned, opposite, back) == pareto.hypervolume(points, corner, directions)
    if k == 2 and any(map(is_number, points)):
        assert pareto.knee(turned, back) == pareto.knee(points, directions)


@given(problems(least=2, most=3, gaps=False, min_size=1), st.data())
def test_a_dominated_point_changes_nothing_about_the_front(problem, data):
    points, directions = problem
    steps = data.draw(st.tuples(*[st.integers(0, 3)] * len(directions)).filter(any))
    base = data.draw(st.sampled_from(points))
    columns = zip(base, steps, directions, strict=True)
    more = [*points, tuple(x - step if direction == "max" else x + step for x, step, direction in columns)]
    corner = [-9.0 if direction == "max" else 9.0 for direction in directions]
    other = [(2.0,) * len(directions)]
    assert pareto.front(more, directions) == pareto.front(points, directions)
    assert pareto.hypervolume(more, corner, directions) == pareto.hypervolume(points, corner, directions)
    assert pareto.epsilon_indicator(more, other, directions) == pareto.epsilon_indicator(points, other, directions)
    if len(directions) == 2:
        assert pareto.knee(more, directions) == pareto.knee(points, directions)


@pytest.mark.parametrize("empty", [[], np.empty((0, 2)), pd.DataFrame({"top1": [], "macs": []})], ids=type)
def test_nothing_has_no_front(empty):
    assert pareto.front(empty) == pareto.order(empty) == []
    assert pareto.ranks(empty).tolist() == pareto.crowding(empty).tolist() == []
    assert pareto.ranks(empty).dtype == np.intp
    assert pareto.hypervolume(empty, (0, 1)) == 0.0


# --- frames

FRAME = pd.DataFrame(
    {"name": list("abcdef"), "macs": [50, 50, 90, 95, 10, 60], "top1": [0.70, 0.60, 0.80, 0.80, NAN, 0.75]},
    index=[7, 7, 3, 1, 0, 2],
)


def test_a_frame_gives_positions_and_not_labels():
    points = FRAME[["top1", "macs"]]
    assert pareto.front(points) == [0, 5, 2]
    assert FRAME.iloc[pareto.front(points)]["name"].tolist() == ["a", "f", "c"]
    assert pareto.ranks(points).tolist() == [0, 1, 0, 1, 2, 0]
    assert FRAME.assign(rank=pareto.ranks(points))["rank"].tolist() == [0, 1, 0, 1, 2, 0]
    assert pareto.order(points) == [0, 2, 5, 1, 3, 4]
    assert FRAME.iloc[pareto.knee(points)]["name"] == "f"  # scaled losses 0.5 + 0.25


def test_a_frame_is_what_its_array_is():
    points = FRAME[["top1", "macs"]]
    array = points.to_numpy()
    assert pareto.crowding(points).tolist() == pareto.crowding(array).tolist()
    assert pareto.hypervolume(points, pd.Series([0.5, 100])) == pareto.hypervolume(array, [0.5, 100])
    assert pareto.epsilon_indicator(points, points.iloc[:2]) == pareto.epsilon_indicator(array, array[:2])
    assert pareto.dominates(points.iloc[0], points.iloc[1])


def test_a_frame_of_integers_and_one_of_objects_are_read():
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [3, 2, 2]})
    assert pareto.front(frame, MIN2) == pareto.front(frame.astype(object), MIN2) == [1, 0]


# --- refusals

ABOUT_ROWS = "wanted rows of shape (n, k), a column for each objective, got shape"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pareto.front([(1, 2)], ("max", "up")), "unknown direction 'up' (known: max, min)"),
        (
            lambda: pareto.front([(1, 2)], ("max", "mim")),
            "unknown direction 'mim', did you mean 'min'? (known: max, min)",
        ),
        (lambda: pareto.front([(1, 2)], ("max", None)), "unknown direction 'None' (known: max, min)"),
        (lambda: pareto.front([[1]], "max"), "directions are a sequence such as ('max', 'min'), got the text 'max'"),
        (
            lambda: pareto.ranks([(1, 2, 3)]),
            "points: 3 columns and 2 directions; give 'max' or 'min' for each column",
        ),
        (
            lambda: pareto.hypervolume([(1, 2)], (1, 2, 3)),
            "reference: 3 columns and 2 directions; give 'max' or 'min' for each column",
        ),
        (
            lambda: pareto.epsilon_indicator([(1, 2)], [[1]]),
            "others: 1 columns and 2 directions; give 'max' or 'min' for each column",
        ),
        (
            lambda: pareto.front(np.empty((0, 3))),
            "points: 3 columns and 2 directions; give 'max' or 'min' for each column",
        ),
        (lambda: pareto.front([1, 2, 3]), f"points: {ABOUT_ROWS} (3,)"),
        (lambda: pareto.order(0.5), f"points: {ABOUT_ROWS} ()"),
        (lambda: pareto.crowding([[]]), f"points: {ABOUT_ROWS} (1, 0)"),
        (lambda: pareto.crowding(np.zeros((2, 2, 2))), f"points: {ABOUT_ROWS} (2, 2, 2)"),
        (
            lambda: pareto.front([("0.5", "1")]),
            "cannot read points as rows of numbers (a missing one is NaN): not all are real numbers",
        ),
        (
            lambda: pareto.front([(0.5, 1j)]),
            "cannot read points as rows of numbers (a missing one is NaN): not all are real numbers",
        ),
        (
            lambda: pareto.front(FRAME[["name", "macs"]]),
            "cannot read points as rows of numbers (a missing one is NaN): not all are real numbers",
        ),
        (
            lambda: pareto.hypervolume([(1, 2, 3, 4)], (9, 9, 9, 9), ["min"] * 4),
            "the hypervolume is computed for up to 3 objectives, got 4",
        ),
        (lambda: pareto.hypervolume([(1, 2)], (0, INF)), "the reference must be finite, got [0.0, inf]"),
        (lambda: pareto.hypervolume([(1, 2)], (NAN, 1)), "the reference must be finite, got [nan, 1.0]"),
        (
            lambda: pareto.epsilon_indicator([(0.5, 1), (0.0, 2)], [(1, 1)], multiplicative=True),
            "a multiplicative epsilon needs values above 0, got 0.0; use the additive one",
        ),
        (
            lambda: pareto.epsilon_indicator([(0.5, 1)], [(-2, 1)], multiplicative=True),
            "a multiplicative epsilon needs values above 0, got -2.0; use the additive one",
        ),
        (lambda: pareto.knee([(1, 2, 3)], MIN3), "a knee is defined between 2 objectives, got 3: choose two columns"),
        (lambda: pareto.knee([]), "no knee: none of the 0 points is finite"),
        (lambda: pareto.knee([(NAN, 1), (1, INF)]), "no knee: none of the 2 points is finite"),
    ],
)
def test_refusals_are_one_line(call, message):
    with pytest.raises(OptionError) as refused:
        call()
    assert str(refused.value) == message


@pytest.mark.parametrize(
    "points", [[(1, 2), (1,)], pd.DataFrame({"a": pd.array([1, None]), "b": [1.0, 2.0]})], ids=type
)
def test_what_numpy_cannot_read_is_refused_in_one_line(points):
    with pytest.raises(OptionError, match=r"^cannot read points as rows of numbers \(a missing one is NaN\): .+$"):
        pareto.front(points)


# --- the module


def test_the_names_that_are_promised_are_there():
    assert all(getattr(pareto, name) is not None for name in pareto.__all__)
    with pytest.raises(AttributeError, match=r"^module 'seesaw_nas\.pareto' has no attribute 'fronts_of'$"):
        _ = pareto.fronts_of


def test_importing_it_loads_no_numpy():
    code = "import sys, seesaw_nas.cli, seesaw_nas.pareto; print('numpy' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == "False\n"
