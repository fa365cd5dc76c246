"""What became of each proposal of a search. Loads without torch and without Optuna."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from seesaw_nas import pareto
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.training.epoch import Epoch

State = Literal["complete", "failed", "infeasible", "duplicate", "stopped", "paused", "running", "lost"]
TRAINED: tuple[State, ...] = ("complete", "failed", "stopped", "paused", "running")  # or being trained


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One proposal of a search and what became of it.

    Attributes:
        number: from 0, in the order proposed.
        state: ``complete`` was trained; ``failed`` broke in training; ``infeasible`` lay outside the budget, so it was
            not trained; ``duplicate`` was answered from an earlier record of the same architecture; ``stopped`` was
            trained for some epochs and given up; ``paused`` may still be trained on; ``lost`` was begun by
            a process that is gone, and again by another.
        architecture: ``None`` where the proposal was no legal architecture.
        macs, params: exact, by arithmetic; ``None`` without an architecture.
        top1: accuracy on ``split``, a fraction, after the whole training; ``None`` without. What a stopped or paused
            trial reached stands in its curve alone, so that it is never taken for more.
        split: the split that ``top1`` is from; a search sees ``validation`` only.
        seed: of the trial's initialisation, order of images and augmentation.
        curve: an entry an epoch.
        reason: why it failed or was not trained; of a complete one, what else is to be known of its top1.
        origin: where the architecture is from, in words.
        worker: what trained it, where there were several.
        started, ended: when it was proposed and when it came to its end, in seconds since 1970; 0 where that is not so.
    """

    number: int
    state: State
    architecture: Architecture | None = None
    macs: int | None = None
    params: int | None = None
    top1: float | None = None
    split: str = "validation"
    seed: int = 0
    seconds: float = 0.0
    curve: tuple[Epoch, ...] = field(default=())
    reason: str = ""
    origin: str = ""
    worker: str = ""
    started: float = field(default=0.0, compare=False)
    ended: float = field(default=0.0, compare=False)

    @property
    def spec(self) -> Architecture:
        """The architecture of a trial that has one, as every trained trial has."""
        assert self.architecture is not None, "only legal architectures are trained"
        return self.architecture

    @property
    def digest(self) -> str:
        return self.architecture.digest if self.architecture else ""


def front(records: list[TrialRecord]) -> list[TrialRecord]:
    """The completed trials that no other dominates in (top1, macs), from the fewest Multi-Adds to the most."""
    done = [record for record in records if record.state == "complete"]
    members = pareto.front([(record.top1 or 0.0, float(record.macs or 0)) for record in done])
    return [done[i] for i in members]


def best(records: list[TrialRecord], means: Mapping[str, float] = MappingProxyType({})) -> TrialRecord | None:
    """The completed trial with the highest top1; of equals the one with the fewest Multi-Adds.

    Args:
        means: top1 by digest, of those that were trained again; where there are some, the best is one of them.
    """
    again = [record for record in records if record.state == "complete" and record.digest in means]
    if again:
        return max(again, key=lambda record: (means[record.digest], -(record.macs or 0)))
    members = front(records)
    return max(members, key=lambda record: (record.top1, -(record.macs or 0))) if members else None
