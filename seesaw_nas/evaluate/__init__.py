"""How good is an architecture: one interface, and the evaluators by name.

Importing this loads no torch; :func:`evaluator` imports the one that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol

from seesaw_nas.errors import OptionError, known
from seesaw_nas.records import Epoch
from seesaw_nas.spec import Architecture


@dataclass(frozen=True, slots=True)
class Score:
    """What an evaluator found.

    Attributes:
        top1: accuracy on ``split``, a fraction.
        loss: mean cross-entropy on ``split``; ``None`` where the evaluator has none.
        split: ``validation`` in a search.
        seconds: that it took.
        n_train, n_validation: images trained on, and scored on.
        curve: an entry an epoch of training; empty without training.
    """

    top1: float
    loss: float | None
    split: str
    seconds: float
    n_train: int
    n_validation: int
    curve: tuple[Epoch, ...] = ()


class Evaluator(Protocol):
    """Scores architectures; the same architecture and seed get the same score on the same machine."""

    def evaluate(
        self,
        architecture: Architecture,
        *,
        seed: int,
        on_epoch: Callable[[Epoch], None] | None = None,
        on_step: Callable[[int, int], None] | None = None,
    ) -> Score:
        """The score of one architecture.

        Args:
            seed: 0 or more; all randomness comes from it.
            on_epoch: called after each epoch; what it raises ends the evaluation.
            on_step: called with the steps done and the steps there are.

        Raises:
            SeesawError: the architecture cannot be scored; the message says why.
        """
        ...


EVALUATORS = {"trained": "seesaw_nas.evaluate.trained:TrainedEvaluator"}


def evaluator(name: str) -> Callable[..., Evaluator]:
    """The class of the evaluator called ``name``.

    Raises:
        OptionError: no such evaluator; the known ones are listed.
    """
    if name not in EVALUATORS:
        raise OptionError(known("evaluator", name, EVALUATORS))
    module, _, attribute = EVALUATORS[name].partition(":")
    made: Any = getattr(import_module(module), attribute)
    return made  # type: ignore[no-any-return]
