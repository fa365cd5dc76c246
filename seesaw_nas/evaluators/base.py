"""What every evaluator is: one interface, what it is asked, what it answers. Importing this loads no torch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.training.epoch import Epoch

if TYPE_CHECKING:
    from seesaw_nas.data import SearchData
    from seesaw_nas.evaluators.table import Table
    from seesaw_nas.space import Space
    from seesaw_nas.training.recipes import Recipe

OnEpoch = Callable[[Epoch], None]
OnStep = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Request:
    """How one architecture is to be scored.

    Attributes:
        seed: 0 or more; all randomness comes from it.
        until: the epoch, from 1, after which to pause; ``None`` for all of them. The schedule is that of a whole
            evaluation all the same.
        checkpoint: a file to go on from, where there is one, and to leave behind; who gave it deletes it.
        on_epoch: called after each epoch; what it raises ends the evaluation.
        on_step: called with the steps done and the steps there are.
    """

    seed: int
    until: int | None = None
    checkpoint: Path | None = None
    on_epoch: OnEpoch | None = None
    on_step: OnStep | None = None


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


class Evaluator(ABC):
    """Scores architectures; the same architecture and seed get the same score on the same machine.

    An evaluator may have more than the members below:

    - ``on(device)`` returns a copy on another device. Every evaluator that holds tensors has it.
    - ``with_epochs(epochs)`` returns a copy that trains by a schedule of so many epochs from its first epoch on, and
      gives a curve of them; or ``None`` where it cannot. Every evaluator that trains from scratch has it.
    - ``scores(architectures)`` returns the scores of several architectures in their order, and ``at_once`` says how
      many to ask for in one call. Only evaluators whose scores do not depend on the seed have them.
    - ``basis`` is a text of a program's own evaluator that says what its scores depend on. A search may copy scores
      from an earlier run if both evaluators have the same text.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def epochs(self) -> int:
        """Epochs of a whole evaluation; 1 if it does not train in epochs."""

    @abstractmethod
    def score(self, architecture: Architecture, request: Request) -> Score:
        """The score of one architecture.

        Raises:
            SpecError: the architecture wants other images or another number of classes, or is in no space of the
                evaluator's.
            TrainingFailed: the score is no finite number, or memory ran out.
        """

    @abstractmethod
    def estimate(self, architecture: Architecture) -> float:
        """Seconds that a whole evaluation will take, roughly; 0 where that is not known."""

    @final
    def evaluate(
        self,
        architecture: Architecture,
        *,
        seed: int,
        until: int | None = None,
        checkpoint: Path | None = None,
        on_epoch: OnEpoch | None = None,
        on_step: OnStep | None = None,
    ) -> Score:
        """The score of one architecture; arguments as of :class:`Request`, errors as of :meth:`score`."""
        return self.score(architecture, Request(seed, until, checkpoint, on_epoch, on_step))


@dataclass(frozen=True, slots=True)
class EvaluatorSetting:
    """What an evaluator is made for.

    Attributes:
        name: by which it was asked for, such as ``proxy:snip``.
        space: that the architectures are from.
        recipe: of a trial, with its epochs.
        curve: whether every epoch is validated, not the last one alone.
        data: the images, on the CPU; ``None`` where a table stands for them.
        supernet: folder of a trained one; ``None`` for none.
        table: of recorded trainings; ``None`` for none.
    """

    name: str
    space: Space
    recipe: Recipe
    curve: bool = True
    data: SearchData | None = None
    supernet: Path | None = None
    table: Table | None = None

    @property
    def images(self) -> SearchData:
        """The images, for an evaluator that needs no table."""
        assert self.data is not None, f"images are loaded for evaluator {self.name}"
        return self.data
