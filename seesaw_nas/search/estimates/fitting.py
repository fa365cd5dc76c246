"""The variances of a run and the first regression, from a number of its trials that grows by steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seesaw_nas.search.estimates.components import Kernel, Shares, shares
from seesaw_nas.search.estimates.features import Array
from seesaw_nas.search.estimates.levels import UNKNOWN, Level
from seesaw_nas.search.estimates.regression import Regression
from seesaw_nas.search.estimates.schedules import Doubt, fit_schedules
from seesaw_nas.search.estimates.signals import Reading

GROWTH = 1.1  # trials from one estimate of the variances to the next
MOST_SAMPLED = 500  # trials that the variances are estimated from
OWN = (0.3, 0.05)  # share of what choices leave that stays with the architecture: where they explain nothing, and all
REPEATS = 5.0  # repeated trainings that this share counts for, before there are repeats
LEAST_OWN, MOST_OWN = 0.02, 0.9
ENOUGH = 10  # trials whose spread is taken as it is
USUAL = 0.1  # variance of trials in log odds: 7 points at a top-1 of 60%, 3 at 90%
LEAST_NOISE = 0.1  # of a trial's variance is its seed's


@dataclass(frozen=True)
class Learnt:
    """What follows from the trials.

    Attributes:
        regression: takes in further trials.
        levels: the epochs that trials stand at, ascending; the last is the one whose top-1 is estimated.
        doubt: how all estimates may be off together, where most trials were short.
        noise: variance of one seed's top-1, in log odds.
        shares: how much choices explain.
        unit: of the levels' variances, in those that the choices were found to leave.
        trials: that the variances are from.
    """

    regression: Regression
    levels: list[Level]
    doubt: Doubt
    noise: float
    shares: Shares
    unit: float
    trials: int

    def add(self, reading: Reading, row: Array) -> None:
        """Take in a trial and its architecture's features."""
        worth, variance = (values[0] for values in measure(self.levels, [reading]))
        if np.isfinite(worth):
            self.regression.add(reading.digest, row, float(worth), float(self.of_trials(variance)))

    def of_trials(self, variances: Array) -> Array:
        """Variances of trials about their architecture's worth, from those that their levels give them."""
        rest = self.unit * variances
        return np.maximum(rest - self.regression.own, LEAST_NOISE * rest)


def fit(readings: Sequence[Reading], features: Array, epochs: int) -> Learnt:
    """Variances, and the regression of all trials.

    Args:
        readings: at least one, in the order of their numbers.
        features: (readings, features).
        epochs: of the whole recipe.
    """
    some = _sample(readings)
    result, used = _learn_variances([readings[i] for i in some], features[some], epochs, len(readings))
    worths, variances = measure(result.levels, readings)
    known = np.isfinite(worths)
    digests = [one.digest for one, told in zip(readings, known, strict=True) if told]
    result.regression.add_all(digests, features[known], worths[known], result.of_trials(variances[known]))
    _learn_bend(result, used)
    return result


def _sample(readings: Sequence[Reading]) -> list[int]:
    """Places of the trials that variances are estimated from: spread evenly, and some trained to the end."""
    some = list(range(0, len(readings), -(-len(readings) // MOST_SAMPLED)))
    return sorted({*some, *_ended(readings)}) if not _ended([readings[i] for i in some]) else some


def _ended(readings: Sequence[Reading]) -> list[int]:
    """Places of those that were trained by the whole recipe."""
    return [i for i, one in enumerate(readings) if one.whole and not one.schedule]


def _learn_variances(
    readings: Sequence[Reading], features: Array, epochs: int, trials: int
) -> tuple[Learnt, list[Reading]]:
    """All but the sums of the regression, and the trials that say something."""
    levels, doubt = fit_schedules(readings, features, epochs)
    worths, variances = measure(levels, readings)
    known = np.isfinite(worths)
    worths, variances, rows = worths[known], variances[known], features[known]
    used = [one for one, told in zip(readings, known, strict=True) if told]
    weights = variances.mean() / variances
    kernel = Kernel.of(rows, weights)
    total = spread(worths) or (UNKNOWN / len(worths)) ** 2
    found = shares(kernel, worths, weights, total)
    unit = found.noise / float(variances.mean())
    digests = [one.digest for one in used]
    own = own_share(found.share, digests, worths / np.sqrt(unit * variances)) * unit * float(variances.min())
    regression = Regression(kernel.centre, found.explained / kernel.scale, own, kernel.scale)
    noise = max(float(levels[-1].noise[0, 0]) - own, 0.0)
    return Learnt(regression, levels, doubt, noise, found, unit, trials), used


def spread(worths: Array) -> float:
    """The variance of these log odds; of few, which may be alike by chance, hardly less than usual."""
    found, missing = float(worths.var()), max(0, ENOUGH - len(worths))
    return (found * (ENOUGH - missing) + max(found, USUAL) * missing) / ENOUGH


def _learn_bend(result: Learnt, readings: Sequence[Reading]) -> None:
    last = result.levels[-1]
    whole = [one for one in readings if one.schedule == last.schedule and one.epochs >= last.epoch]
    top1 = np.array([one.values[last.epoch - 1, 0] for one in whole])
    known = np.isfinite(top1)
    digests = [one.digest for one, told in zip(whole, known, strict=True) if told]
    top1 = np.clip(top1[known], last.low[0], last.high[0])
    if digests:
        result.regression.learn_bend(digests, top1, result.noise + result.regression.own)


def first_used(readings: Sequence[Reading]) -> int:
    """How many of the trials, by their numbers, the variances are estimated from.

    That grows by steps with the trials; where some are by a short schedule, by steps of whole ones, too, for these say
    what the short ones mean.
    """
    count = scheduled(len(readings))
    whole = [i for i, one in enumerate(readings) if not one.schedule]
    return max(count, whole[scheduled(len(whole)) - 1] + 1) if 0 < len(whole) < len(readings) else count


def scheduled(trials: int) -> int:
    """Grows with the number of trials, by steps of a tenth."""
    count = 1
    while (following := max(count + 1, int(count * GROWTH))) <= trials:
        count = following
    return count


def own_share(explained: float, digests: Sequence[str], standard: Array) -> float:
    """What part of the variance that choices leave stays with the architecture, whichever seed.

    Args:
        explained: share of the choices.
        digests, standard: of each trial the architecture, and its worth over the deviation of what choices leave.
    """
    _, which, counts = np.unique(list(digests), return_inverse=True, return_counts=True)
    means = np.bincount(which, standard) / counts
    squares = float(np.square(standard - means[which]).sum())
    free = len(standard) - len(counts)
    before = 1 - (OWN[1] + (OWN[0] - OWN[1]) * (1 - explained))
    return float(np.clip(1 - (REPEATS * before + squares) / (REPEATS + free), LEAST_OWN, MOST_OWN))


def measure(levels: Sequence[Level], readings: Sequence[Reading]) -> tuple[Array, Array]:
    """Worths by the latest level that each trial has reached, and variances; NaN where there is none: (trials,)."""
    worths, variances = np.full(len(readings), np.nan), np.full(len(readings), np.nan)
    for level in reversed(levels):
        reached = [one.schedule == level.schedule and one.epochs >= level.epoch for one in readings]
        left = [i for i in range(len(readings)) if np.isnan(worths[i]) and reached[i]]
        if left:
            worths[left], variances[left] = level.measure(np.array([readings[i].values[level.epoch - 1] for i in left]))
    return worths, variances
