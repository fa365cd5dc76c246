"""What each architecture of a space is worth, by all trials of a run: an estimate and how sure it is.

Worth is the top-1 that the whole recipe gives, averaged over seeds. The trial that reads highest is the luckiest one;
an estimate takes luck off. The parts, each in a file of its own: the signals of an epoch (``signals``), how much of
them choices explain (``components``), what a trial that has come to some epoch says (``levels``), the sum over choices
and what an architecture has of its own (``regression``), trainings by shorter schedules (``schedules``), all variances
of a run (``fitting``), and what follows for decisions (``chances``, ``exact``).

The figures depend on the trials alone, not on the order or the portions in which they were told: variances are
estimated from the first trials by number, as many as a growing schedule says, and the later ones are added in order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.search.estimates import chances
from seesaw_nas.search.estimates.exact import best_unknown
from seesaw_nas.search.estimates.features import Array, Features
from seesaw_nas.search.estimates.fitting import Learnt, first_used, fit, scheduled
from seesaw_nas.search.estimates.levels import Level
from seesaw_nas.search.estimates.signals import SIGNALS, Reading, expected_top1, read
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.space import Budget, Space
from seesaw_nas.space.additive import Additive, Scores

FEW = 10  # trials, below which an estimate is little more than the mean
CLEAR = 1.5  # logarithm of the evidence from which choices are said to explain something; of chance, 1 in 20 has that
WIDER = 1.5  # of the variance that follows from the model, for the model itself is not quite right: see the benchmark


@dataclass(frozen=True, slots=True)
class Worth:
    """Worth of architectures, in the order asked for.

    Attributes:
        mean: expected top-1 of the whole recipe, averaged over seeds, a fraction: (architectures,).
        sd: its standard deviation, without the noise of a single seed: (architectures,).
        noise: standard deviation of one seed's top-1 about the worth: (architectures,).
    """

    mean: Array
    sd: Array
    noise: Array


class Estimates:
    """Estimates of a run; told of its trials, asked for any architecture of the space.

    All that asks raises ``ValueError`` before anything was learnt: see ``len``.
    """

    def __init__(self, space: Space, epochs: int, high: int = 0, rows: dict[str, Array] | None = None) -> None:
        """Begin without trials.

        Args:
            epochs: of the whole recipe.
            high: upper end of the budget in Multi-Adds, a unit for these; the costliest of the space if 0.
            rows: features by digest that are shared with other estimates of the same space and ``high``.
        """
        self._space, self._epochs = space, epochs
        self.features = Features(space, high or space.costliest_macs)
        self._rows: dict[str, Array] = {} if rows is None else rows
        self._readings: dict[int, Reading] = {}
        self._order: list[int] = []  # the numbers of the readings, ascending
        self._trained: dict[int, tuple[Architecture, int]] = {}  # and Multi-Adds
        self._fit: Learnt | None = None
        self._taken = self._changed = 0  # places in the order: taken in so far, and the first that is no more as it was
        self._short: set[int] = set()  # numbers of the readings by a short schedule
        self._programmes: dict[Budget, Additive] = {}

    def without_trials(self) -> Estimates:
        """Estimates of the same space and recipe that know no trial yet; features already worked out are shared."""
        return Estimates(self._space, self._epochs, self.features.high, self._rows)

    def __len__(self) -> int:
        """Trials that something was learnt from."""
        return len(self._order)

    def tell(self, record: TrialRecord) -> None:
        """Take in a trial as it stands now, in place of what was told of it before."""
        reading, number = read(record, self._epochs), record.number
        place = bisect_left(self._order, number)
        if number in self._readings:
            if reading is not None and self._readings[number].says_the_same(reading):
                return
            del self._readings[number], self._trained[number], self._order[place]
        elif reading is None:
            return
        self._changed = min(self._changed, place)
        if reading is not None:
            self.row(record.spec)
            self._readings[number], self._trained[number] = reading, (record.spec, _macs(record))
            if reading.schedule:
                self._short.add(number)
            self._order.insert(place, number)

    def of(self, architectures: Sequence[Architecture]) -> Worth:
        """Worth of any architectures of the space."""
        mean, loadings, own = self._worth(architectures)
        variance = WIDER * (np.square(loadings).sum(axis=1) + own) + self._now.doubt.together
        top1, slope = expected_top1(mean, variance + self._now.noise)
        return Worth(top1, slope * np.sqrt(variance), slope * np.sqrt(self._now.noise))

    def joint(self, architectures: Sequence[Architecture]) -> tuple[Array, Array]:
        """Mean (n,) and covariance (n, n) of worth in top-1, to compare architectures with one another."""
        mean, loadings, own = self._worth(architectures)
        same = np.unique([one.digest for one in architectures], return_inverse=True)[1]
        of_each = loadings @ loadings.T + own * np.equal.outer(same, same)
        covariance = WIDER * of_each + self._now.doubt.together
        top1, slope = expected_top1(mean, covariance.diagonal() + self._now.noise)
        return top1, slope[:, None] * covariance * slope

    def chances_of_best(self, architectures: Sequence[Architecture]) -> Array:
        """The chance of each architecture to be worth most of these; they add up to 1: (n,)."""
        return chances.of_best(*self.joint(architectures))

    def chances_of_front(self, architectures: Sequence[Architecture]) -> Array:
        """The chance of each that none of these is worth as much at fewer Multi-Adds: (n,)."""
        macs = np.array([cost.macs(one) for one in architectures], np.float64)
        return chances.of_front(*self.joint(architectures), macs)

    def ties(self, architectures: Sequence[Architecture]) -> Array:
        """Which of these may as well be the best, the best included: (n,), of bool."""
        return chances.ties(*self.joint(architectures))

    def draw(self, rng: np.random.Generator) -> Scores:
        """Scores of the choices in log odds, drawn from what the trials leave possible."""
        return self.features.scores(self._now.regression.draw(rng))

    @property
    def scores(self) -> Scores:
        """Expected scores of the choices, in log odds."""
        return self.features.scores(self._now.regression.weights)

    def best(self, budget: Budget) -> Architecture | None:
        """The architecture within a budget that is worth most, trained or not; ``None`` where none fits.

        Exact, as far as costs need no rounding: the trained ones with what they showed of their own, all others by
        dynamic programming.
        """
        candidates = {one.digest: one for one, macs in self._trained.values() if budget.holds(one, macs)}
        untrained = self.best_untrained(budget, candidates)
        if untrained is not None:
            candidates[untrained.digest] = untrained
        offered = list(candidates.values())
        return offered[int(np.argmax(self._worth(offered)[0]))] if offered else None

    def best_untrained(self, budget: Budget, known: Collection[str]) -> Architecture | None:
        """The architecture within a budget that is worth most of those whose digest is not known, or ``None``."""
        if budget not in self._programmes:
            self._programmes[budget] = Additive(self._space, budget)
        return best_unknown(self._programmes[budget], self.scores, self._space, budget, known)

    @property
    def knows(self) -> bool:
        """Whether the estimates know more than the observed figures: enough trials, and choices that explain some."""
        return len(self) >= FEW and self._now.shares.evidence > CLEAR

    @property
    def reason(self) -> str:
        """How far the estimates are to be relied on, in a sentence."""
        short = f" ({len(self._short)} by a short schedule)" if self._short else ""
        count = f"{len(self)} trial{'s' * (len(self) != 1)}{short}"
        if len(self) < FEW:
            are = "is" if len(self) == 1 else "are"
            return f"{count} {are} too few to tell architectures apart (from {FEW} on); estimates stay near their mean"
        if not self.knows:
            return f"choices explain nothing for certain in {count}; estimates stay near their mean"
        return f"choices explain {self._now.shares.share:.0%} of what {count} differ by, the rest is mostly noise"

    @property
    def epoch(self) -> int:
        """The epoch whose top-1 is estimated: the recipe's last, or an earlier one where no trial has come so far."""
        return self._now.levels[-1].epoch

    @property
    def signals(self) -> dict[int, dict[str, float]]:
        """By epoch the weight of each signal in what a trial there is taken for; the weights add up to 1."""
        return self._weights([level for level in self._now.levels if not level.schedule])

    @property
    def signals_of_short(self) -> dict[int, dict[str, float]]:
        """The same at the end of each short schedule, by its epochs."""
        return self._weights([level for level in self._now.levels if level.schedule])

    @staticmethod
    def _weights(levels: Sequence[Level]) -> dict[int, dict[str, float]]:
        found: dict[int, dict[str, float]] = {}
        for level in levels:
            spread = np.sqrt(np.diag(level.noise))
            sizes = np.abs(level.weights) * spread
            names = (SIGNALS[k] for k in level.used)
            found[level.epoch] = {name: float(size) for name, size in zip(names, sizes / sizes.sum(), strict=True)}
        return found

    @property
    def counts(self) -> Array:
        """The features of each trial's architecture without their scale, counts of choices: (trials, features)."""
        rows = np.array([self._rows[self._readings[number].digest] for number in self._order])
        return np.asarray(rows.reshape(len(self), len(self.features)) / self.features.scale, np.float64)

    def differences(self, rows: Array) -> tuple[Array, Array]:
        """What differences of features, (n, features), add to an average architecture's top-1: mean and sd, (n,)."""
        weights, inverse = self._now.regression.solved
        middle, noise = weights[-1:], self._now.noise + self._now.regression.own
        slope = expected_top1(middle, np.array([noise]))[1][0]
        sd = np.sqrt(WIDER * np.square(rows @ inverse[:, :-1].T).sum(axis=1))
        return slope * (rows @ weights[:-1]), slope * sd

    @property
    def noise(self) -> float:
        """Standard deviation between seeds of the top-1 of an average architecture, a fraction."""
        mean, noise = np.array([self._now.levels[-1].mean]), self._now.noise
        return float(expected_top1(mean, np.array([noise]))[1][0] * np.sqrt(noise))

    def row(self, architecture: Architecture) -> Array:
        """The features of an architecture, worked out once: (features,)."""
        if architecture.digest not in self._rows:
            self._rows[architecture.digest] = self.features.of(architecture)
        return self._rows[architecture.digest]

    @property
    def _now(self) -> Learnt:
        """What follows from the trials, brought up to date."""
        if not self._order:
            raise ValueError("no trial has told anything yet; tell of one before asking")
        count = self._first_used()
        if self._fit is None or count != self._fit.trials or self._changed < self._taken:
            first = [self._readings[number] for number in self._order[:count]]
            rows = np.array([self._rows[reading.digest] for reading in first])
            self._fit, self._taken = fit(first, rows, self._epochs), count
        for number in self._order[self._taken :]:
            reading = self._readings[number]
            self._fit.add(reading, self._rows[reading.digest])
        self._taken = self._changed = len(self._order)
        return self._fit

    def _first_used(self) -> int:
        """How many trials the variances are from."""
        if not self._short:
            return scheduled(len(self._order))
        return first_used([self._readings[number] for number in self._order])

    def _worth(self, architectures: Sequence[Architecture]) -> tuple[Array, Array, Array]:
        rows = np.array([self.row(one) for one in architectures]).reshape(len(architectures), len(self.features))
        mean, loadings, own = self._now.regression.of([one.digest for one in architectures], rows)
        doubt = self._now.doubt
        tilted = doubt.tilt * (mean - doubt.middle)[:, None]
        return mean, np.hstack([loadings, tilted]) if doubt.tilt else loadings, own


def _macs(record: TrialRecord) -> int:
    return cost.macs(record.spec) if record.macs is None else record.macs
