"""Kendall's tau-b over chosen pairs of architectures, with a bootstrap interval over architectures.

A resample draws each architecture so many times; these numbers are weights of a quadratic form in the signs of all
pairs, so that thousands of resamples are a few products of matrices. An architecture and its own copy are no pair.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from seesaw_nas.core.kendall import tau_b
from seesaw_nas.evaluators.ranking.bands import Indices

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]

TAILS = (2.5, 97.5)  # percentiles of a 95% interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """A tau-b and its 95% interval; NaN where there is no order to compare.

    Attributes:
        pairs: of architectures that it rests on, ties included.
    """

    tau: float
    low: float
    high: float
    pairs: int


NOTHING = Estimate(math.nan, math.nan, math.nan, 0)


def draws(count: int, resamples: int, rng: np.random.Generator) -> Weights:
    """How often each of ``count`` architectures is in each resample, shape (resamples, count)."""
    return rng.multinomial(count, np.full(count, 1 / max(1, count)), size=resamples).astype(np.float32)


def compare(x: Floats, y: Floats, groups: Sequence[Indices], counts: Weights) -> Estimate:
    """Tau-b over all pairs inside a group, and inside a slot, together; the interval is the bootstrap's percentiles.

    Args:
        x, y: shape (slots, n), or (n,) for one slot; a pair with a NaN is left out.
        groups: which architectures are compared with each other.
        counts: of :func:`draws`, shape (resamples, n).

    Source: Kendall 1945, doi:10.1093/biomet/33.3.239; Efron 1979, doi:10.1214/aos/1176344552.
    """
    x, y = np.atleast_2d(x), np.atleast_2d(y)
    whole, resampled, pairs = np.zeros((3, 1)), np.zeros((3, len(counts))), 0
    for group in groups:
        signs, known = _signs(x[:, group], y[:, group])
        whole += signs.sum(axis=(1, 2), dtype=np.float64)[:, None] / 2
        resampled += _weighted(signs, counts[:, group])
        pairs += known // 2
    (tau,) = tau_b(*whole).tolist()
    low, high = percentiles(tau_b(*resampled))
    return Estimate(tau, low, high, pairs)


def tau_within(x: Floats, y: Floats, groups: Sequence[Indices]) -> float:
    """The tau-b of :func:`compare` alone; shapes (n,)."""
    return compare(x, y, groups, np.zeros((0, x.shape[-1]), dtype=np.float32)).tau


def percentiles(values: Floats) -> tuple[float, float]:
    """Where the middle 95% of the values that are numbers lie; NaN where fewer than half of them are."""
    known = values[np.isfinite(values)]
    if not len(known) or 2 * len(known) < len(values):
        return math.nan, math.nan
    low, high = np.percentile(known, TAILS).tolist()
    return low, high


def _signs(x: Floats, y: Floats) -> tuple[Weights, int]:
    """Of each pair (i, j), over all slots: agreement, difference in x, in y, shape (3, n, n); how many are known."""
    in_x, in_y = (np.sign(side[:, :, None] - side[:, None, :]) for side in (x, y))  # (slots, n, n)
    known = np.isfinite(in_x) & np.isfinite(in_y)
    in_x, in_y = np.where(known, in_x, 0.0), np.where(known, in_y, 0.0)
    sums = np.stack([(in_x * in_y).sum(axis=0), np.abs(in_x).sum(axis=0), np.abs(in_y).sum(axis=0)])
    apart = known.any(axis=0) & ~np.eye(x.shape[1], dtype=bool)
    return sums.astype(np.float32), int(apart.sum())


def _weighted(signs: Weights, counts: Weights) -> Floats:
    """The sums of each of the ``signs`` over all pairs in each resample, shape (3, resamples)."""
    sums = [np.einsum("bi,bi->b", counts @ each, counts, dtype=np.float64) / 2 for each in signs]
    return np.stack(sums)
