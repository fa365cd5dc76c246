"""The ceiling for any ranking: trainings of one architecture differ by their seeds, and so does the measured truth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from seesaw_nas.evaluators.ranking.bands import Indices
from seesaw_nas.evaluators.ranking.statistics import Estimate, Floats, Weights, compare, percentiles

SIMULATIONS = 400  # simulated tables that a perfect oracle is compared with
AT_ONCE = 2**20  # pairs in memory at a time


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
        tau: expected tau-b; 0 where the architectures do not differ beyond the noise, so that there is nothing to rank.
        low, high: 95% limits: of tables simulated with what resampled architectures tell of the deviations.
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
    return Ceiling(repeated, overall, within, spread, *_oracles(top1, bands, spread, counts, rng, simulations))


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


def _mean_squares(top1: Floats, bands: Sequence[Indices], counts: Weights) -> tuple[Floats, Floats, Floats]:
    """Mean squares within bands in each resample: of single trainings, of means, and the noise's share of the latter.

    Args:
        counts: how often each architecture is in each resample, (resamples, n).

    Returns:
        Three arrays of (resamples,); NaN where a resample has no architecture with two trainings, or no pair.
    """
    squares, freedom, between, noisy, apart = np.zeros((5, len(counts)))
    for band in bands:
        times = counts[:, band].astype(np.float64)  # (resamples, members)
        size = times.sum(axis=1)
        rest = np.maximum(size - 1, 0)
        trainings = np.isfinite(top1[:, band]).sum(axis=0)
        means = np.nanmean(top1[:, band], axis=0)
        squares += times @ np.nansum((top1[:, band] - means) ** 2, axis=0)
        freedom += times @ (trainings - 1)
        middle = times @ means / np.maximum(size, 1)
        between += (times * (means[None] - middle[:, None]) ** 2).sum(axis=1)
        noisy += rest / np.maximum(size, 1) * (times @ (1 / trainings))
        apart += rest
    with np.errstate(invalid="ignore", divide="ignore"):
        return squares / freedom, between / apart, noisy / apart


def _possible_spreads(top1: Floats, bands: Sequence[Indices], counts: Weights) -> tuple[Floats, Floats]:
    """Standard deviations of architectures and of noise that the trainings leave possible, each (resamples,).

    Where a resample's mean square is twice the table's, the table's may be twice the true one: so each is the table's
    own, divided by that ratio. The percentiles of the resamples themselves would lie too low, as mean squares are
    skewed. Resampled means also vary less than new ones, by (n - 1) / n in a band of n; that is undone.
    """
    noise, means, _ = (part[0] for part in _mean_squares(top1, bands, np.ones((1, top1.shape[1]), np.float32)))
    of_noise, of_means, shares = _mean_squares(top1, bands, counts)
    shrunk = sum(len(band) - 1 for band in bands) / sum(len(band) for band in bands)
    known = np.isfinite(of_noise) & np.isfinite(of_means)
    noises = noise * _ratio(noise, of_noise[known])
    squares = means * _ratio(means, of_means[known] / shrunk)
    return np.sqrt(np.maximum(squares - noises * shares[known], 0.0)), np.sqrt(noises)


def _ratio(own: float, resampled: Floats) -> Floats:
    return own / np.maximum(resampled, np.finfo(np.float64).tiny) if own else np.ones(len(resampled))


def _oracles(
    top1: Floats,
    bands: Sequence[Indices],
    spread: Deviations | None,
    counts: Weights,
    rng: np.random.Generator,
    simulations: int,
) -> tuple[Oracle, Oracle, Oracle]:
    """Simulate an oracle against one training, an oracle against the mean, and one training against another.

    Architectures and noise are normal, and there are no ties. The expected values are at the estimated deviations; for
    the intervals, the deviations are those of tables with resampled architectures.
    """
    if spread is None:
        return UNKNOWN, UNKNOWN, UNKNOWN
    trainings = np.isfinite(top1).sum(axis=0)
    same = np.full(simulations, spread.architectures), np.full(simulations, spread.noise)
    expected = _simulate(*same, trainings, bands, rng).mean(axis=1)
    possible = _simulate(*_possible_spreads(top1, bands, counts), trainings, bands, rng)
    of_one, of_mean, again = (
        Oracle(float(tau), *percentiles(taus)) for tau, taus in zip(expected, possible, strict=True)
    )
    return of_one, of_mean, again


def _simulate(
    architectures: Floats, noise: Floats, trainings: Indices, bands: Sequence[Indices], rng: np.random.Generator
) -> Floats:
    """Tau within bands in a table for each pair of deviations: oracle and one, oracle and mean, two trainings.

    Architectures that do not differ are ordered by chance, so that tau is 0 on average.

    Returns:
        Shape (3, tables).
    """
    sums, pairs = np.zeros((3, len(noise))), 0
    for band in bands:
        size = len(band)
        pairs += size * (size - 1)
        step = max(1, AT_ONCE // size**2)
        for start in range(0, len(noise), step):
            part = slice(start, start + step)
            order = rng.normal(size=(len(noise[part]), size))
            truth = architectures[part, None] * order
            errors = noise[part, None] * rng.normal(size=(3, len(truth), size))
            one, other, mean = truth + errors[0], truth + errors[1], truth + errors[2] / np.sqrt(trainings[band])
            signs = {name: _pair_signs(x) for name, x in (("o", order), ("1", one), ("2", other), ("m", mean))}
            for row, (x, y) in enumerate((("o", "1"), ("o", "m"), ("1", "2"))):
                sums[row, part] += np.einsum("tij,tij->t", signs[x], signs[y])
    return sums / pairs if pairs else np.full(sums.shape, np.nan)


def _pair_signs(values: Floats) -> Weights:
    """The sign of the difference of each pair: (tables, n) to (tables, n, n)."""
    return np.sign(values[:, :, None] - values[:, None, :]).astype(np.float32)
