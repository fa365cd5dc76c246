"""How good is an architecture: one interface, and the evaluators by name. Importing this loads no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from seesaw_nas.proxies import PROXIES
from seesaw_nas.records import Epoch
from seesaw_nas.spec import Architecture

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
    """

    name: str
    input: tuple[int, int, int]
    classes: int
    n_train: int
    n_validation: int


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


class Evaluator(Protocol):
    """Scores architectures; the same architecture and seed get the same score on the same machine."""

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
