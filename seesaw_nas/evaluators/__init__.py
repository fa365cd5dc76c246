"""How good is an architecture: one interface, and the evaluators by name. Importing this loads no torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import OutOfMemory, TrainingFailed
from seesaw_nas.evaluators.proxies import PROXIES
from seesaw_nas.training import memory
from seesaw_nas.training.epoch import Epoch

if TYPE_CHECKING:
    import torch

Result = TypeVar("Result")
PROXY = "proxy:"  # before the name of one of PROXIES
EVALUATORS = {
    "trained": "trains each architecture from scratch",
    "table": "answers from a file of recorded trainings",
    "inherited": "takes over a supernet's weights, without training",
    "tuned": "takes over a supernet's weights and trains on",
} | {PROXY + name: f"trains nothing: {what}" for name, what in PROXIES.items()}

TRAINING = ("trained", "tuned")  # evaluators that take steps of a recipe


@dataclass(frozen=True, slots=True)
class Subject:
    """What architectures are trained on and scored by.

    Attributes:
        name: of the data set.
        input: shape of an image, (channels, height, width).
        classes: how many there are.
        n_train, n_validation: images to train on, and to score on.
        class_names: in the order of the labels; empty where they are not known.
        mean, validation_mean: of each channel, in units of 0..1, over all training images (a sample where they are
            streamed) and over those to score on; empty where they are not known.
        streamed: whether images are decoded anew for every epoch; ``None`` where that is not known.
    """

    name: str
    input: tuple[int, int, int]
    classes: int
    n_train: int
    n_validation: int
    class_names: tuple[str, ...] = ()
    mean: tuple[float, ...] = ()
    validation_mean: tuple[float, ...] = ()
    streamed: bool | None = None

    @property
    def record(self) -> dict[str, Any]:
        """What a run notes of its images, in JSON values; empty where nothing is read of them."""
        if not self.n_train:
            return {}
        found = {
            "dataset": self.name,
            "input": list(self.input),
            "classes": list(self.class_names),
            "n_train": self.n_train,
            "n_validation": self.n_validation,
            "mean": list(self.mean),
            "validation_mean": list(self.validation_mean),
        }
        return found if self.streamed is None else found | {"streamed": self.streamed}


@dataclass(frozen=True, slots=True)
class Score:
    """What an evaluator found.

    Attributes:
        top1: accuracy on ``split``, a fraction.
        split: ``validation`` in a search.
        seconds: that it took.
        curve: an entry an epoch of training; empty without training.
        note: what else is to be known of the figure; empty for none.
    """

    top1: float
    split: str
    seconds: float
    curve: tuple[Epoch, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an evaluation has no score.

    Attributes:
        reason: in one line.
        out_of_memory: whether it may succeed where nothing else runs.
    """

    reason: str
    out_of_memory: bool = False


class Evaluator(Protocol):
    """Scores architectures; the same architecture and seed get the same score on the same machine.

    One that holds tensors has a method ``on(device)``, too: the same with copies of them on another device. One to
    which seeds mean nothing may have a method ``scores(architectures)``, which gives what :meth:`evaluate` gives of
    each, in order, and ``at_once``: how many of them it is to be asked for at a time. A user's own one may have an
    attribute ``basis``, a text that says what its scores rest on: those of two runs whose evaluators say the same may
    be taken over from one to the other.
    """

    @property
    def epochs(self) -> int:
        """Of a whole evaluation; 1 where there is no training in epochs."""
        ...

    def evaluate(
        self,
        architecture: Architecture,
        *,
        seed: int,
        until: int | None = None,
        checkpoint: Path | None = None,
        on_epoch: Callable[[Epoch], None] | None = None,
        on_step: Callable[[int, int], None] | None = None,
    ) -> Score:
        """The score of one architecture.

        Args:
            seed: 0 or more; all randomness comes from it.
            until: the epoch, from 1, after which to pause; all of them when it is left out. The schedule is that of
                a whole evaluation all the same.
            checkpoint: a file to go on from, where there is one, and to leave behind; who gave it deletes it.
            on_epoch: called after each epoch; what it raises ends the evaluation.
            on_step: called with the steps done and the steps there are.

        Raises:
            SeesawError: the architecture cannot be scored; the message says why.
        """
        ...

    def estimate(self, architecture: Architecture) -> float:
        """Seconds that a whole evaluation will take, roughly."""
        ...


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


def on_device(evaluator: Evaluator, device: torch.device | str) -> Evaluator:
    """The same evaluator on a device; one without ``on`` holds nothing that lies on one, and is the same everywhere.

    Evaluators travel to other processes on the CPU, and each process puts its copy on its own device: a tensor on a
    GPU would be shared by handle, by a process that then works on that GPU, too.
    """
    move: Any = getattr(evaluator, "on", None)
    moved: Evaluator = move(device) if move else evaluator
    return moved
