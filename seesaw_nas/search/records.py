"""Records of a search: each proposal and its result. Loads without torch and without Optuna."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import ClassVar, Literal

from seesaw_nas import pareto
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.training.epoch import Epoch

State = Literal["complete", "failed", "infeasible", "duplicate", "stopped", "paused", "running", "lost", "short"]
TRAINED: tuple[State, ...] = ("complete", "failed", "stopped", "paused", "running", "short")  # or being trained


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRun:
    """How a trial went, apart from its figures.

    Attributes:
        split: the split that top-1 is from; a search sees ``validation`` only.
        seed: of the trial's initialisation, order of images and augmentation.
        curve: an entry an epoch.
        reason: why it failed or was not trained; of a complete one, what else is to be known of its top1.
        origin: where the architecture is from, in words.
        worker: what trained it, where there were several.
        schedule: epochs of its schedule, where that is a shorter one than the recipe's; else 0.
        started, ended: when it was proposed and when it came to its end, in seconds since 1970; 0 where that is not so.
    """

    split: str = "validation"
    seed: int = 0
    seconds: float = 0.0
    curve: tuple[Epoch, ...] = field(default=())
    reason: str = ""
    origin: str = ""
    worker: str = ""
    schedule: int = 0
    started: float = field(default=0.0, compare=False)
    ended: float = field(default=0.0, compare=False)


@dataclass(frozen=True, slots=True)
class TrialRecord(TrialRun):
    """One proposal of a search and what became of it.

    Attributes:
        number: from 0, in the order proposed.
        state: ``complete`` was trained; ``failed`` broke in training; ``infeasible`` lay outside the budget, so it was
            not trained; ``duplicate`` was answered from an earlier record of the same architecture; ``stopped`` was
            trained for some epochs and given up; ``paused`` may still be trained on; ``lost`` was begun by
            a process that is gone, and again by another; ``short`` was trained to the end of a schedule shorter than
            the recipe's.
        architecture: ``None`` where the proposal was no legal architecture.
        macs, params: exact, by arithmetic; ``None`` without an architecture.
        top1: accuracy on ``split``, a fraction, after the whole training; ``None`` without. What a short, stopped or
            paused trial reached stands in its curve alone, so that it is never taken for more.
    """

    number: int
    state: State
    architecture: Architecture | None = None
    macs: int | None = None
    params: int | None = None
    top1: float | None = None

    @property
    def spec(self) -> Architecture:
        """The architecture of a trial that has one, as every trained trial has."""
        assert self.architecture is not None, "only legal architectures are trained"
        return self.architecture

    @property
    def digest(self) -> str:
        return self.architecture.digest if self.architecture else ""


@dataclass(frozen=True, slots=True)
class CompleteTrial(TrialRun):
    """A trial that was trained to its end: its architecture and its figures, none of which is missing.

    Attributes:
        macs, params: exact, by arithmetic.
        top1: accuracy on ``split`` after the whole training, a fraction; never NaN.
    """

    state: ClassVar[State] = "complete"

    number: int
    architecture: Architecture
    macs: int
    params: int
    top1: float

    @property
    def digest(self) -> str:
        return self.architecture.digest


_OF_RUN = tuple(own.name for own in fields(TrialRun))


def complete(records: Iterable[TrialRecord]) -> list[CompleteTrial]:
    """The trials that were trained to their end, in the order given."""
    return [trial for record in records if (trial := as_complete(record)) is not None]


def as_complete(record: TrialRecord) -> CompleteTrial | None:
    """The figures of a complete trial; ``None`` for any other, and where its accuracy is no number."""
    architecture, macs, params, top1 = record.architecture, record.macs, record.params, record.top1
    if record.state != "complete" or architecture is None or macs is None or params is None or top1 is None:
        return None
    if math.isnan(top1):
        return None
    run = {name: getattr(record, name) for name in _OF_RUN}
    return CompleteTrial(record.number, architecture, macs, params, top1, **run)


def front(done: Sequence[CompleteTrial]) -> list[CompleteTrial]:
    """The trials that no other dominates in (top1, macs), from the fewest Multi-Adds to the most."""
    return [done[i] for i in pareto.front([(trial.top1, float(trial.macs)) for trial in done])]


def best(done: Sequence[CompleteTrial], means: Mapping[str, float] = MappingProxyType({})) -> CompleteTrial | None:
    """The trial with the highest top1; of equals the one with the fewest Multi-Adds; ``None`` of none.

    Args:
        means: top1 by digest, of those that were trained again; where there are some, the best is one of them.
    """
    again = [trial for trial in done if trial.digest in means] if means else []
    if again:
        return max(again, key=lambda trial: (means[trial.digest], -trial.macs))
    return max(front(done), key=lambda trial: (trial.top1, -trial.macs), default=None)
