"""How good a set of points is as a whole, in one number."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from seesaw_nas.core.errors import OptionError
from seesaw_nas.pareto.fronts import rank
from seesaw_nas.pareto.objectives import TOP1_MACS, Floats, complete, losses, signs


def hypervolume(points: npt.ArrayLike, reference: npt.ArrayLike, directions: Sequence[str] = TOP1_MACS) -> float:
    """How much of the space in front of ``reference`` the points dominate, in the product of the objectives' units.

    Exact but for rounding, in O(n log n) searches and a list that is cut. A point that is not better than the reference
    in every objective adds nothing, nor does a row with NaN; no points have 0. A point that is infinitely good in one
    objective and better than the reference in all has infinity.

    Args:
        points: shape (n, k), k of 1 to 3, in any order and dominated ones among them.
        reference: k finite values, worse than any that should count.

    Raises:
        OptionError: there are more than three objectives, the reference is not finite, or the shapes do not fit.

    Source: Zitzler and Thiele 1999, doi:10.1109/4235.797969, for the measure; Fonseca et al. 2006,
    doi:10.1109/CEC.2006.1688440, for the sweep.
    """
    values, corner = losses(points, directions), losses([reference], directions, "reference")[0]
    if values.shape[1] > 3:
        raise OptionError(f"the hypervolume is computed for up to 3 objectives, got {values.shape[1]}")
    if not np.isfinite(corner).all():
        raise OptionError(f"the reference must be finite, got {(corner * signs(directions) + 0.0).tolist()}")
    inside = values[(values < corner).all(axis=1)]
    if np.isneginf(inside).any():
        return float("inf")
    unit = np.ones((len(inside), 3 - inside.shape[1]))  # a missing side is 1 long
    return _union(np.hstack([corner - inside, unit]))  # (n, 3)


def _union(boxes: Floats) -> float:
    """Volume of the union of boxes (n, 3), given by their sides, which share a corner.

    A plane falls along the third side; below the height of a box its two other sides are part of the plane's shape.
    """
    volume = area = height = 0.0
    stairs = _Stairs()
    for a, b, c in boxes[np.argsort(-boxes[:, 2])].tolist():
        volume += area * (height - c)
        height = c
        area += stairs.add(a, b)
    return volume + area * height


class _Stairs:
    """A union of rectangles that share a corner: ``heights[i]`` up to ``widths[i]``; widths rise and heights fall."""

    def __init__(self) -> None:
        self.widths = [0.0, float("inf")]
        self.heights = [float("inf"), 0.0]

    def add(self, width: float, height: float) -> float:
        """Put a rectangle in; the area that it adds."""
        widths, heights = self.widths, self.heights
        last = bisect_left(widths, width)
        if heights[last] >= height:
            return 0.0
        added, right, i = 0.0, width, last
        while heights[i] < height:
            added += (right - widths[i - 1]) * (height - heights[i])
            right = widths[i - 1]
            i -= 1
        end = last + (widths[last] == width)
        widths[i + 1 : end], heights[i + 1 : end] = [width], [height]
        return added


def epsilon_indicator(
    points: npt.ArrayLike,
    others: npt.ArrayLike,
    directions: Sequence[str] = TOP1_MACS,
    *,
    multiplicative: bool = False,
) -> float:
    """The smallest epsilon by which all points must improve so that each of ``others`` is equalled or beaten by one.

    To improve is to add epsilon where more is better and to take it off where less is; multiplicatively, to multiply
    and to divide by it. So 0 (1) or less says that ``points`` weakly dominate ``others`` as they are. The objectives
    share one epsilon: bring them to one scale before the additive one. Rows with NaN are left out. Where ``others``
    are none the result is -infinity (0), and else infinity where ``points`` are none.

    Args:
        points: shape (n, k).
        others: shape (m, k).
        multiplicative: compare by ratios; every value must be above 0.

    Raises:
        OptionError: shapes or directions do not fit, or a ratio is asked of values that have none.

    Source: Zitzler et al. 2003, doi:10.1109/TEVC.2003.810758.
    """
    ours, theirs = losses(points, directions), losses(others, directions, "others")
    least = np.nanmin(np.vstack([ours, theirs]) * signs(directions), initial=np.inf)
    if multiplicative and least <= 0:
        raise OptionError(f"a multiplicative epsilon needs values above 0, got {least + 0.0}; use the additive one")
    ours, theirs = _members(ours), _members(theirs)
    needed = [_improvement(ours, other, multiplicative).min(initial=np.inf) for other in theirs]
    return float(max(needed, default=0.0 if multiplicative else -np.inf))


def _members(values: Floats) -> Floats:
    """Losses of the front alone: the others never decide an epsilon."""
    members: Floats = values[(rank(values) == 0) & complete(values)]
    return members


def _improvement(ours: Floats, other: Floats, multiplicative: bool) -> Floats:
    """By how much each of ours (n, k) must improve to weakly dominate ``other`` (k,); shape (n,)."""
    with np.errstate(invalid="ignore", over="ignore"):  # equal infinities, for which the first value stands
        if multiplicative:  # losses below 0 are those of 'max', where more is better
            needed = np.where(ours == other, 1.0, np.where(ours < 0, other / ours, ours / other))
        else:
            needed = np.where(ours == other, 0.0, ours - other)
    hardest: Floats = needed.max(axis=1)
    return hardest
