"""What a search is about to do: how much there is to choose from, and how long it will take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seesaw_nas.evaluators import on_device
from seesaw_nas.evaluators.words import TIMED_STEP, words
from seesaw_nas.space import Budget, Feasible
from seesaw_nas.training import memory
from seesaw_nas.workflows.problem import Problem

if TYPE_CHECKING:
    from seesaw_nas.architecture.spec import Architecture
    from seesaw_nas.search.halving import Halving
    from seesaw_nas.search.listener import Listener


@dataclass(frozen=True)
class Plan:
    """What a search is about to do, known before any training.

    Attributes:
        space_size, fitting: architectures in the space, and of those within the budget; both exact.
        cheapest_macs: of the whole space.
        median_macs: of those within the budget.
        epochs: of all trials, those that are stopped early included.
        whole_epochs: of a trial that is not.
        trial_seconds: of a whole evaluation, estimated for an architecture of median cost.
        reserves: what the engine gives each trial, in words; empty where trials are trained in this process.
    """

    space_size: int
    fitting: int
    cheapest_macs: int
    median_macs: int
    trial_seconds: float
    trials: int
    epochs: int
    whole_epochs: int
    reserves: str = ""

    @property
    def seconds(self) -> float:
        """Of all trials together."""
        return self.trial_seconds * self.epochs / self.whole_epochs


def plan(
    problem: Problem,
    trials: int,
    halving: Halving,
    reserves: str = "",
    listener: Listener | None = None,
    *,
    repeats: bool = False,
) -> Plan:
    """Count, and estimate how long an architecture of median cost takes; ``trials`` are left, as far as so many fit.

    Args:
        reserves: as of :class:`Plan`.
        listener: told that a step is timed.
        repeats: whether architectures are trained more than once, so that there may be more trainings than fit.
    """
    import numpy as np

    feasible = problem.feasible
    trials = trials if repeats else min(trials, feasible.count)
    timed = words(problem.settings.scoring.evaluator).timed
    if listener is not None and timed:
        listener.doing("timing a step" if timed == TIMED_STEP else "timing a score")
    median = feasible.median_macs
    typical = Feasible(problem.space, Budget(median, median)).draw(
        np.random.default_rng(problem.settings.training.seed)
    )
    return Plan(
        space_size=problem.space.size,
        fitting=feasible.count,
        cheapest_macs=problem.space.cheapest_macs,
        median_macs=median,
        trial_seconds=_estimate(problem, typical),
        trials=trials,
        epochs=halving.planned_epochs(trials),
        whole_epochs=problem.evaluator.epochs,
        reserves=reserves,
    )


def _estimate(problem: Problem, typical: Architecture) -> float:
    """Seconds of one evaluation on the device; where other processes are to train there, all memory is given back."""
    if problem.settings.trains_here:
        return problem.placed.estimate(typical)
    try:
        return on_device(problem.evaluator, problem.device).estimate(typical)
    finally:
        memory.release()
