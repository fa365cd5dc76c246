"""What each architecture of a space is worth, by all trials of a run: an estimate and how sure it is.

Worth is the top-1 that the whole recipe gives, averaged over seeds. The trial that reads highest is the luckiest one;
an estimate takes luck off. The parts, each in a file of its own: the signals of an epoch (``signals``), how much of them
choices explain (``components``), what a trial that has come to some epoch says (``levels``), the sum over choices and
what an architecture has of its own (``regression``).

The figures depend on the trials alone, not on the order or the portions in which they were told: variances are
estimated from the first trials by number, as many as a growing schedule says, and the later ones are added in order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.search.estimates.components import Kernel, Shares, shares
from seesaw_nas.search.estimates.features import Array, Features
from seesaw_nas.search.estimates.levels import UNKNOWN, Level, fit_levels
from seesaw_nas.search.estimates.regression import Regression
from seesaw_nas.search.estimates.signals import SIGNALS, Reading, expected_top1, read
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.space import Feasible, Space
from seesaw_nas.space.additive import Additive, Scores

FEW = 10  # trials, below which an estimate is little more than the mean
CLEAR = 1.0  # logarithm of the evidence from which choices are said to explain something
GROWTH = 1.1  # trials from one estimate of the variances to the next
OWN = (0.3, 0.05)  # share of what choices leave that stays with the architecture: where they explain nothing, and all
REPEATS = 5.0  # repeated trainings that this share counts for, before there are repeats
LEAST_OWN, MOST_OWN = 0.02, 0.9


@dataclass(frozen=True, slots=True)
class Estimate:
    """Worth of architectures, in the order asked for.

    Attributes:
        mean: expected top-1 of the whole recipe, averaged over seeds, a fraction: (architectures,).
        sd: its standard deviation, without the noise of a single seed: (architectures,).
    """

    mean: Array
    sd: Array


@dataclass(frozen=True)
class _State:
    """All that follows from the trials.

    Attributes:
        together: variance of what all estimates may be off alike, where most trials were short.
        noise: variance of a seed's top-1, in log odds.
        unit: of the levels' variances, in those that the choices were found to leave.
        fitted: trials that the variances are from.
    """

    regression: Regression
    levels: list[Level]
    together: float
    noise: float
    found: Shares
    unit: float
    fitted: int

    def of_trial(self, variance: float) -> float:
        """Variance of a trial about its architecture, from that which its level gives it."""
        rest = self.unit * variance
        return max(rest - self.regression.own, 0.1 * rest)


class Estimates:
    """Estimates of a run; told of its trials, asked for any architecture of the space."""

    def __init__(self, space: Space, epochs: int, high: int = 0) -> None:
        """Begin without trials.

        Args:
            epochs: of the whole recipe.
            high: upper end of the budget in Multi-Adds, a unit for these; the costliest of the space if 0.
        """
        self._features, self._epochs = Features(space, high or space.costliest_macs), epochs
        self._readings: dict[int, Reading] = {}
        self._rows: dict[str, Array] = {}
        self._order: list[int] = []  # the numbers of the readings, ascending
        self._state: _State | None = None
        self._taken = self._changed = 0  # places in the order: taken in so far, and the first that is no more as it was

    def __len__(self) -> int:
        """Trials that something was learnt from."""
        return len(self._readings)

    def tell(self, record: TrialRecord) -> None:
        """Take in a trial as it stands now, in place of what was told of it before."""
        reading, number = read(record, self._epochs), record.number
        place = bisect_left(self._order, number)
        if number in self._readings:
            if reading is not None and self._readings[number].says_the_same(reading):
                return
            del self._readings[number], self._order[place]
        elif reading is None:
            return
        self._changed = min(self._changed, place)
        if reading is not None:
            self._row(record.spec)
            self._readings[number] = reading
            self._order.insert(place, number)

    def of(self, architectures: Sequence[Architecture]) -> Estimate:
        """Worth of any architectures of the space.

        Raises:
            ValueError: nothing was told yet.
        """
        mean, loadings, own = self._worth(architectures)
        variance = np.square(loadings).sum(axis=1) + own + self.state.together
        top1, slope = expected_top1(mean, variance + self.state.noise)
        return Estimate(top1, slope * np.sqrt(variance))

    def joint(self, architectures: Sequence[Architecture]) -> tuple[Array, Array]:
        """Mean (n,) and covariance (n, n) of worth in top-1, to compare architectures with one another."""
        mean, loadings, own = self._worth(architectures)
        same = np.unique([one.digest for one in architectures], return_inverse=True)[1]
        covariance = loadings @ loadings.T + own * np.equal.outer(same, same) + self.state.together
        top1, slope = expected_top1(mean, covariance.diagonal() + self.state.noise)
        return top1, slope[:, None] * covariance * slope

    def draw(self, rng: np.random.Generator) -> Scores:
        """Scores of the choices, drawn from what the trials leave possible."""
        return self._features.scores(self.state.regression.draw(rng))

    def scores(self) -> Scores:
        """Expected scores of the choices, in log odds."""
        return self._features.scores(self.state.regression.solved[0][:-1])

    def best(self, feasible: Feasible, programme: Additive, trained: Sequence[Architecture] = ()) -> Architecture | None:
        """The architecture within a budget that is worth most: by its choices, or one of those ``trained``.

        Args:
            programme: of the same space and budget.
            trained: the run's architectures, each taken with what it showed of its own.
        """
        budget = feasible.budget
        offered = [programme.best(self.scores(), budget.high, budget.low)]
        candidates = [one for one in (*trained, *offered) if one is not None]
        return candidates[int(np.argmax(self.of(candidates).mean))] if candidates else None

    @property
    def knows(self) -> bool:
        """Whether the estimates know more than the observed figures: enough trials, and choices that explain some."""
        return len(self) >= FEW and self.state.found.evidence > CLEAR

    @property
    def reason(self) -> str:
        """Why the estimates are to be used, or not, in a sentence."""
        if len(self) < FEW:
            return f"{len(self)} trials are too few for estimates, which begin at {FEW}; they are near the mean of all"
        if not self.knows:
            return f"choices explain nothing that is clear in {len(self)} trials; estimates are near the mean of all"
        return f"choices explain {self.state.found.share:.0%} of what {len(self)} trials differ by"

    @property
    def target(self) -> int:
        """The epoch whose top-1 is estimated: the recipe's last, or an earlier one where no trial has come so far."""
        return self.state.levels[-1].epoch

    @property
    def signals(self) -> dict[int, dict[str, float]]:
        """By epoch the share of each signal in what a trial there is taken for, in standard deviations: adds up to 1."""
        found: dict[int, dict[str, float]] = {}
        for level in self.state.levels:
            weights = np.abs(level.weights) * np.sqrt(np.diag(level.noise) + level.load**2 * self.state.noise)
            names = (SIGNALS[k] for k in level.used)
            found[level.epoch] = {n: float(w) for n, w in zip(names, weights / weights.sum(), strict=True)}
        return found

    @property
    def noise(self) -> float:
        """Standard deviation between seeds of the top-1 of an average architecture."""
        level = self.state.levels[-1]
        _, slope = expected_top1(np.array([level.mean]), np.array([self.state.noise]))
        return float(slope[0] * np.sqrt(self.state.noise))

    def _worth(self, architectures: Sequence[Architecture]) -> tuple[Array, Array, Array]:
        rows = np.array([self._row(one) for one in architectures]).reshape(len(architectures), -1)
        return self.state.regression.of([one.digest for one in architectures], rows)

    def _row(self, architecture: Architecture) -> Array:
        if architecture.digest not in self._rows:
            self._rows[architecture.digest] = self._features.of(architecture)
        return self._rows[architecture.digest]

    @property
    def state(self) -> _State:
        """What follows from the trials, brought up to date.

        Raises:
            ValueError: nothing was told yet.
        """
        if not self._order:
            raise ValueError("no trial has told anything; tell of one before asking")
        count = scheduled(len(self._order))
        if self._state is None or count != self._state.fitted or self._changed < self._taken:
            first = [self._readings[number] for number in self._order[:count]]
            self._state, self._taken = self._fit(first), count
        for number in self._order[self._taken :]:
            self._add(self._state, self._readings[number])
        self._taken = self._changed = len(self._order)
        return self._state

    def _add(self, state: _State, reading: Reading) -> None:
        worth, variance = _measure(state.levels, reading)
        if np.isfinite(worth):
            state.regression.add(reading.digest, self._rows[reading.digest], worth, state.of_trial(variance))

    def _fit(self, readings: Sequence[Reading]) -> _State:
        features = np.array([self._rows[one.digest] for one in readings])
        levels, together = fit_levels(readings, features, self._epochs)
        measured = np.array([_measure(levels, one) for one in readings])
        known = np.isfinite(measured).all(axis=1)
        (worths, variances), features = measured[known].T, features[known]
        digests = [one.digest for one, told in zip(readings, known, strict=True) if told]
        kernel = Kernel.of(features, variances.mean() / variances)
        total = float(worths.var()) or (UNKNOWN / len(worths)) ** 2
        found = shares(kernel, worths, variances.mean() / variances, total)
        unit = found.noise / float(variances.mean())
        own = own_share(found.share, digests, worths / np.sqrt(unit * variances)) * unit * float(variances.min())
        regression = Regression(kernel.centre, found.explained / kernel.scale, own, kernel.scale)
        noise = max(float(levels[-1].noise[0, 0]) - own, 0.0)
        state = _State(regression, levels, together, noise, found, unit, len(readings))
        regression.add_all(digests, features, worths, np.array([state.of_trial(v) for v in variances]))
        last = levels[-1]
        whole = [one for one in readings if one.epochs >= last.epoch and one.digest in regression.seen]
        top1 = np.array([one.values[last.epoch - 1, 0] for one in whole])
        regression.learn_bend([one.digest for one in whole], np.clip(top1, last.low[0], last.high[0]), noise + own)
        return state


def scheduled(trials: int) -> int:
    """How many of the trials the variances are estimated from; grows with them, by steps of a tenth."""
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
    of: dict[str, list[float]] = {}
    for digest, worth in zip(digests, standard, strict=True):
        of.setdefault(digest, []).append(float(worth))
    free = sum(len(worths) - 1 for worths in of.values())
    squares = sum(len(worths) * float(np.var(worths)) for worths in of.values())
    before = 1 - (OWN[1] + (OWN[0] - OWN[1]) * (1 - explained))
    return float(np.clip(1 - (REPEATS * before + squares) / (REPEATS + free), LEAST_OWN, MOST_OWN))


def _measure(levels: Sequence[Level], reading: Reading) -> tuple[float, float]:
    """Worth by the latest level that a trial has reached and its variance; NaN where there is none."""
    for level in reversed(levels):
        if reading.epochs >= level.epoch:
            worth, variance = level.measure(reading.values[level.epoch - 1])
            if np.isfinite(worth):
                return worth, variance
    return float("nan"), float("nan")
