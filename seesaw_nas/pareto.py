"""Dominance and the Pareto front, on plain pairs of numbers.

A point is (top1, macs): more of the first is better, less of the second. Ties are kept: two equal points do not
dominate each other. A point with NaN in it never enters a front.
"""

from __future__ import annotations

import math
from collections.abc import Sequence


def dominates(a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether ``a`` is at least as good as ``b`` in both (top1, macs) and better in one."""
    return a[0] >= b[0] and a[1] <= b[1] and a != b


def front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the (top1, macs) points that no other dominates, from the fewest Multi-Adds to the most."""
    order = sorted(
        (i for i, point in enumerate(points) if not any(map(math.isnan, point))),
        key=lambda i: (points[i][1], -points[i][0]),
    )
    members: list[int] = []
    for i in order:
        if not members or points[i][0] > points[members[-1]][0] or points[i] == points[members[-1]]:
            members.append(i)
    return members
