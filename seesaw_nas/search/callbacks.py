"""Functions of a program that a search calls, and several listeners as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.training.epoch import Epoch

FINISHED = ("complete", "failed", "stopped")  # states of a trial that was trained and is not trained on
TAUGHT = (*FINISHED, "paused")

OnTrial = Callable[[TrialRecord], Any]
OnTrialEpoch = Callable[[int, Epoch], Any]


class Callbacks(Listener):
    """Calls a function after every finished trial, another after every epoch.

    Of trainings in this process, epochs are told as they end. Of those in other processes, they are told when the trial
    pauses or ends, before the trial itself. What a function raises ends the search.
    """

    def __init__(self, on_trial: OnTrial | None = None, on_epoch: OnTrialEpoch | None = None) -> None:
        """Choose the functions.

        Args:
            on_trial: called with the record of each trial that is complete, failed, or was stopped.
            on_epoch: called with the number of the trial and its epoch.
        """
        self._on_trial, self._on_epoch = on_trial, on_epoch
        self._number = -1
        self._told: dict[int, int] = {}  # the last epoch, by trial

    def begun(self, number: int, architecture: Architecture, macs: int) -> None:
        """Remember whose epochs come next."""
        self._number = number

    def epoch(self, epoch: Epoch) -> None:
        """Tell it."""
        self._tell(self._number, epoch)

    def ended(self, record: TrialRecord) -> None:
        """Tell the epochs that were not told, then the trial."""
        if record.state in TAUGHT:
            for epoch in record.curve:
                self._tell(record.number, epoch)
        if record.state in FINISHED:
            self._told.pop(record.number, None)
            if self._on_trial is not None:
                self._on_trial(record)

    def _tell(self, number: int, epoch: Epoch) -> None:
        if epoch.epoch <= self._told.get(number, 0):
            return
        self._told[number] = epoch.epoch
        if self._on_epoch is not None:
            self._on_epoch(number, epoch)


class Several(Listener):
    """Tells several listeners, one after the other."""

    def __init__(self, listeners: Iterable[Listener]) -> None:
        self._listeners = tuple(listeners)

    def tell(self, what: str, *news: Any) -> None:
        """Call the method ``what`` of each."""
        for listener in self._listeners:
            getattr(listener, what)(*news)


def _forward(name: str) -> Callable[..., None]:
    def method(self: Several, *news: Any) -> None:
        self.tell(name, *news)

    return method


for _name in [name for name in vars(Listener) if not name.startswith("_")]:
    setattr(Several, _name, _forward(_name))
