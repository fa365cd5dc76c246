"""Kendall's tau-b over chosen pairs of architectures, with a bootstrap interval over architectures.

A resample draws each architecture a certain number of times. These numbers are weights of a quadratic form in the signs
of all pairs, so thousands of resamples are a few matrix products. Two copies of one architecture are not a pair.
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
    """A tau-b and its 95% interval; NaN if nothing can be compared.

    Attributes:
        pairs: number of pairs of architectures, ties included.
    """

    tau: float
    low: float
    high: float
    pairs: int


NOTHING = Estimate(math.nan, math.nan, math.nan, 0)


def draws(count: int, resamples: int, rng: np.random.Generator) -> Weights:
    """Draw how often each of ``count`` architectures is in each resample, shape (resamples, count)."""
    return rng.multinomial(count, np.full(count, 1 / max(1, count)), size=resamples).astype(np.float32)


def compare(x: Floats, y: Floats, groups: Sequence[Indices], counts: Weights) -> Estimate:
    """Tau-b over all pairs within one group and one slot; the interval is the bootstrap's percentiles.

    Args:
        x, y: shape (slots, n), or (n,) for one slot; a pair with a NaN is left out.
        groups: groups of architectures that are compared with each other.
        counts: result of :func:`draws`, shape (resamples, n).

    Source: Kendall 1945, doi:10.1093/biomet/33.3.239; Efron 1979, doi:10.1214/aos/1176344552.
    """
    x, y = np.atleast_2d(x), np.atleast_2d(y)
    whole, resampled, pairs = np.zeros((3, 1)), np.zeros((3, len(counts))), 0
    for group in groups:
        signs, known = _signs(x[:, group], y[:, group])
        whole += signs.sum(axis=(1, 2), dtype=np.float64)[:, None] / 2
        resampled += _weighted_sums(signs, counts[:, group])
        pairs += known // 2
    (tau,) = tau_b(*whole).tolist()
    low, high = percentiles(tau_b(*resampled))
    return Estimate(tau, low, high, pairs)


def tau_within(x: Floats, y: Floats, groups: Sequence[Indices]) -> float:
    """The tau-b of :func:`compare` without its interval; shapes (n,)."""
    return compare(x, y, groups, np.zeros((0, x.shape[-1]), dtype=np.float32)).tau


def percentiles(values: Floats) -> tuple[float, float]:
    """The limits of the middle 95% of the finite values; NaN if fewer than half of the values are finite."""
    known = values[np.isfinite(values)]
    if not len(known) or 2 * len(known) < len(values):
        return math.nan, math.nan
    low, high = np.percentile(known, TAILS).tolist()
    return low, high


def _signs(x: Floats, y: Floats) -> tuple[Weights, int]:
    """For each pair (i, j), summed over slots: concordance, no tie in x, in y, (3, n, n); and the number of pairs."""
    in_x, in_y = (np.sign(side[:, :, None] - side[:, None, :]) for side in (x, y))  # (slots, n, n)
    known = np.isfinite(in_x) & np.isfinite(in_y)
    in_x, in_y = np.where(known, in_x, 0.0), np.where(known, in_y, 0.0)
    sums = np.stack([(in_x * in_y).sum(axis=0), np.abs(in_x).sum(axis=0), np.abs(in_y).sum(axis=0)])
    apart = known.any(axis=0) & ~np.eye(x.shape[1], dtype=bool)
    return sums.astype(np.float32), int(apart.sum())


def _weighted_sums(signs: Weights, counts: Weights) -> Floats:
    """The sums of each of the ``signs`` over all pairs in each resample, shape (3, resamples)."""
    sums = [np.einsum("bi,bi->b", counts @ each, counts, dtype=np.float64) / 2 for each in signs]
    return np.stack(sums)
