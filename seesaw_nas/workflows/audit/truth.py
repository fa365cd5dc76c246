"""What evaluators are held against: trainings of many architectures under the same conditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

import numpy as np

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.evaluators.ranking.statistics import Floats
from seesaw_nas.evaluators.table import Curve
from seesaw_nas.search.records import CompleteTrial
from seesaw_nas.search.settings import SearchSettings

LEAST = 10  # architectures; fewer give no order worth an interval


@dataclass(frozen=True)
class TrainedArchitecture:
    """One architecture, and what its trainings came to.

    Attributes:
        trainings: curves by seed, each to the recipe's end; the last epoch was evaluated.
    """

    architecture: Architecture
    trainings: Mapping[int, Curve]

    @cached_property
    def macs(self) -> int:
        return cost.macs(self.architecture)

    @cached_property
    def ends(self) -> list[float]:
        """Final top-1 of each training, by ascending seed."""
        last = (self.trainings[seed][-1].top1 for seed in sorted(self.trainings))
        return [top1 for top1 in last if top1 is not None]  # of each: others are no trainings of a truth

    def trial(self, number: int) -> CompleteTrial:
        """As one trial of this number with the mean top-1, and the first seed's curve."""
        first = min(self.trainings)
        return CompleteTrial(
            number=number,
            architecture=self.architecture,
            macs=self.macs,
            params=cost.params(self.architecture),
            top1=fmean(self.ends),
            seed=first,
            seconds=sum(epoch.seconds for curve in self.trainings.values() for epoch in curve),
            curve=self.trainings[first],
        )


@dataclass(frozen=True)
class Truth:
    """Trainings under the same conditions.

    Attributes:
        runs: what they were read from.
        settings: of the first of these, with what it left to defaults: space, recipe and epochs.
        space_file: the text that described the space; empty where it is to be found by the settings.
        basis: what all are of.
        entries: every architecture once, the cheapest first.
        unknown: what the records do not say of how comparable the runs are, a line each.
    """

    runs: tuple[str, ...]
    settings: SearchSettings
    space_file: str
    basis: Basis
    entries: tuple[TrainedArchitecture, ...]
    unknown: tuple[str, ...] = ()

    @cached_property
    def top1(self) -> Floats:
        """Final top-1 of every training, shape (slots, n): a slot for each training of the one with the most."""
        return self._slots([entry.ends for entry in self.entries])

    def after(self, epoch: int) -> Floats:
        """Top-1 after an epoch of every training, as :attr:`top1`; NaN where it was not evaluated."""
        return self._slots([[_after(t[seed], epoch) for seed in sorted(t)] for t in self._trainings])

    def seconds(self, epoch: int) -> float:
        """That a training took to the end of an epoch, as it was recorded; the mean."""
        return fmean(sum(e.seconds for e in curve if e.epoch <= epoch) for t in self._trainings for curve in t.values())

    @cached_property
    def epochs(self) -> int:
        """Of a whole training."""
        return max(curve[-1].epoch for trainings in self._trainings for curve in trainings.values())

    @cached_property
    def evaluated(self) -> list[int]:
        """The epochs before the last after which trainings were evaluated, ascending."""
        found = {e.epoch for t in self._trainings for curve in t.values() for e in curve[:-1] if e.top1 is not None}
        return sorted(found)

    @property
    def trainings(self) -> int:
        """How many there are, of all architectures together."""
        return sum(map(len, self._trainings))

    @cached_property
    def _trainings(self) -> list[Mapping[int, Curve]]:
        return [entry.trainings for entry in self.entries]

    def _slots(self, values: Sequence[Sequence[float]]) -> Floats:
        found = np.full((max(map(len, values)), len(values)), np.nan)
        for i, of_one in enumerate(values):
            found[: len(of_one), i] = of_one
        return found


def _after(curve: Curve, epoch: int) -> float:
    return next((e.top1 for e in curve if e.epoch == epoch and e.top1 is not None), np.nan)
