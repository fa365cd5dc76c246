"""What a trial that has come to some epoch says of the worth of its architecture: one number and its variance.

After an epoch the signals are ``centre + load * (worth - mean) + noise``; the best weights of the signals are those of
the smallest variance, ``noise^-1 load``. So the correlated figures of one training count as one observation. Epochs
before the last are linked to it by the trials that have both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from seesaw_nas.search.estimates.components import NIL, Components, Kernel, prior, split
from seesaw_nas.search.estimates.features import Array
from seesaw_nas.search.estimates.signals import Reading

FAR = 3.0  # robust standard deviations from the median, beyond which a training that went astray counts as no worse
UNKNOWN = 0.5  # standard deviation of log odds, where one trial is known
LEAST_SHARE, LEAST = 0.04, 3  # of the trials stand at an epoch that is looked at by itself
MOST_SELECTED = 2.0  # times as much as those that went on may all trials be taken to spread
LINKED = 4  # trials of both epochs, from which their covariance is learnt
ALIKE_LATER = 0.8  # correlation of what choices explain after an epoch with that at the end, before there are trials
SAME_SPREAD = 3.0  # trials that the prior counts for that top-1 spreads alike after both epochs


@dataclass(frozen=True)
class Level:
    """What the signals after an epoch say.

    Attributes:
        epoch: from 1.
        mean: worth of the average trial.
        centre, load: of the signals that are used, (used,).
        noise: their covariance about the worth, (used, used).
        used: columns of the signals.
        low, high: to which the signals are brought, (used,).
        components: of the signals that are used.
        scale: of the kernel of the trials that these are from.
        schedule: epochs of a schedule shorter than the recipe's; 0 for that of the recipe.
    """

    epoch: int
    mean: float
    centre: Array
    load: Array
    noise: Array
    used: tuple[int, ...]
    low: Array
    high: Array
    components: Components
    scale: float
    schedule: int = 0

    def measure(self, values: Array) -> tuple[Array, Array]:
        """Worths by rows of signals, (rows, 3), and their variances; NaN where nothing can be told: both (rows,)."""
        worths, variances = np.full(len(values), np.nan), np.full(len(values), np.nan)
        rows = values[:, list(self.used)]
        finite = np.isfinite(rows)
        for known in np.unique(finite, axis=0):
            if not (self.load[known] ** 2 > NIL**2).any():
                continue
            weights, variance = best_weights(self.load[known], self.noise[np.ix_(known, known)])
            at = (finite == known).all(axis=1)
            inside = np.clip(rows[at], self.low, self.high) - self.centre
            worths[at], variances[at] = self.mean + inside[:, known] @ weights, variance
        return worths, variances

    @property
    def weights(self) -> Array:
        """Weight of each signal where all are known, (used,)."""
        return best_weights(self.load, self.noise)[0]


@dataclass(frozen=True)
class Before:
    """What is known of the signals at the end before there are trials, from those of another schedule.

    Attributes:
        components: of the signals ``used``.
        scale: of the kernel that they are from.
    """

    components: Components
    scale: float
    used: tuple[int, ...]


def best_weights(load: Array, noise: Array) -> tuple[Array, float]:
    """Weights with which signals, (used,), estimate worth without bias and with the smallest variance; and that."""
    towards = np.linalg.solve(noise, load)
    precision = float(load @ towards)
    return np.asarray(towards / precision, np.float64), 1 / precision


def target_epoch(readings: Sequence[Reading], whole: int) -> int:
    """The epoch whose top-1 is estimated: the last of the recipe, or the latest that a quarter of the trials reach."""
    if any(reading.whole for reading in readings):
        return whole
    reached = sorted((reading.epochs for reading in readings), reverse=True)
    return reached[(len(reached) - 1) // 4]


def standing(readings: Sequence[Reading], target: int) -> list[int]:
    """The epochs at which enough trials stand to be looked at by themselves, ascending; the target always."""
    count: dict[int, int] = {}
    for reading in readings:
        epoch = min(reading.epochs, target)
        count[epoch] = count.get(epoch, 0) + 1
    least = max(LEAST, LEAST_SHARE * len(readings))
    return sorted({target} | {epoch for epoch, n in count.items() if n >= least})


def fit_levels(
    readings: Sequence[Reading], features: Array, whole: int, before: Before | None = None
) -> tuple[list[Level], float]:
    """The epochs that trials stand at, ascending, and the variance of what all short trials may be off together.

    Args:
        readings: at least one.
        features: of their architectures, (trials, features).
        whole: epochs of the recipe.
        before: what is known of the last epoch.
    """
    target = target_epoch(readings, whole)
    epochs = standing(readings, target)
    found = {epoch: _alone(readings, features, epoch) for epoch in epochs[:-1]}
    found[target] = _alone(readings, features, target, _selection(readings, epochs), before)
    last = found[target]
    assert last is not None, "somebody has reached the epoch aimed at"
    levels, together = [], 0.0
    for epoch in epochs[:-1]:
        level = found[epoch]
        if level is None:
            continue
        linked, doubt = _link(level, last, readings, features)
        levels.append(linked)
        share = np.mean([min(reading.epochs, target) < target for reading in readings])
        together = max(together, doubt * float(share))
    return [*levels, last], together


def _selection(readings: Sequence[Reading], epochs: Sequence[int]) -> float:
    """By how much all trials spread more after the first of these epochs than those that went on to the last.

    Trials that were trained on were selected, by top-1 mostly, so that they differ less than others do.
    """
    values = [(one.values[epochs[0] - 1, 0], one.epochs >= epochs[-1]) for one in readings if one.epochs >= epochs[0]]
    top1, went_on = (np.array(column) for column in zip(*values, strict=True))
    known = np.isfinite(top1)
    if went_on[known].sum() < 2:
        return 1.0
    ratio = np.std(top1[known]) / max(float(np.std(top1[known & went_on])), NIL)
    return float(np.clip(ratio, 1.0, MOST_SELECTED))


def _alone(
    readings: Sequence[Reading], features: Array, epoch: int, wider: float = 1.0, before: Before | None = None
) -> Level | None:
    """Signals after an epoch, with top-1 after the same epoch as worth."""
    at = [i for i, one in enumerate(readings) if one.epochs >= epoch and np.isfinite(one.values[epoch - 1, 0])]
    if not at:
        return None
    values = np.array([readings[i].values[epoch - 1] for i in at])  # (trials, 3)
    used = _usable(values)
    full = np.isfinite(values[:, used]).all(axis=1)
    kernel = Kernel.of(features[at][full])
    given = None if before is None else _scaled(before, kernel, used, int(full.sum()))
    low, high = _limits(values[full][:, used], given)
    rows = np.clip(values[full][:, used], low, high)
    spread = rows.std(axis=0)
    if given is not None:
        parts = split(kernel, rows, given=given)
    elif len(rows) > 1 and spread[0] > NIL:
        parts = split(kernel, rows, wider=wider)
    else:
        parts = prior(rows.mean(axis=0), np.full(len(used), UNKNOWN / len(rows)))
    load = parts.explained[:, 0] / parts.explained[0, 0]
    noise = parts.noise + parts.explained - parts.explained[0, 0] * np.outer(load, load)
    return Level(epoch, float(parts.mean[0]), parts.mean, load, noise, tuple(used), low, high, parts, kernel.scale)


def _scaled(before: Before, kernel: Kernel, used: Sequence[int], rows: int) -> Components | None:
    """What is known before, of these signals and for architectures as alike as these; ``None`` of another signal."""
    if not set(used) <= set(before.used):
        return None
    at = np.ix_([before.used.index(k) for k in used], [before.used.index(k) for k in used])
    alike = kernel.scale / before.scale if rows > 1 else 1.0
    return Components(np.zeros(len(used)), before.components.explained[at] * alike, before.components.noise[at])


def _usable(values: Array) -> list[int]:
    """Top-1, and the losses that most trials have and that differ; only top-1 where it never differs itself."""
    if len(values) < 2 or np.ptp(values[:, 0]) <= NIL:
        return [0]
    most = [k for k in (1, 2) if np.isfinite(values[:, k]).mean() >= 0.5]
    while most:
        full = np.isfinite(values[:, most]).all(axis=1)
        rows = values[full]
        differing = [k for k in most if len(rows) > 1 and np.ptp(rows[:, k]) > NIL]
        if 2 * full.sum() >= len(values) and differing == most and np.ptp(rows[:, 0]) > NIL:
            return [0, *most]
        most = differing if differing != most else most[:-1]
    return [0]


def _limits(rows: Array, given: Components | None = None) -> tuple[Array, Array]:
    """To which the signals are brought; not nearer than what is known before allows, for few rows may lie close."""
    middle = np.median(rows, axis=0)
    far = FAR * 1.4826 * np.median(np.abs(rows - middle), axis=0)
    far = np.where(far > NIL, far, np.inf)
    if given is not None:
        far = np.maximum(far, FAR * np.sqrt(np.diag(given.explained + given.noise)))
    return middle - far, middle + far


def _link(level: Level, last: Level, readings: Sequence[Reading], features: Array) -> tuple[Level, float]:
    """The level with worth at the end in place of worth after its epoch, and how far off its mean may be (variance).

    Trials that went to the end were the better ones, often. What regression says of the end by the epoch is not
    changed by that; so the mean of all is carried over by it.
    """
    reached = np.array([one.values[level.epoch - 1] for one in readings if one.epochs >= level.epoch])
    early = level.measure(reached)[0]
    spread = float(np.nanstd(early)) or UNKNOWN
    at = [i for i, one in enumerate(readings) if one.epochs >= last.epoch]
    both = [np.array([readings[i].values[one.epoch - 1] for i in at]) for one in (last, level)]
    pairs = np.stack([last.measure(both[0])[0], level.measure(both[1])[0]], axis=1)
    known = np.isfinite(pairs).all(axis=1)
    pairs = pairs[known]
    parts = _covariances(pairs, spread, features[at][known])
    whole = parts.explained + parts.noise
    slope = whole[0, 1] / whole[1, 1]
    rest = float(whole[0, 0] - slope * whole[0, 1])
    mean = level.mean if not len(pairs) else float(pairs[:, 0].mean() + slope * (level.mean - pairs[:, 1].mean()))
    rise = parts.explained[0, 1] / parts.explained[0, 0]
    own = max(parts.explained[1, 1] - rise**2 * parts.explained[0, 0], 0.0)
    noise = level.noise + own * np.outer(level.load, level.load)
    return replace(level, mean=mean, load=rise * level.load, noise=noise), rest / max(len(pairs), 1)


def _covariances(pairs: Array, spread: float, features: Array) -> Components:
    """Of the worth at the end and after an epoch, of trials that have both, (trials, 2)."""
    if len(pairs) >= LINKED and min(pairs.std(axis=0)) > NIL:
        return split(Kernel.of(features), pairs, ALIKE_LATER)
    deviations = pairs.std(axis=0) if len(pairs) > 1 else np.ones(2)
    ratio = deviations[0] / deviations[1] if min(deviations) > NIL else 1.0
    ratio = (len(pairs) * ratio + SAME_SPREAD) / (len(pairs) + SAME_SPREAD)
    return prior(np.zeros(2), np.array([ratio * spread, spread]), ALIKE_LATER)
