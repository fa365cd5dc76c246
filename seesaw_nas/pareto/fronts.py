"""Dominance, the front, and the fronts behind it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seesaw_nas.pareto.objectives import TOP1_MACS, Floats, complete, distinct, losses

Integers = npt.NDArray[np.intp]


def dominates(a: npt.ArrayLike, b: npt.ArrayLike, directions: Sequence[str] = TOP1_MACS) -> bool:
    """Whether ``a`` is at least as good as ``b`` in every objective and better in one; False if either has NaN.

    Args:
        a, b: one point each, k values.

    Raises:
        OptionError: the points or directions do not fit each other.
    """
    first, second = losses([a, b], directions)
    return bool((first <= second).all() and (first < second).any())


def front(points: npt.ArrayLike, directions: Sequence[str] = TOP1_MACS) -> list[int]:
    """Positions of the points that no other dominates, equal ones all kept, rows with NaN left out.

    They run from the best to the worst value of the last objective (from the fewest Multi-Adds to the most); ties are
    settled by the objective before it and so on, and equal points keep their order.

    Args:
        points: shape (n, k).

    Raises:
        OptionError: the points or directions do not fit each other.
    """
    values = losses(points, directions)
    members = np.flatnonzero((rank(values) == 0) & complete(values))
    return [int(i) for i in members[np.lexsort(values[members].T)]]


def ranks(points: npt.ArrayLike, directions: Sequence[str] = TOP1_MACS) -> Integers:
    """The front that each point is on once those before it are taken away: 0 for the front, shape (n,).

    Equal points share a rank. Rows with NaN share the last one, which is theirs alone: one more than the worst of the
    others, and at least 1.

    Up to two objectives take O(n log n) time; more take O(n^2) comparisons at worst, a row against all at a time.

    Args:
        points: shape (n, k).

    Raises:
        OptionError: the points or directions do not fit each other.

    Source: Deb et al. 2002, doi:10.1109/4235.996017, section III-A; Jensen 2003, doi:10.1109/TEVC.2003.817234, for
    two objectives.
    """
    return rank(losses(points, directions))


def rank(values: Floats) -> Integers:
    """:func:`ranks` of losses (n, k)."""
    whole = complete(values)
    rows, which = distinct(values[whole])
    found = _rank_pairs(rows) if values.shape[1] <= 2 else _rank_rows(rows)
    result = np.full(len(values), max(1, found.max(initial=-1) + 1), dtype=np.intp)
    result[whole] = found[which]
    return result


def _rank_pairs(rows: Floats) -> Integers:
    """Ranks of different rows (m, 1 or 2) in lexicographic order.

    A row is dominated by one before it where that one's last loss is no greater. So for each front the loss of its
    latest member decides; those rise from front to front.
    """
    latest: list[float] = []
    found = []
    for loss in rows[:, -1].tolist():
        place = bisect_right(latest, loss)
        latest[place : place + 1] = [loss]
        found.append(place)
    return np.array(found, dtype=np.intp)


def _rank_rows(rows: Floats) -> Integers:
    """Ranks of different rows (m, k) in lexicographic order: no row is dominated by one behind it."""
    found = np.full(len(rows), -1, dtype=np.intp)
    place = 0
    while (left := np.flatnonzero(found < 0)).size:
        others = rows[left, 1:].T  # (k - 1, m): numpy is faster along long rows
        while left.size:
            found[left[0]] = place
            undominated = (others < others[:, :1]).any(axis=0)
            left, others = left[undominated], others[:, undominated]
        place += 1
    return found
