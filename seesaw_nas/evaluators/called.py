"""A user's own function as an evaluator."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import TrainingFailed
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
