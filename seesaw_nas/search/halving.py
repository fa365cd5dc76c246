"""Successive halving: which paused trials are worth more epochs.

A trial is first trained to its bracket's lowest rung and paused. Whenever it belongs to the best ``1/reduction`` of
those that have reached its rung, it is trained on to the next, from its checkpoint. Who is best is said by estimates of
what a whole training will come to, or by top-1 at the rung where there are none. This is the asynchronous form,
which waits for nobody (Li et al. 2020, arXiv:1810.05934); Hyperband spreads the trials over brackets that begin at
different rungs (Li et al. 2018, arXiv:1603.06560).
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from seesaw_nas import pareto
from seesaw_nas.core.errors import OptionError, known

if TYPE_CHECKING:
    from seesaw_nas.search.records import TrialRecord

SCHEDULERS = {
    "none": "every trial is trained to its end",
    "asha": "successive halving by estimated top-1, asynchronous",
    "hyperband": "the same in several brackets, some of which begin at later epochs",
    "moasha": "successive halving by non-dominated rank over estimated top-1 and Multi-Adds",
}
DEFAULT_SCHEDULER = "none"
SIMULATED = {"top1": 200, "front": 25}  # trials of a simulated search, by order: a front takes longer to rank
ROUNDS = {"top1": 30, "front": 12}  # simulated searches, of which the mean is taken


Worth = Callable[[Sequence[int]], Sequence[float] | None]
"""What the architectures of so many trials are worth, by their numbers; ``None`` where nothing is known of it."""


Amount = Callable[["TrialRecord"], float | None]
"""What the architecture of a trial costs; ``None`` where it has none."""


def macs_of(record: TrialRecord) -> float | None:
    """Its Multi-Adds."""
    return record.macs


@dataclass
class _Rung:
    """The trials that have reached an epoch, and those of them that were trained on."""

    epoch: int
    order: str
    reached: dict[int, tuple[float, float]] = field(default_factory=dict)  # top1 and cost, by number
    left: set[int] = field(default_factory=set)
    _ranked: list[int] | None = None  # the last answer, until another trial comes

    def add(self, number: int, top1: float, amount: float) -> None:
        if self.reached.get(number) != (top1, amount):
            self.reached[number] = (top1, amount)
            self._ranked = None

    def best(self, worth: Worth | None = None) -> list[int]:
        """The trials, the best first: by what they reached here, or by what they are worth, where that is known."""
        numbers = sorted(self.reached)  # not in the order of their arrival, which a resumed search does not know
        if worth is not None and (means := worth(numbers)) is not None:
            return self._order({n: (mean, self.reached[n][1]) for n, mean in zip(numbers, means, strict=True)})
        if self._ranked is None:
            self._ranked = self._order(self.reached)
        return self._ranked

    def _order(self, points: Mapping[int, tuple[float, float]]) -> list[int]:
        numbers = sorted(points)
        if self.order == "front":
            return [numbers[i] for i in pareto.order([points[n] for n in numbers])]
        return sorted(numbers, key=lambda n: (-points[n][0], points[n][1], n))


class Halving:
    """The rungs of a search, and who may climb."""

    def __init__(
        self,
        epochs: int,
        *,
        reduction: int = 3,
        minimum: int = 1,
        hyperband: bool = False,
        order: str = "top1",
        amount: Amount = macs_of,
    ) -> None:
        """Rungs at ``epochs``, a ``reduction``-th of them, and so on down to at least ``minimum`` epochs.

        Args:
            epochs: of a whole training.
            hyperband: whether brackets begin at every rung; otherwise all trials begin at the lowest.
            order: ``top1``, or ``front`` for non-dominated rank and crowding distance over (top1, amount).
            amount: what the architecture of a trial costs.

        Raises:
            OptionError: the reduction is below 2, or the minimum not within 1 to ``epochs``.
        """
        if reduction < 2:
            raise OptionError(f"--reduction must be at least 2, got {reduction}")
        if not 1 <= minimum <= epochs:
            raise OptionError(f"--min-epochs must lie within 1 to the {epochs} epochs of a trial, got {minimum}")
        self._reduction, self._order, self._amount = reduction, order, amount
        self._again = partial(Halving, epochs, reduction=reduction, minimum=minimum, hyperband=hyperband, order=order)
        levels = [epochs]
        while math.ceil(levels[0] / reduction) >= minimum and levels[0] > 1:
            levels.insert(0, math.ceil(levels[0] / reduction))
        self.levels = tuple(levels)
        self._pattern = self._spread(len(levels)) if hyperband else (0,)
        self._brackets = [[_Rung(epoch, order) for epoch in levels[start:]] for start in sorted(set(self._pattern))]

    def _spread(self, count: int) -> tuple[int, ...]:
        """Which bracket each of a round of trials belongs to, in Hyperband's proportions and as mixed as they allow."""
        shares = [math.ceil(count / (climbs + 1) * self._reduction**climbs) for climbs in range(count)][::-1]
        pattern: list[int] = []
        while len(pattern) < sum(shares):
            due = [share * (len(pattern) + 1) / sum(shares) - pattern.count(i) for i, share in enumerate(shares)]
            pattern.append(due.index(max(due)))
        return tuple(pattern)

    def _rungs(self, number: int) -> list[_Rung]:
        return self._brackets[self._pattern[number % len(self._pattern)]]

    def first(self, number: int) -> int:
        """The epoch to which a new trial is trained."""
        return self._rungs(number)[0].epoch

    def note(self, record: TrialRecord) -> None:
        """Take in how far a trial has come; it is ranked on the rungs after which it was evaluated."""
        if (amount := self._amount(record)) is None:  # no legal architecture, so never trained
            return
        for rung, above in pairwise(self._rungs(record.number)):
            if len(record.curve) < rung.epoch:
                return
            if (top1 := record.curve[rung.epoch - 1].top1) is None:
                continue
            rung.add(record.number, top1, amount)
            if record.state != "paused" or len(record.curve) >= above.epoch:
                rung.left.add(record.number)

    def promotion(self, *, last: bool = False, worth: Worth | None = None) -> tuple[int, int] | None:
        """The trial to train on and the epoch to reach, or ``None``; that it is trained on is taken as settled.

        Args:
            last: no trial will be begun any more, so that of every rung at least one goes on.
            worth: what trials are worth after the whole recipe, by number, where that is estimated; they are then
                ranked by it and not by what they read at the rung.
        """
        for rungs in self._brackets:
            for rung, above in reversed(list(pairwise(rungs))):
                count = max(int(last and bool(rung.reached)), len(rung.reached) // self._reduction)
                if count <= 0 or len(rung.left) == len(rung.reached):
                    continue
                for number in rung.best(worth)[:count]:
                    if number not in rung.left:
                        rung.left.add(number)
                        return number, above.epoch
        return None

    def planned_epochs(self, trials: int) -> int:
        """Epochs that so many trials will take in all, roughly: the mean of a few simulated searches.

        More trials are trained on than ``1/reduction`` of all, because some are among the best when they come and not
        at the end. A search whose proposals become better and better takes more still. Of more than :data:`SIMULATED`
        trials, the rest is taken to cost as much each.
        """
        if not trials or len(self.levels) == 1:
            return trials * self.levels[-1]
        count = min(trials, SIMULATED[self._order])
        spent = [self._again().simulate(count, random.Random(f"{count} {n}")) for n in range(ROUNDS[self._order])]
        return round(sum(spent) / len(spent) * trials / count)

    def simulate(self, trials: int, rng: random.Random) -> int:
        """The epochs of a search in which top-1 rises with Multi-Adds, and differs by chance besides."""
        macs = [rng.random() for _ in range(trials)]
        worth = [2 * cost + rng.gauss(0, 1) for cost in macs]
        behind = [0] * trials
        begun = 0
        while True:
            if step := self.promotion() or (None if begun < trials else self.promotion(last=True)):
                number, epoch = step
            elif begun < trials:
                number, epoch, begun = begun, self.first(begun), begun + 1
            else:
                return sum(behind)
            behind[number] = epoch
            for rung, _ in pairwise(self._rungs(number)):
                if rung.epoch == epoch:
                    rung.add(number, worth[number], macs[number])


def make(name: str, epochs: int, *, reduction: int = 3, minimum: int = 1, amount: Amount = macs_of) -> Halving:
    """The rungs of the scheduler of this name.

    Args:
        amount: what the architecture of a trial costs.

    Raises:
        OptionError: there is no such scheduler, or a number does not fit.
    """
    if name not in SCHEDULERS:
        raise OptionError(known("scheduler", name, SCHEDULERS))
    if name == "none":
        return Halving(epochs, minimum=epochs)
    order = "front" if name == "moasha" else "top1"
    is_hyperband = name == "hyperband"
    return Halving(epochs, reduction=reduction, minimum=minimum, hyperband=is_hyperband, order=order, amount=amount)
