"""Trainings by shorter schedules beside whole ones: what they say of worth by the whole recipe.

A short schedule is a level of its own. What architectures are worth by it is learnt from the short trainings alone;
held against the whole trainings of any architectures, trained short as well or not, that says by how much worth by the
whole recipe is higher, how much more it spreads, and what it has that the short schedule does not show. Which
architectures were trained whole may have been chosen by all that was known of them: given the choices, that changes
none of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from seesaw_nas.search.estimates.components import Kernel, shares
from seesaw_nas.search.estimates.features import Array
from seesaw_nas.search.estimates.levels import Before, Level, fit_levels
from seesaw_nas.search.estimates.regression import Regression
from seesaw_nas.search.estimates.signals import Reading

ALIKE = 0.9  # correlation of worth by a short schedule with worth by the whole recipe, before there are both
TRUSTED = 6.0  # whole trainings that this counts for
SLOPE, STEEPER = 1.25, 0.4  # how much more worth spreads by the whole recipe, mean and deviation; recorded digits: 1.6


@dataclass(frozen=True)
class Link:
    """Worth by the whole recipe as it follows from worth by a short schedule, in log odds.

    Attributes:
        rise, slope: whole = rise + slope * short.
        apart: variance of what an architecture is worth by the whole recipe beside that.
        middle: worth by the whole recipe, at which slope and rise are independent of each other.
        doubt: variance of the rise there.
        tilt: standard deviation of the slope, over the slope.
    """

    rise: float
    slope: float
    apart: float
    middle: float
    doubt: float
    tilt: float


@dataclass(frozen=True)
class Doubt:
    """How all estimates may be off together, in log odds.

    Attributes:
        together: variance by which all are off alike.
        tilt: standard deviation of the slope over it: by what part the distance from ``middle`` may be wrong.
        middle: worth.
    """

    together: float
    tilt: float = 0.0
    middle: float = 0.0


def fit_schedules(readings: Sequence[Reading], features: Array, whole: int) -> tuple[list[Level], Doubt]:
    """The levels that trials stand at, that whose worth is estimated last, and how all estimates may be off together.

    Without a whole training it is worth by the short schedule that is estimated.

    Args:
        readings: at least one.
        features: of their architectures, (trials, features).
        whole: epochs of the recipe.
    """
    schedules = sorted({one.schedule for one in readings if one.schedule}, key=lambda n: _count(readings, n))
    if not schedules:
        levels, together = fit_levels(readings, features, whole)
        return levels, Doubt(together)
    of_short = {n: _fit_short(*_of(readings, features, n), n) for n in schedules}
    longest = of_short.pop(schedules[-1])
    own, rows = _of(readings, features, 0)
    if not own:
        return [longest], Doubt(0.0)
    levels, together = fit_levels(own, rows, whole, Before(longest.components, longest.scale, longest.used))
    last, share = levels[-1], 1 - len(own) / len(readings)
    linked, links = zip(
        *(_link(level, last, readings, features) for level in (*of_short.values(), longest)), strict=True
    )
    widest = max(links, key=lambda link: link.doubt)
    together = max(together * (1 - share), widest.doubt * share)
    return [*linked, *levels[:-1], last], Doubt(together, widest.tilt * share, widest.middle)


def _count(readings: Sequence[Reading], schedule: int) -> tuple[int, int]:
    return sum(one.schedule == schedule for one in readings), schedule


def _of(readings: Sequence[Reading], features: Array, schedule: int) -> tuple[list[Reading], Array]:
    at = [i for i, one in enumerate(readings) if one.schedule == schedule]
    return [readings[i] for i in at], features[at]


def _fit_short(readings: Sequence[Reading], features: Array, schedule: int) -> Level:
    levels, _ = fit_levels(readings, features, schedule)
    return replace(levels[-1], schedule=schedule)


def _link(level: Level, last: Level, readings: Sequence[Reading], features: Array) -> tuple[Level, Link]:
    """The level with worth by the whole recipe in place of worth by its schedule."""
    short, short_rows = _of(readings, features, level.schedule)
    whole, whole_rows = _of(readings, features, 0)
    there = [i for i, one in enumerate(whole) if one.epochs >= last.epoch]
    worths, variances = last.measure(np.array([whole[i].values[last.epoch - 1] for i in there]))
    regression, between = _learn(level, short, short_rows)
    mean, loadings, own = regression.of([whole[i].digest for i in there], whole_rows[there])
    uncertain = np.square(loadings).sum(axis=1) + own
    known = np.isfinite(worths)
    link = fit_link(mean[known], uncertain[known], worths[known], variances[known], between)
    noise = level.noise + link.apart / link.slope**2 * np.outer(level.load, level.load)
    told = link.rise + link.slope * level.mean
    return replace(level, mean=told, load=level.load / link.slope, noise=noise), link


def _learn(level: Level, readings: Sequence[Reading], features: Array) -> tuple[Regression, float]:
    """Worth by a short schedule, from its own trainings, and the variance between architectures of it."""
    worths, variances = level.measure(np.array([one.values[level.epoch - 1] for one in readings]))
    known = np.isfinite(worths)
    worths, variances, rows = worths[known], variances[known], features[known]
    kernel = Kernel.of(rows, variances.mean() / variances)
    found = shares(kernel, worths, variances.mean() / variances, float(worths.var()) or float(variances.mean()))
    own = max((1 - ALIKE**2) * found.explained, 1e-6)
    regression = Regression(kernel.centre, max(found.explained, 1e-9) / kernel.scale, own, kernel.scale)
    digests = [one.digest for one, told in zip(readings, known, strict=True) if told]
    regression.add_all(digests, rows, worths, variances)
    return regression, max(found.explained, 1e-6)


def fit_link(short: Array, uncertain: Array, whole: Array, variances: Array, between: float) -> Link:
    """How worth by the whole recipe follows from worth by a short schedule.

    Args:
        short, uncertain: expected worth by the short schedule of each whole training's architecture, and its variance.
        whole, variances: worth as the whole training tells it, and its variance about the architecture's; all (n,).
        between: variance between architectures by the short schedule.
    """
    apart = before = (1 - ALIKE**2) * between
    slope = SLOPE
    for _ in range(3):
        weights = 1 / (slope**2 * uncertain + variances + apart)
        middle, level = weights @ short / weights.sum(), weights @ whole / weights.sum()
        precision = weights @ (short - middle) ** 2 + STEEPER**-2
        slope = float((weights @ ((short - middle) * (whole - level)) + SLOPE * STEEPER**-2) / precision)
        slope = min(max(slope, 0.3), 3.0)
        left = (whole - level - slope * (short - middle)) ** 2 - slope**2 * uncertain - variances
        apart = max((TRUSTED * before + float(left.sum())) / (TRUSTED + len(short)), 0.1 * before)
    doubt, tilt = float(1 / weights.sum()), float(1 / np.sqrt(precision)) / slope
    return Link(float(level - slope * middle), slope, apart, float(level), doubt, tilt)
