"""A user's own function as an evaluator."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import OptionError, TrainingFailed
from seesaw_nas.evaluators.base import Evaluator, Request, Score

Function = Callable[[Architecture, int], float]


@dataclass(frozen=True, slots=True)
class CalledEvaluator(Evaluator):
    """Scores by a function of an architecture and a seed; more is better, as with top-1.

    What the function raises ends the search, but for :class:`TrainingFailed`, which ends the trial, and for what
    a :class:`seesaw_nas.evaluators.catching.CatchingEvaluator` around this one catches.
    """

    function: Function

    @property
    def epochs(self) -> int:
        return 1

    def score(self, architecture: Architecture, request: Request) -> Score:
        """What the function returns.

        Raises:
            TrainingFailed: it is no finite number, or the function says so.
        """
        started = time.monotonic()
        found = self.function(architecture, request.seed)
        try:
            value = float(found)  # also of a NumPy scalar, or of a tensor with one entry
        except (TypeError, ValueError):
            value = math.nan
        if not math.isfinite(value):
            raise TrainingFailed(f"the evaluator returned {found!r}, wanted a finite number")
        return Score(value, "validation", time.monotonic() - started)

    def estimate(self, architecture: Architecture) -> float:
        """Not known."""
        return 0.0


def as_evaluator(value: Any) -> Evaluator:
    """What a program passes: an object with ``evaluate`` as it is, a function as a :class:`CalledEvaluator`.

    Raises:
        OptionError: it is a class, nothing that can be called, or a function that does not take two arguments.
    """
    wanted = "evaluator wants a name, a function of an architecture and a seed, or an object of a subclass of Evaluator"
    if isinstance(value, type):
        raise OptionError(f"{wanted}; got the class {value.__name__}: make an object of it, {value.__name__}(...)")
    if hasattr(value, "evaluate"):
        return value  # type: ignore[no-any-return]  # duck typing is promised
    if not callable(value):
        raise OptionError(f"{wanted}; got {value!r}")
    try:
        signature = inspect.signature(value)
    except ValueError:  # written in C, says nothing of its arguments
        return CalledEvaluator(value)
    try:
        signature.bind(None, None)
    except TypeError:
        name = getattr(value, "__name__", type(value).__name__)
        raise OptionError(f"{wanted}; got {name}{signature}, which cannot be called with these two") from None
    return CalledEvaluator(value)
