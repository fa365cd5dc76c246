"""Whether a predictor is to be used: how well it orders what it was not learnt from, against Multi-Adds alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seesaw_nas.core.kendall import tau_b
from seesaw_nas.search.estimates.features import Array

LEAST = 16  # records; with fewer neither a predictor nor what is said of it can be relied on


@dataclass(frozen=True, slots=True)
class Reliability:
    """How well predictions order architectures that they were not learnt from.

    Where records differ much in Multi-Adds, these order them well without any predictor. Both taus are of the same
    pairs, so only pairs on which the two contradict each other can set them apart.

    Attributes:
        tau: Kendall's tau-b of out-of-sample predictions and top-1; NaN where either never differs.
        by_macs: the same of Multi-Adds alone, whichever way they count.
        error: standard error of ``tau - by_macs``, by the jackknife.
        n: records.
    """

    tau: float
    by_macs: float
    error: float
    n: int

    @property
    def is_enough(self) -> bool:
        """Whether the predictor is to be used: one standard error ahead of Multi-Adds alone, from 16 records on.

        On made-up truths of noise, or of Multi-Adds and noise, that is so in one of 20 cases at most
        (``benchmarks/predictor.py``).
        """
        return self.n >= LEAST and self.tau - self.by_macs > self.error

    def __str__(self) -> str:
        return f"out-of-sample tau {self.tau:.2f} against {self.by_macs:.2f} of Multi-Adds alone, {self.n} records"


def reliability(predicted: Array, macs: Array, top1: Array) -> Reliability:
    """What out-of-sample predictions came to; arguments of one value a record: (n,)."""
    (tau, *taus), (by_macs, *others) = _taus(predicted, top1), _taus(macs, top1)
    sign = -1.0 if by_macs < 0 else 1.0
    leads = np.array(taus) - sign * np.array(others)
    error = float(np.sqrt((len(top1) - 1) * np.var(leads)))
    return Reliability(float(tau), float(sign * by_macs), error, len(top1))


def _taus(x: Array, y: Array) -> Array:
    """Kendall's tau-b of all pairs, then without each one: (n + 1,); NaN where a side never differs."""
    signs_x, signs_y = np.sign(x[:, None] - x), np.sign(y[:, None] - y)  # (n, n)
    each = np.array([signs_x * signs_y, signs_x**2, signs_y**2]).sum(axis=2)  # (3, n)
    whole = each.sum(axis=1, keepdims=True)
    return tau_b(*np.hstack([whole, whole - 2 * each]))  # without one, its row and its column go
