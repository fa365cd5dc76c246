"""How the epochs of a search are spent: on short trainings, whose whole schedule is shorter, and on whole ones.

A search is given so many whole trainings' worth of epochs. With short trainings, a share of the whole ones is exchanged
for as many short ones as have no more epochs, and these come first; at least one training is whole.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

SHARE = 0.5  # of the whole trainings are exchanged for short ones
AUTO, DEFAULT_SHORT = "auto", "0"
THIRD = 3  # by itself a short training has a third of the epochs
LEAST_TRIALS, LEAST_EPOCHS = 10, 6  # of a search that begins with short trainings by itself


@dataclass(frozen=True, slots=True)
class Begun:
    """The trainings that were begun, those that failed among them.

    Attributes:
        whole, short: how many.
        epochs: of all their schedules.
    """

    whole: int = 0
    short: int = 0
    epochs: int = 0


@dataclass(frozen=True, slots=True)
class Spending:
    """What a search may spend.

    Attributes:
        trials: whole trainings whose epochs may be spent.
        epochs: of a whole training.
        short: epochs of a short training; 0 for none.
    """

    trials: int
    epochs: int
    short: int = 0

    @property
    def total(self) -> int:
        """Epochs in all."""
        return self.trials * self.epochs

    @property
    def whole(self) -> int:
        """Whole trainings that are not exchanged for short ones."""
        return math.ceil((1 - SHARE) * self.trials) if self.short else self.trials

    def may_begin(self, schedule: int, begun: Begun) -> bool:
        """Whether a training may begin after these.

        Args:
            schedule: its epochs, where it is short; 0 for a whole one.
        """
        left = self.total - begun.epochs
        return left >= (schedule + self._reserved(begun) if schedule else self.epochs)

    def _reserved(self, begun: Begun) -> int:
        """Epochs of the whole trainings that are still to come, whatever is short."""
        return max(0, self.whole - begun.whole) * self.epochs

    def next_schedule(self, begun: Begun) -> int | None:
        """The schedule of the next training, 0 for a whole one; ``None`` where all is spent."""
        if begun.short < self._shorts and self.may_begin(self.short, begun):
            return self.short
        return 0 if self.may_begin(0, begun) else None

    @property
    def _shorts(self) -> int:
        """Short trainings for the whole ones that they are exchanged for."""
        return (self.trials - self.whole) * self.epochs // self.short if self.short else 0

    def left(self, begun: Begun) -> Begun:
        """The trainings that are still to be begun."""
        short = 0
        if self.short:
            room = (self.total - begun.epochs - self._reserved(begun)) // self.short
            short = max(0, min(self._shorts - begun.short, room))
        whole = max(0, self.total - begun.epochs - short * self.short) // self.epochs
        return Begun(whole, short, whole * self.epochs + short * self.short)


def default_short(trials: int, epochs: int) -> int:
    """Epochs of the short trainings that a search begins with by itself; 0 where it is too small for them."""
    return round(epochs / THIRD) if trials >= LEAST_TRIALS and epochs >= LEAST_EPOCHS else 0


def begun(known: Mapping[int, int], epochs: int) -> Begun:
    """What was begun, from the number of trainings by schedule; 0 for whole ones of so many epochs."""
    whole = known.get(0, 0)
    short = {schedule: count for schedule, count in known.items() if schedule}
    return Begun(whole, sum(short.values()), whole * epochs + sum(n * count for n, count in short.items()))
