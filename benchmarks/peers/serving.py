"""The side of a toolkit in an environment of its own: questions and answers, one JSON object a line.

Imports nothing of this project, so that the environment needs the toolkit alone.
"""

from __future__ import annotations

import json
import logging
import os
import random
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

OBJECTIVES = ("error", "share")  # both to be minimised


@dataclass(frozen=True)
class Setting:
    """A search: its algorithm, its seed, the choices for each gene, and the epochs of a whole training."""

    algorithm: str
    seed: int
    choices: dict[str, list[str]]
    epochs: int


class Search(Protocol):
    """An algorithm of the toolkit."""

    def ask(self) -> dict:
        """``number``, ``genotype`` and ``until``, as of ``outside.Job``."""

    def tell(self, number: int, until: int, error: float, share: float) -> None:
        """The result of the training that was asked for."""


def serve(algorithms: Mapping[str, Callable[[Setting], Search]], version: str) -> None:
    """Answer until the input ends. What a toolkit prints goes to standard error."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    logging.disable(logging.WARNING)
    search: Search | None = None
    for line in sys.stdin:
        message = json.loads(line)
        answer: dict = {}
        if "start" in message:
            setting = Setting(**message["start"])
            _seed(setting.seed)
            search = algorithms[setting.algorithm](setting)
            answer = {"version": version}
        elif "ask" in message:
            answer = search.ask()
        else:
            search.tell(**message["tell"])
        out.write(json.dumps(answer) + "\n")
        out.flush()


def _seed(seed: int) -> None:
    """Seed every generator that a toolkit may draw from beside the one that it is given.

    A toolkit that imports torch later seeds it itself.
    """
    random.seed(seed)
    np.random.seed(seed)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)
