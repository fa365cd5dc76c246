"""Evaluations that may fail, those of several architectures at once, and evaluators on other devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import OutOfMemory, TrainingFailed
from seesaw_nas.evaluators.base import Evaluator, Score
from seesaw_nas.training import memory

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an evaluation has no score.

    Attributes:
        reason: in one line.
        out_of_memory: whether it may succeed where nothing else runs.
    """

    reason: str
    out_of_memory: bool = False


def at_once(evaluator: Evaluator) -> int:
    """How many architectures an evaluator is to be asked for at a time."""
    return int(getattr(evaluator, "at_once", 1))


def attempt_together(evaluator: Evaluator, architectures: Sequence[Architecture]) -> list[Score]:
    """The scores of several architectures; none where each is to be tried by itself, as after a failure of one."""
    if len(architectures) == 1:
        return []
    scores: Callable[[Sequence[Architecture]], list[Score]] = evaluator.scores  # type: ignore[attr-defined]
    found = attempt(lambda: scores(architectures))
    return [] if isinstance(found, Failure) else found


def attempt(evaluation: Callable[[], Result]) -> Result | Failure:
    """What an evaluation comes to; after memory ran out, all that it held is given back."""
    found = _attempt(evaluation)
    if isinstance(found, Failure) and found.out_of_memory:
        memory.release()  # not before the exception is gone, whose frames hold the model
    return found


def _attempt(evaluation: Callable[[], Result]) -> Result | Failure:
    try:
        with memory.explain_evaluator_memory():
            return evaluation()
    except TrainingFailed as failure:
        return Failure(str(failure), isinstance(failure, OutOfMemory))


def shortened(evaluator: Evaluator, epochs: int) -> Evaluator | None:
    """The same evaluator by a schedule of so many epochs, 0 for its own; ``None`` where it has none such."""
    if not epochs:
        return evaluator
    with_epochs: Any = getattr(evaluator, "with_epochs", None)
    found: Evaluator | None = with_epochs(epochs) if with_epochs else None
    return found


def on_device(evaluator: Evaluator, device: torch.device | str) -> Evaluator:
    """The same evaluator on a device; one without ``on`` holds nothing that lies on one, and is the same everywhere.

    Evaluators travel to other processes on the CPU, and each process puts its copy on its own device: a tensor on a
    GPU would be shared by handle, by a process that then works on that GPU, too.
    """
    move: Any = getattr(evaluator, "on", None)
    moved: Evaluator = move(device) if move else evaluator
    return moved
