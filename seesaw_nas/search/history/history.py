"""The trial history of a search: what was proposed and what became of it, as :class:`TrialRecord`.

A change is on the disk before the next step, so a process may be killed at any point: what was told is kept, and a
trial that was only begun is still to be done. Loads without torch and without Optuna, whose samplers get their trials
as a study (:attr:`History.study`).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from bisect import insort
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from seesaw_nas.architecture import cost as arithmetic
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.search.records import CompleteTrial, TrialRecord, as_complete
from seesaw_nas.space import Budget, Space
from seesaw_nas.space.costs import MACS, Cost

if TYPE_CHECKING:
    import optuna

ILLEGAL = "no_such_architecture"  # the constraint that a combination outside the space violates
SAMPLER = "sampler"  # the origin of what Optuna's sampler chose


def trial_seed(seed: int, number: int) -> int:
    """The seed of one trial's training, from the search's seed and the trial's number alone."""
    return int(np.random.SeedSequence([seed, number, 1]).generate_state(1)[0] >> 1)


def violations(macs: int, budget: Budget, architecture: Architecture) -> dict[str, float]:
    """By how much a budget is missed, at upper and lower ends, in the unit of each cost; positive is a miss."""
    found = {"above_budget": float(macs - budget.high), "below_budget": float(budget.low - macs)}
    for bound in budget.others:
        name, amount = bound.cost.name.replace(" ", "_"), bound.cost.of(architecture)
        found |= {f"above_{name}": float(amount - bound.high), f"below_{name}": float(bound.low - amount)}
    return found


class History(ABC):
    """The trials of one search, in the order in which they were proposed. Where they are kept is a subclass's matter.

    Args:
        seed: of the search; a trial's own follows from it and from the trial's number.

    Attributes:
        cost: what the study sets top-1 against, unless top-1 alone is wanted.
        schedule: of the trials that are begun from now on, in epochs; 0 for that of the recipe.
        complete: the trials that were trained to their end, by number.
        short: numbers of the trials with a schedule shorter than the recipe's, whatever became of them.
    """

    shared = False  # whether other processes write it, too

    def __init__(self, space: Space, budget: Budget, seed: int = 0, cost: Cost = MACS) -> None:
        self.space = space
        self.cost = cost
        self.budget = budget
        self.seed = seed
        self.schedule = 0
        self.complete: list[CompleteTrial] = []
        self.short: set[int] = set()
        self._records: dict[int, TrialRecord] = {}
        self._attempts: dict[int, int] = {}
        self._behind: dict[int, int] = {}  # of these, the attempts that came to a pause

    @property
    @abstractmethod
    def study(self) -> optuna.Study:
        """The trials as Optuna's samplers see them; ``sampler`` of it is what :meth:`ask` asks.

        The study has the objectives top1 (maximised) and, unless top-1 alone is wanted, the cost (minimised). A trial's
        parameters are the architecture's genes, its constraints by how much it misses the budget.
        """

    @property
    @abstractmethod
    def notes(self) -> Mapping[str, Any]:
        """What :meth:`note` noted, by name."""

    @abstractmethod
    def note(self, name: str, value: Any) -> None:
        """Note something of the whole search, in JSON values; afterwards that is durable."""

    @abstractmethod
    def genotype(self, number: int) -> dict[str, str]:
        """The genes of one trial."""

    @abstractmethod
    def add(self, architecture: Architecture, origin: str = "", attempts: int = 1) -> int:
        """Begin a trial of this architecture, in a single write; returns its number.

        Args:
            origin: where the architecture is from, in words.
            attempts: 0 for one whose training does not begin yet.
        """

    @abstractmethod
    def ask(self) -> int:
        """Begin a trial whose genes the study's sampler chooses; returns its number.

        What they describe may be no architecture at all: then the record has none, and says why.
        """

    @abstractmethod
    def _save_attempts(self, number: int, count: int) -> None:
        """Keep how often a trial's training has begun."""

    @abstractmethod
    def _save_result(self, number: int, record: TrialRecord) -> None:
        """Keep how a trial stands; it is paused or at its end."""

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, number: int) -> TrialRecord:
        """The record of one trial."""
        return self._records[number]

    def records(self) -> list[TrialRecord]:
        """Every proposal."""
        return list(self._records.values())

    def refresh(self) -> list[TrialRecord]:
        """The records that other processes changed: none, where one process owns the history."""
        return []

    def take_over_lost(self) -> list[int]:
        """Trials of lost processes that this one is to begin once more; each is named once."""
        return []

    @contextmanager
    def scheduled(self, epochs: int) -> Iterator[None]:
        """Context in which trials begin with a schedule of so many epochs; 0 for that of the recipe."""
        self.schedule = epochs
        try:
            yield
        finally:
            self.schedule = 0

    def open(self) -> list[int]:
        """Trials that were begun and neither told nor paused: in a history just read, what a killed process left."""
        return [number for number, record in self._records.items() if record.state == "running"]

    def attempts(self, number: int) -> int:
        """How often the trial's training began without coming to an end or a pause."""
        return self._attempts[number] - self._behind[number]

    def attempt(self, number: int) -> None:
        """Note that a trial's training begins."""
        self._set_attempts(number, self._attempts[number] + 1)

    def forgive_attempt(self, number: int) -> None:
        """Take that back: a person stopped it, the training did no harm."""
        self._set_attempts(number, self._attempts[number] - 1)
        if (record := self._records[number]).curve:
            self._records[number] = replace(record, state="paused")

    def pause(self, number: int, record: TrialRecord) -> None:
        """Note how far a trial has been trained; afterwards that is durable."""
        self._behind[number] = self._attempts[number]
        self._write(number, replace(record, state="paused"))

    def go_on(self, number: int) -> None:
        """A paused trial is being trained on; to another process it is paused until that ends."""
        self._records[number] = replace(self._records[number], state="running")

    def finish(self, number: int, record: TrialRecord) -> None:
        """Note what became of a trial; afterwards that is durable."""
        self._write(number, replace(record, ended=time.time()))

    def take_over(self, number: int, known: CompleteTrial, reason: str) -> None:
        """Close a trial with the figures of another run's, which was trained under the same conditions."""
        record = replace(
            self[number],
            state="complete",
            top1=known.top1,
            split=known.split,
            seed=known.seed,
            seconds=known.seconds,
            curve=known.curve,
            reason=reason,
            worker=known.worker,
        )
        self.finish(number, record)

    def _new_record(self, number: int, architecture: Architecture | None, origin: str, reason: str = "") -> TrialRecord:
        """The record of a trial that is being proposed."""
        record = TrialRecord(
            number,
            "running",
            seed=trial_seed(self.seed, number),
            origin=origin,
            reason=reason,
            schedule=self.schedule,
            started=time.time(),
        )
        if architecture is None:
            return record
        macs, params = arithmetic.macs(architecture), arithmetic.params(architecture)
        return replace(record, architecture=architecture, macs=macs, params=params)

    def _register(self, record: TrialRecord, attempts: int, behind: int) -> None:
        """Take up a trial that was read or begun."""
        number = record.number
        self._records[number], self._attempts[number], self._behind[number] = record, attempts, behind
        if record.schedule:
            self.short.add(number)
        if (done := as_complete(record)) is not None:
            self.complete.append(done)

    def _set_attempts(self, number: int, count: int) -> None:
        self._save_attempts(number, count)
        self._attempts[number] = count

    def _write(self, number: int, record: TrialRecord) -> None:
        self._save_result(number, record)
        self._records[number] = record
        if (done := as_complete(record)) is not None:
            insort(self.complete, done, key=lambda trial: trial.number)
