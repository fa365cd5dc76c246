"""Kendall's rank correlation with an interval, in O(n log n) searches."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
_NEARLY_ONE = 1 - 1e-9  # Fisher's scale is infinite at 1


@dataclass(frozen=True, slots=True)
class Correlation:
    """Kendall's tau-b of n pairs and its 95% interval; NaN for fewer than two, or where a side never differs.

    Attributes:
        low, high: NaN below four pairs.
    """

    tau: float
    low: float
    high: float
    n: int


def kendall(x: Sequence[float], y: Sequence[float]) -> Correlation:
    """The correlation of pairs without NaN; the interval is the jackknife's, on Fisher's scale.

    Source: Kendall 1945, doi:10.1093/biomet/33.3.239, for ties; Arvesen 1969, doi:10.1214/aoms/1177697287, for the
    jackknife of such statistics.
    """
    n = len(x)
    # For each pair: others that agree with it minus others that contradict it, others that differ in x, and in y.
    counts = np.column_stack([_score(x, y), _untied(x), _untied(y)]).astype(np.float64)  # (n, 3)
    whole = counts.sum(axis=0, keepdims=True) / 2
    (tau,), without = tau_b(*whole.T).tolist(), tau_b(*(whole - counts).T)
    if n < 4 or not np.isfinite(without).all():
        return Correlation(tau, math.nan, math.nan, n)
    middle, *scaled = np.arctanh(np.clip([tau, *without], -_NEARLY_ONE, _NEARLY_ONE)).tolist()
    half = NormalDist().inv_cdf(0.975) * math.sqrt((n - 1) * float(np.var(scaled)))
    return Correlation(tau, math.tanh(middle - half), math.tanh(middle + half), n)


def tau_b(score: Floats, in_x: Floats, in_y: Floats) -> Floats:
    """Tau-b from its parts, NaN if one side is constant; shapes (m,).

    Args:
        score: concordant minus discordant comparisons.
        in_x, in_y: comparisons without a tie in x, in y.
    """
    tau: Floats = np.divide(score, np.sqrt(in_x * in_y), out=np.full(len(score), np.nan), where=in_x * in_y > 0)
    return tau


def _untied(side: Sequence[float]) -> list[int]:
    same = Counter(side)
    return [len(side) - same[value] for value in side]


def _score(x: Sequence[float], y: Sequence[float]) -> Integers:
    """For each pair: others that are concordant with it minus others that are discordant."""
    before, after = _sides(x, y), _sides([-value for value in x], y)
    return before[:, 0] - before[:, 1] + after[:, 1] - after[:, 0]


def _sides(x: Sequence[float], y: Sequence[float]) -> Integers:
    """For each pair: among those with smaller x, how many have smaller y and how many larger y; shape (n, 2)."""
    counts = [(0, 0)] * len(x)
    seen: list[float] = []  # y of all pairs with less x, in order
    for _, same in groupby(sorted(range(len(x)), key=x.__getitem__), key=x.__getitem__):
        here = list(same)
        for i in here:
            counts[i] = bisect_left(seen, y[i]), len(seen) - bisect_right(seen, y[i])
        for i in here:
            insort(seen, y[i])
    return np.array(counts, dtype=np.int64).reshape(-1, 2)
