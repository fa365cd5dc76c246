"""What a search is about to do: how much there is to choose from, and how long it will take."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from seesaw_nas.core import markup
from seesaw_nas.core.units import format_duration, format_large
from seesaw_nas.evaluators import on_device
from seesaw_nas.space import Budget, Feasible
from seesaw_nas.training import memory
from seesaw_nas.workflows.problem import Problem

if TYPE_CHECKING:
    from seesaw_nas.architecture.spec import Architecture
    from seesaw_nas.search.halving import Halving


@dataclass(frozen=True)
class Plan:
    """What a search is about to do, known before any training.

    Attributes:
        space_size, fitting: architectures in the space, and of those within the budget; both exact.
        cheapest_macs: of the whole space.
        median_macs: of those within the budget.
        epochs: of all trials, those that are short or stopped early included.
        whole_epochs: of a trial that is not.
        trial_seconds: of a whole evaluation, estimated for an architecture of median cost.
        short_trials: trainings by a schedule of ``short_epochs`` epochs beside ``trials`` whole ones.
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
    short_trials: int = 0
    short_epochs: int = 0

    @property
    def seconds(self) -> float:
        """Of all trials together."""
        return self.trial_seconds * self.epochs / self.whole_epochs

    def __repr__(self) -> str:
        """``<Plan: 16 trials of about 8 s, 2 min 03 s in all; 1.56e14 of 1.77e14 architectures fit>``."""
        each, whole = format_duration(self.trial_seconds), format_duration(self.seconds)
        fit = f"{format_large(self.fitting)} of {format_large(self.space_size)} architectures fit"
        return f"<Plan: {self.trials} trials of about {each}, {whole} in all; {fit}>"

    def _repr_html_(self) -> str:
        rows = [
            ("architectures in the space", format_large(self.space_size)),
            ("of these within the budget", format_large(self.fitting)),
            ("Multi-Adds of the cheapest", format_large(self.cheapest_macs)),
            ("Multi-Adds of the median within the budget", format_large(self.median_macs)),
            ("trials", self.trials),
            ("seconds of a whole trial, about", round(self.trial_seconds, 1)),
            ("seconds in all, about", round(self.seconds, 1)),
        ]
        return markup.table("Plan", (), [*rows, *([("each reserves", self.reserves)] if self.reserves else [])])


def plan(problem: Problem, trials: int, halving: Halving, reserves: str = "", *, short: int = 0) -> Plan:
    """Count, and estimate how long an architecture of median cost takes; ``trials`` are still to be trained.

    Args:
        short: how many short trainings there are beside, where the settings say of how many epochs.
        reserves: as of :class:`Plan`.
    """
    import numpy as np

    feasible, asked = problem.feasible, problem.settings.proposals.short_epochs
    short_epochs = int(asked) if short else 0
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
        epochs=halving.planned_epochs(trials) + short * short_epochs,
        whole_epochs=problem.evaluator.epochs,
        reserves=reserves,
        short_trials=short,
        short_epochs=short_epochs,
    )


def _estimate(problem: Problem, typical: Architecture) -> float:
    """Seconds of one evaluation on the device; where other processes are to train there, all memory is given back."""
    if problem.settings.trains_here:
        return problem.placed.estimate(typical)
    try:
        return on_device(problem.evaluator, problem.device).estimate(typical)
    finally:
        memory.release()
