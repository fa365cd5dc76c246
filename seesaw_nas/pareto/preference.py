"""Which points to take first: by rank, by how alone they stand, or the one where the front bends."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seesaw_nas.core.errors import OptionError
from seesaw_nas.pareto.fronts import front, rank
from seesaw_nas.pareto.objectives import TOP1_MACS, Floats, complete, distinct, losses, table


def crowding(points: npt.ArrayLike) -> Floats:
    """The crowding distance of the points of one front: the greater, the more alone; shape (n,).

    It is the sum over the objectives of the gap between a point's two neighbours, in parts of the objective's span.
    Both ends of every objective get infinity, and so does a single point. Of equal points the first gets the distance
    and the others 0, for a copy adds nothing. Points that tie in one objective stand there in lexicographic order. An
    objective whose span is not finite adds nothing between its ends. A row with NaN gets 0 and is nobody's neighbour.

    Args:
        points: shape (n, k), of any directions.

    Raises:
        OptionError: they are not rows of numbers.

    Source: Deb et al. 2002, doi:10.1109/4235.996017, section III-B, which does not speak of equal points.
    """
    values = table(points) + 0.0  # no -0.0
    result = np.zeros(len(values))
    whole = np.flatnonzero(complete(values))
    rows, which = distinct(values[whole])
    first = np.unique(which, return_index=True)[1]
    result[whole[first]] = _gaps(rows)
    return result


def _gaps(rows: Floats) -> Floats:
    """Crowding distances of different rows (m, k) in lexicographic order."""
    result = np.zeros(len(rows))
    for column in rows.T if len(rows) else ():
        by_value = np.argsort(column, kind="stable")
        ordered = column[by_value]
        span = float(ordered[-1]) - float(ordered[0])  # of plain floats, which overflow without a warning
        result[by_value[[0, -1]]] = np.inf
        if 0 < span < math.inf:
            result[by_value[1:-1]] += (ordered[2:] - ordered[:-2]) / span
    return result


def order(points: npt.ArrayLike, directions: Sequence[str] = TOP1_MACS) -> list[int]:
    """Positions of all points, the best first: by rank, then by crowding distance within the rank, then by position.

    Rows with NaN come last.

    Args:
        points: shape (n, k).

    Raises:
        OptionError: the points or directions do not fit each other.

    Source: Deb et al. 2002, doi:10.1109/4235.996017, section III-B, the crowded-comparison operator.
    """
    values = losses(points, directions)
    found = rank(values)
    by_rank = np.argsort(found, kind="stable")
    alone = np.zeros(len(values))
    for members in np.split(by_rank, np.flatnonzero(np.diff(found[by_rank])) + 1):
        alone[members] = crowding(values[members])
    return [int(i) for i in np.lexsort((-alone, found))]


def knee(points: npt.ArrayLike, directions: Sequence[str] = TOP1_MACS) -> int:
    """Position of the knee: where a front of two objectives bends, and more of one begins to cost much of the other.

    Each objective is scaled to [0, 1] between the front's two ends. The knee is the member farthest from the line
    through the ends, on the side of the ideal point. A front that bulges away from the ideal has no such member, and
    its knee is at an end. Of equal distances the first in the order of :func:`front` is taken: with
    one member that one, with two the better in the last objective (of top1 and macs the one with fewer Multi-Adds).

    Args:
        points: shape (n, 2); those behind the front, and rows with NaN or infinity, play no part.

    Raises:
        OptionError: no point is finite, there are not two objectives, or the directions do not fit.

    Source: Das 1999, doi:10.1007/BF01195985, in two objectives.
    """
    values = losses(points, directions)
    if values.shape[1] != 2:
        raise OptionError(f"a knee is defined between 2 objectives, got {values.shape[1]}: choose two columns")
    finite = np.flatnonzero(np.isfinite(values).all(axis=1))
    if not len(finite):
        raise OptionError(f"no knee: none of the {len(values)} points is finite")
    members = finite[front(values[finite], ("min", "min"))]
    sides = values[members] - values[members].min(axis=0)
    scaled = sides / np.where(sides.max(axis=0) > 0, sides.max(axis=0), 1)  # the ends are (1, 0) and (0, 1)
    return int(members[np.argmin(scaled.sum(axis=1))])  # the distance is (1 - x - y) / sqrt(2)
