"""How good is an architecture: the evaluators by name. Importing this loads no torch.

An evaluator is one file in this package, with a function ``make`` that takes an :class:`EvaluatorSetting`, and one line
of :data:`EVALUATORS`.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass

from seesaw_nas.core.errors import OptionError, known
from seesaw_nas.evaluators.attempt import Failure, at_once, attempt, attempt_together, on_device, shortened
from seesaw_nas.evaluators.base import Evaluator, EvaluatorSetting, Request, Score
from seesaw_nas.evaluators.proxies import PROXIES
from seesaw_nas.evaluators.subject import Subject

__all__ = [
    "EVALUATORS",
    "PROXY",
    "SUPERNET",
    "TABLE",
    "Evaluator",
    "EvaluatorEntry",
    "EvaluatorSetting",
    "Failure",
    "Request",
    "Score",
    "Subject",
    "at_once",
    "attempt",
    "attempt_together",
    "gives_accuracy",
    "is_truth",
    "make",
    "needs",
    "on_device",
    "shortened",
    "that_need",
    "trains",
]

PROXY = "proxy:"  # before the name of one of PROXIES
SUPERNET, TABLE = "supernet", "table"  # what an evaluator may need; the settings name the folder or the file


@dataclass(frozen=True, slots=True)
class EvaluatorEntry:
    """A line of the registry.

    Attributes:
        what: the evaluator does with an architecture, in words.
        module: its file in this package, loaded when it is made.
        needs: ``SUPERNET``, or ``TABLE`` in place of images; empty for images alone.
        trains: whether it takes steps of a recipe.
        is_truth: whether its scores are trainings from scratch, which an audit holds others against.
    """

    what: str
    module: str
    needs: str = ""
    trains: bool = False
    is_truth: bool = False


EVALUATORS = {
    "trained": EvaluatorEntry("trains each architecture from scratch", "trained", trains=True, is_truth=True),
    "table": EvaluatorEntry("answers from a file of recorded trainings", "recorded", needs=TABLE, is_truth=True),
    "inherited": EvaluatorEntry("takes over a supernet's weights, without training", "inherited", needs=SUPERNET),
    "tuned": EvaluatorEntry("takes over a supernet's weights and trains on", "tuned", needs=SUPERNET, trains=True),
} | {PROXY + name: EvaluatorEntry(f"trains nothing: {what}", "proxy") for name, what in PROXIES.items()}


def make(name: str, setting: EvaluatorSetting) -> Evaluator:
    """The evaluator of this name, on the CPU.

    Raises:
        OptionError: there is no such evaluator; the known ones are listed.
        SeesawError: a file that it needs cannot be read.
    """
    if name not in EVALUATORS:
        raise OptionError(known("evaluator", name, EVALUATORS))
    module = importlib.import_module(f"{__name__}.{EVALUATORS[name].module}")
    evaluator: Evaluator = module.make(setting)
    return evaluator


def needs(name: str) -> str:
    """What the evaluator of this name needs beside images; empty for nothing, and for a program's own one."""
    return EVALUATORS[name].needs if name in EVALUATORS else ""


def describe(name: str) -> str:
    """What an evaluator does with an architecture, in words; a program's own one is an object that says no more."""
    return EVALUATORS[name].what if name in EVALUATORS else "an object of the program"


def is_trained(name: str) -> bool:
    """Whether top-1 is that of networks trained by the recipe, here or before; true for a program's own evaluator."""
    return name not in EVALUATORS or EVALUATORS[name].trains or EVALUATORS[name].is_truth


def is_truth(name: str) -> bool:
    """Whether top-1 is that of trainings from scratch, here or before; false for a program's own evaluator."""
    return name in EVALUATORS and EVALUATORS[name].is_truth


def gives_accuracy(name: str) -> bool:
    """Whether scores are top-1 of networks, and not a proxy's; true for a program's own evaluator."""
    return not name.startswith(PROXY)


def trains(name: str) -> bool:
    """Whether the evaluator of this name takes steps of a recipe; false for a program's own one, which is unknown."""
    return name in EVALUATORS and EVALUATORS[name].trains


def that_need(what: str) -> tuple[str, ...]:
    """The evaluators that need a ``SUPERNET`` or a ``TABLE``."""
    return tuple(name for name, entry in EVALUATORS.items() if entry.needs == what)
