"""The ceiling for any ranking: trainings of one architecture differ by their seeds, and so does the measured truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from seesaw_nas.evaluators.ranking.bands import Indices
from seesaw_nas.evaluators.ranking.statistics import Estimate, Floats, Weights, compare, percentiles, tau_within

SIMULATIONS = 400  # simulated tables that a perfect oracle is compared with


@dataclass(frozen=True, slots=True)
class Deviations:
    """The two sources of differences in top-1 within a band, as standard deviations in fractions.

    Attributes:
        architectures: standard deviation of the architectures' means over all seeds.
        noise: standard deviation of single trainings around these means.
    """

    architectures: float
    noise: float


@dataclass(frozen=True, slots=True)
class Oracle:
    """Tau-b within bands of a perfect evaluator, which knows every architecture's mean over all seeds; may be NaN.

    Attributes:
        tau: expected tau-b.
        low, high: limits between which it lies in 95% of simulated tables.
    """

    tau: float
    low: float
    high: float


UNKNOWN = Oracle(math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """How well architectures can be ranked in spite of the noise of training.

    Attributes:
        repeated: number of architectures with several trainings, from which everything here is computed.
        overall, within: tau-b of one training of each architecture with another of its trainings.
        spread: standard deviations within bands; ``None`` without bands.
        one, mean: tau-b of an oracle with one training of each architecture, and with the mean of all its trainings.
        again: tau-b of one training with another, simulated like the oracle's; if it is far from ``within``, the noise
            differs between architectures, and the oracle's figures are not reliable either.
    """

    repeated: int
    overall: Estimate
    within: Estimate
    spread: Deviations | None
    one: Oracle
    mean: Oracle
    again: Oracle


def others(top1: Floats) -> Floats:
    """The mean of each architecture's other trainings, NaN if it has none; shapes (slots, n), NaN for no training."""
    have = np.isfinite(top1)
    count = have.sum(axis=0) - have
    total = np.where(have, top1, 0.0)
    rest = np.divide(total.sum(axis=0) - total, count, out=np.full(top1.shape, np.nan), where=count > 0)
    return np.where(have, rest, np.nan)


def ceiling(
    top1: Floats, bands: Sequence[Indices], counts: Weights, rng: np.random.Generator, simulations: int = SIMULATIONS
) -> Ceiling | None:
    """Estimate the ceiling from the trainings' own noise; ``None`` if no architecture has two trainings.

    Args:
        top1: top-1 of each training, shape (slots, n), NaN where an architecture has fewer trainings than another.
        counts: result of :func:`seesaw_nas.evaluators.ranking.statistics.draws`.
    """
    repeated = int((np.isfinite(top1).sum(axis=0) > 1).sum())
    if not repeated:
        return None
    first, second = (top1[list(slots)] for slots in zip(*combinations(range(len(top1)), 2), strict=True))
    everyone = [np.arange(top1.shape[1])]
    overall, within = compare(first, second, everyone, counts), compare(first, second, bands, counts)
    spread = spread_within(top1, bands)
    trainings = np.isfinite(top1).sum(axis=0)
    return Ceiling(repeated, overall, within, spread, *_oracles(trainings, bands, spread, rng, simulations))


def spread_within(top1: Floats, bands: Sequence[Indices]) -> Deviations | None:
    """The two parts of the variance within bands, pooled; ``None`` if no architecture in a band has two trainings.

    Estimated by moments: the variance of means of R trainings is the architectures' variance plus 1/R of the noise's. A
    negative estimate is replaced by 0.
    """
    squares, freedom, between, noisy, apart = 0.0, 0, 0.0, 0.0, 0
    for band in bands:
        trainings = np.isfinite(top1[:, band]).sum(axis=0)
        means = np.nanmean(top1[:, band], axis=0)
        squares += float(np.nansum((top1[:, band] - means) ** 2))
        freedom += int((trainings - 1).sum())
        between += float(((means - means.mean()) ** 2).sum())
        noisy += (1 - 1 / len(band)) * float((1 / trainings).sum())
        apart += len(band) - 1
    if not freedom:
        return None
    noise = squares / freedom
    return Deviations(math.sqrt(max(0.0, (between - noise * noisy) / apart)), math.sqrt(noise))


def _oracles(
    trainings: Indices, bands: Sequence[Indices], spread: Deviations | None, rng: np.random.Generator, simulations: int
) -> tuple[Oracle, Oracle, Oracle]:
    """Simulate an oracle against one training, an oracle against the mean, and one training against another.

    Architectures and noise are normal, and there are no ties.
    """
    if spread is None:
        return UNKNOWN, UNKNOWN, UNKNOWN
    simulated = np.zeros((3, simulations))
    for i in range(simulations):
        truth = spread.architectures * rng.normal(size=len(trainings))
        noise = spread.noise * rng.normal(size=(3, len(trainings)))
        one, other, mean = truth + noise[0], truth + noise[1], truth + noise[2] / np.sqrt(trainings)
        simulated[:, i] = [tau_within(x, y, bands) for x, y in ((truth, one), (truth, mean), (one, other))]
    of_one, of_mean, again = (Oracle(float(np.mean(taus)), *percentiles(taus)) for taus in simulated)
    return of_one, of_mean, again
