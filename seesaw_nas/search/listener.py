"""Callbacks for what happens in a search."""

from __future__ import annotations

from pathlib import Path

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.search.records import CompleteTrial, TrialRecord
from seesaw_nas.training.epoch import Epoch


class Listener:
    """Told what happens; every method may be left as it is."""

    def stage(self, number: int, total: int, what: str, count: int) -> None:
        """A stage of a plan begins, of so many; it judges ``count`` architectures, 0 where it makes a supernet."""

    def remark(self, text: str) -> None:
        """Something that the user should know before the search begins, in one line."""

    def doing(self, what: str) -> None:
        """What is done before the first trial, such as "reading images"."""

    def opened(self, folder: Path) -> None:
        """The run has this folder from now on; a plan's steps, which have their own, come after it."""

    def begun(self, number: int, architecture: Architecture, macs: int) -> None:
        """A trial's training begins."""

    def postponed(self, number: int, reason: str, until: str) -> None:
        """A trial's training ran out of memory beside others; it is begun again when ``until`` holds, such as
        "nothing else trains on cuda:0".
        """

    def step(self, done: int, total: int) -> None:
        """A training step of the running trial is done."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch of the running trial is done."""

    def ended(self, record: TrialRecord) -> None:
        """A proposal is closed: trained, failed, outside the budget, or known already."""

    def timing(self, what: str, done: int, total: int) -> None:
        """The front is being timed: what comes next, and how many of its steps are done."""

    def stopping(self, running: int) -> None:
        """A signal asked for the end; so many trainings are waited for."""

    def confirming(self, done: int, total: int, trial: CompleteTrial) -> None:
        """One of the best is being trained again: how many such trainings are done, and whose turn it is."""
