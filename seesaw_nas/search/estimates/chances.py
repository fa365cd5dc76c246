"""From estimates to decisions: the chance of being the best or of the front, and who cannot be told from the best.

All by the joint distribution, for errors that architectures share cancel out between them.
"""

from __future__ import annotations

import numpy as np

from seesaw_nas.search.estimates.features import Array

DRAWS = 4000  # a chance of a half is right to 0.008
TIED = 1.645  # standard deviations of a difference, within which it may as well have the other sign: one in 20
JITTER = 1e-9


def draws(mean: Array, covariance: Array, count: int = DRAWS) -> Array:
    """Worths drawn together, the same at each call: (count, architectures)."""
    noise = np.random.default_rng(0).standard_normal((count, len(mean)))
    size = float(covariance.diagonal().mean()) or 1.0
    lower = np.linalg.cholesky(covariance + JITTER * size * np.eye(len(mean)))
    return np.asarray(mean + noise @ lower.T, np.float64)


def of_best(mean: Array, covariance: Array) -> Array:
    """The chance of each architecture to be worth most; they add up to 1: (architectures,)."""
    best = draws(mean, covariance).argmax(axis=1)
    return np.bincount(best, minlength=len(mean)) / DRAWS


def of_front(mean: Array, covariance: Array, macs: Array) -> Array:
    """The chance of each that none of the others is worth as much at fewer Multi-Adds: (architectures,)."""
    order = np.argsort(macs, kind="stable")
    first = np.unique(macs[order], return_index=True)[1]  # where each cost begins
    group = np.searchsorted(first, np.arange(len(macs)), side="right") - 1
    worth = draws(mean, covariance)[:, order]
    highest = np.maximum.reduceat(worth, first, axis=1)  # (draws, costs)
    cheaper = np.full_like(highest, -np.inf)
    cheaper[:, 1:] = np.maximum.accumulate(highest, axis=1)[:, :-1]
    member = (worth >= highest[:, group]) & (worth > cheaper[:, group])
    found = np.zeros(len(macs))
    found[order] = member.mean(axis=0)
    return found


def ties(mean: Array, covariance: Array, leader: int | None = None) -> Array:
    """Which architectures may as well be worth more than the leader, it included: (architectures,), of bool.

    Args:
        leader: position of whom they are held against; of the highest mean where ``None``.
    """
    best = int(np.argmax(mean)) if leader is None else leader
    variance = covariance.diagonal() + covariance[best, best] - 2 * covariance[best]
    return np.asarray(mean[best] - mean <= TIED * np.sqrt(np.maximum(variance, 0.0)))
