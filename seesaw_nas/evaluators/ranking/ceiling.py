"""How well anything can rank: trainings of one architecture differ by their seeds, and the truth is made of such."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from seesaw_nas.evaluators.ranking.bands import Indices
from seesaw_nas.evaluators.ranking.statistics import Estimate, Floats, Weights, compare, percentiles, tau_within

SIMULATIONS = 400  # tables that a perfect oracle is held against


@dataclass(frozen=True, slots=True)
class Deviations:
    """Where top-1 within a band comes from, as standard deviations in fractions.

    Attributes:
        architectures: of what the architectures would reach on average over all seeds.
        noise: of one training about that.
    """

    architectures: float
    noise: float


@dataclass(frozen=True, slots=True)
class Oracle:
    """Tau-b within bands of one who knows every architecture's mean over all seeds; NaN where nothing is known.

    Attributes:
        tau: expected.
        low, high: between which 95% of simulated tables show it.
    """

    tau: float
    low: float
    high: float


UNKNOWN = Oracle(math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What the noise of training leaves to be ranked.

    Attributes:
        repeated: architectures with several trainings, which all of this rests on.
        overall, within: one training of each architecture against another of its trainings.
        spread: within bands; ``None`` without bands.
        one, mean: an oracle against one training each, and against the mean of as many as there are.
        again: one training against another, simulated as the oracle is; where it is far from ``within``, variances that
            differ from architecture to architecture have misled the oracle, too.
    """

    repeated: int
    overall: Estimate
    within: Estimate
    spread: Deviations | None
    one: Oracle
    mean: Oracle
    again: Oracle


def others(top1: Floats) -> Floats:
    """The mean of an architecture's other trainings, NaN where it has none; shapes (slots, n), NaN for no training."""
    have = np.isfinite(top1)
    count = have.sum(axis=0) - have
    total = np.where(have, top1, 0.0)
    rest = np.divide(total.sum(axis=0) - total, count, out=np.full(top1.shape, np.nan), where=count > 0)
    return np.where(have, rest, np.nan)


def ceiling(
    top1: Floats, bands: Sequence[Indices], counts: Weights, rng: np.random.Generator, simulations: int = SIMULATIONS
) -> Ceiling | None:
    """What the trainings tell of their own noise; ``None`` where no architecture has two.

    Args:
        top1: of each training, shape (slots, n), NaN where an architecture has fewer trainings than another.
        counts: of :func:`seesaw_nas.evaluators.ranking.statistics.draws`.
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
    """The two parts of the variance inside bands, pooled; ``None`` where no architecture in a band has two trainings.

    By moments: means of R trainings vary by the architectures' variance and 1/R of the noise's. What comes out below 0
    is 0.
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
    """Against one training, against the mean, and a training against another: normal in both parts, without ties."""
    if spread is None:
        return UNKNOWN, UNKNOWN, UNKNOWN
    found = np.zeros((3, simulations))
    for i in range(simulations):
        truth = spread.architectures * rng.normal(size=len(trainings))
        noise = spread.noise * rng.normal(size=(3, len(trainings)))
        one, other, mean = truth + noise[0], truth + noise[1], truth + noise[2] / np.sqrt(trainings)
        found[:, i] = [tau_within(x, y, bands) for x, y in ((truth, one), (truth, mean), (one, other))]
    of_one, of_mean, again = (Oracle(float(np.mean(taus)), *percentiles(taus)) for taus in found)
    return of_one, of_mean, again
