"""Fits a time to every part of a space from whole networks timed end to end, so that the sums agree with them.

A space has thousands of blocks at their places and some hundred networks are timed, so a part's time has two terms. The
first follows from its work: amounts times coefficients of at least 0, by least squares of relative errors. The second
is a share of the first that the part, and parts of its family, take more or less than that: drawn towards 0 as far as
the timed networks do not say otherwise. Both add up over the parts of a network. See docs/decisions/30.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LinearRegression

from seesaw_nas.core.kendall import kendall
from seesaw_nas.deploy.profiling.work import NetworkPart, NetworkParts

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
OWN_SHARE = FAMILY_SHARE = 0.1  # standard deviations of a part's second term: of its graph's own, and of its family's
NOISE = 0.02  # standard deviation of a network's time, as a share of it
LEAST_SHARE = 0.2  # of the first term, which a part takes at least
FOLDS = 5


@dataclass(frozen=True, slots=True)
class Closeness:
    """How well times are predicted that were left out of the fit.

    Attributes:
        error: median of the relative errors without their signs.
        rank_correlation: Kendall's tau-b.
    """

    error: float
    rank_correlation: float

    @classmethod
    def of(cls, predicted: Array, measured: Array) -> Closeness:
        tau = kendall(predicted.tolist(), measured.tolist()).tau
        return cls(float(np.median(np.abs(predicted / measured - 1))), tau)


@dataclass(frozen=True, slots=True)
class FittedTimes:
    """Seconds of each call, and of each part."""

    constant: float
    parts: dict[NetworkPart, float]


class PartFit:
    """The regression for one set of parts.

    Args:
        parts: all parts that are to get a time.
        networks: the timed networks, as numbers of their parts.
    """

    def __init__(self, parts: NetworkParts, networks: Sequence[Sequence[int]]) -> None:
        self._parts = list(parts.numbers)
        names = sorted({name for work in parts.work for name in work})
        amounts = np.array([[work[name] for name in names] for work in parts.work], float)  # (parts, amounts)
        self._amounts = amounts / amounts.max(axis=0)
        self._counts = np.zeros((len(networks), len(parts.numbers)))  # (networks, parts)
        for row, numbers in zip(self._counts, networks, strict=True):
            np.add.at(row, list(numbers), 1)
        self._levels = [
            (_number(parts.graphs), OWN_SHARE),
            (_number([part.family for part in parts.numbers]), FAMILY_SHARE),
        ]

    def fit(self, seconds: Array, rows: Indices | None = None) -> tuple[float, Array]:
        """The constant and the time of each part, (parts,), fitted to the networks of these rows; all by default."""
        counts = self._counts if rows is None else self._counts[rows]
        times = seconds if rows is None else seconds[rows]
        work = np.column_stack([np.ones(len(counts)), counts @ self._amounts])
        regression = LinearRegression(fit_intercept=False, positive=True)
        constant, *coefficients = regression.fit(work / times[:, None], np.ones(len(times))).coef_
        first = self._amounts @ np.array(coefficients)  # (parts,)
        mixed = np.zeros((len(times), len(times)))
        sums = [_sum_groups(counts * first, groups) * share for groups, share in self._levels]
        for matrix in sums:
            mixed += matrix @ matrix.T
        rest = times - constant - counts @ first
        weights = np.linalg.solve(mixed + np.diag((NOISE * times) ** 2), rest)
        shares = sum(
            share * (matrix.T @ weights)[groups] for matrix, (groups, share) in zip(sums, self._levels, strict=True)
        )
        return float(constant), first * np.maximum(1 + shares, LEAST_SHARE)

    def times(self, seconds: Array) -> FittedTimes:
        """Times fitted to all networks, whose own are ``seconds``, (networks,)."""
        constant, each = self.fit(seconds)
        return FittedTimes(constant, dict(zip(self._parts, each.tolist(), strict=True)))

    def predict(self, constant: float, each: Array) -> Array:
        """The time of each network, (networks,)."""
        predicted: Array = constant + self._counts @ each
        return predicted

    def check(self, seconds: Array, seed: int = 0) -> Closeness:
        """Closeness on networks left out of the fit in turn, a fifth at a time."""
        predicted = np.zeros(len(seconds))
        for rows, out in _folds(len(seconds), seed):
            predicted[out] = self.predict(*self.fit(seconds, rows))[out]
        return Closeness.of(predicted, seconds)


def check_line(amounts: Array, seconds: Array, seed: int = 0) -> Closeness:
    """Closeness of a constant plus a multiple of one amount of each network, as :meth:`PartFit.check` measures it."""
    predicted = np.zeros(len(seconds))
    for rows, out in _folds(len(seconds), seed):
        order = np.concatenate([rows, out])
        predicted[out] = fit_line(amounts[order], seconds[order], len(rows))
    return Closeness.of(predicted, seconds)


def fit_line(amounts: Array, seconds: Array, fitted: int) -> Array:
    """Times of all but the first ``fitted`` networks by a line through these, by least squares of relative errors."""
    line = np.column_stack([np.ones(len(amounts)), amounts / amounts.max()])
    regression = LinearRegression(fit_intercept=False, positive=True)
    regression.fit(line[:fitted] / seconds[:fitted, None], np.ones(fitted))
    predicted: Array = line[fitted:] @ regression.coef_
    return predicted


def _folds(count: int, seed: int) -> Iterator[tuple[Indices, Indices]]:
    """Rows to fit to, and rows left out, a fifth at a time."""
    order = np.random.default_rng(seed).permutation(count)
    for fold in range(FOLDS):
        out = order[fold::FOLDS]
        yield np.setdiff1d(order, out), out


def _number(keys: Sequence[Hashable]) -> Indices:
    """Equal numbers for equal keys, from 0."""
    numbers: dict[Any, int] = {}
    return np.array([numbers.setdefault(key, len(numbers)) for key in keys])


def _sum_groups(values: Array, groups: Indices) -> Array:
    """Sums of the columns of each group: (rows, columns) to (rows, groups)."""
    sums = np.zeros((groups.max() + 1, len(values)))
    np.add.at(sums, groups, values.T)
    return sums.T
