"""What a search is about to do: how much there is to choose from, and how long each part of it will take."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seesaw_nas.core import markup, threads
from seesaw_nas.core.units import format_duration, format_large
from seesaw_nas.evaluators.words import TIMED_STEP, words
from seesaw_nas.search import engines
from seesaw_nas.space.costs import MACS
from seesaw_nas.training.timing import Line
from seesaw_nas.workflows.pricing import Part, ending, price, price_steps
from seesaw_nas.workflows.problem import Problem

if TYPE_CHECKING:
    from seesaw_nas.architecture.spec import Architecture
    from seesaw_nas.search.halving import Halving
    from seesaw_nas.search.listener import Listener
    from seesaw_nas.workflows.shared_plan import Step


NOTHING = Line(0.0, 0.0)


@dataclass(frozen=True)
class Plan:
    """What a search is about to do, known before any training.

    Attributes:
        space_size, fitting: architectures in the space, and of those within the budget; both exact.
        cheapest, median: what the cheapest of the whole space costs, and the median of those within the budget, by
            the budget's lead: in Multi-Adds, where these are bounded.
        most: architectures within the budget at most, where several costs had to be rounded up to count them.
        epochs: of all trials, those that are short or stopped early included.
        whole_epochs: of a trial that is not.
        trial_seconds: of a whole evaluation, the mean over architectures that the strategy asks for.
        short_trials: trainings by a schedule of ``short_epochs`` epochs beside ``trials`` whole ones.
        reserves: what the engine gives each trial, in words; empty where trials are trained in this process.
        lanes: trials that are trained at a time without slowing each other down.
        before, after: the other parts of the search: steps of plan ``shared``; the best again, and the front timed.
        time_limit: seconds after which no further trial begins; ``None`` for none.
        threads: that trials are trained with, and why, in words; empty where the engine says so, or on a GPU.
        line: seconds of a whole evaluation by Multi-Adds.
        unit: of ``cheapest`` and ``median``.
    """

    space_size: int
    fitting: int
    cheapest: int
    median: int
    trial_seconds: float
    trials: int
    epochs: int
    whole_epochs: int
    reserves: str = ""
    short_trials: int = 0
    short_epochs: int = 0
    lanes: int = 1
    before: tuple[Part, ...] = ()
    after: tuple[Part, ...] = ()
    time_limit: float | None = None
    threads: str = ""
    line: Line = NOTHING
    unit: str = "Multi-Adds"
    most: int = 0

    @property
    def trials_seconds(self) -> float:
        """Of all trials together, without a time limit."""
        many = self.trials + self.short_trials
        rounds = math.ceil(many / self.lanes) / many if many else 0.0
        return self.trial_seconds * self.epochs / self.whole_epochs * rounds

    @property
    def _before_seconds(self) -> float:
        return sum(part.seconds for part in self.before)

    @property
    def seconds(self) -> float:
        """Of everything: other parts, trials as far as the time limit lets them begin, and what follows them."""
        work = self._before_seconds + self.trials_seconds
        if self.is_limited and self.time_limit is not None:
            if self._before_seconds > self.time_limit:
                return self.time_limit  # a search that ends in an earlier stage has nothing to train again
            work = self.time_limit + min(self.trial_seconds, self.trials_seconds) / 2  # the last one goes to its end
        return work + sum(part.seconds for part in self.after)

    @property
    def is_limited(self) -> bool:
        """Whether the time limit is reached before all trials are done."""
        work = self._before_seconds + self.trials_seconds
        return self.time_limit is not None and work > self.time_limit

    @property
    def within_limit(self) -> int:
        """Whole trials that the time limit has room for; all of them without."""
        if not self.is_limited or self.time_limit is None:
            return self.trials
        rest = self.time_limit - self._before_seconds
        return max(0, min(self.trials, math.ceil(self.trials * rest / self.trials_seconds)))

    def __repr__(self) -> str:
        """``<Plan: 16 trials of about 8 s, 2 min 03 s in all; 1.56e14 of 1.77e14 architectures fit>``."""
        each, whole = format_duration(self.trial_seconds), format_duration(self.seconds)
        fit = f"{format_large(self.fitting)} of {format_large(self.space_size)} architectures fit"
        return f"<Plan: {self.trials} trials of about {each}, {whole} in all; {fit}>"

    def _repr_html_(self) -> str:
        rows = [
            ("architectures in the space", format_large(self.space_size)),
            ("of these within the budget", format_large(self.fitting)),
            (f"{self.unit} of the cheapest", format_large(self.cheapest)),
            (f"{self.unit} of the median within the budget", format_large(self.median)),
            ("trials", self.trials),
            ("seconds of a whole trial, about", round(self.trial_seconds, 1)),
            *((f"seconds of {part.what}, about", round(part.seconds, 1)) for part in (*self.before, *self.after)),
            ("seconds in all, about", round(self.seconds, 1)),
        ]
        return markup.table("Plan", (), [*rows, *([("each reserves", self.reserves)] if self.reserves else [])])


def plan(
    problem: Problem,
    trials: int,
    halving: Halving,
    reserves: str = "",
    listener: Listener | None = None,
    *,
    short: int = 0,
    architectures: Sequence[Architecture] = (),
    steps: Sequence[Step] = (),
    repeated: int = 0,
    trained: int = 0,
    time_limit: float | None = None,
) -> Plan:
    """Count, and estimate how long everything takes; ``trials`` are left, as far as so many fit.

    Args:
        short: how many short trainings there are beside, where the settings say of how many epochs.
        reserves, time_limit: as of :class:`Plan`.
        listener: told that steps are timed.
        architectures: what is trained, one entry a training, where that is known; there may be more than fit.
        steps: of plan ``shared`` that come before.
        repeated, trained: repeats of the best, and trials, that were done before, where this goes on.
    """
    feasible, settings = problem.feasible, problem.settings
    short_epochs = int(settings.proposals.short_epochs) if short else 0
    trials = len(architectures) if architectures else min(trials, feasible.count)
    timed = words(settings.scoring.evaluator).timed
    if listener is not None and timed:
        listener.doing("timing steps" if timed == TIMED_STEP else "timing scores")
    paid = price(problem, architectures, trained, trials + short)
    return Plan(
        space_size=problem.space.size,
        fitting=feasible.count,
        cheapest=problem.space.cheapest(feasible.lead.cost),
        median=feasible.median,
        trial_seconds=paid.mean,
        trials=trials,
        epochs=halving.planned_epochs(trials) + short * short_epochs,
        whole_epochs=problem.evaluator.epochs,
        reserves=reserves,
        short_trials=short,
        short_epochs=short_epochs,
        lanes=max(1, min(engines.lanes(settings, problem.device).count, trials + short)),
        before=tuple(price_steps(problem, steps, paid)),
        after=() if architectures else tuple(ending(problem, paid, trials + trained, repeated)),
        time_limit=time_limit,
        threads=str(threads.current()) if timed and settings.trains_here and problem.device.type == "cpu" else "",
        line=paid.line,
        unit="Multi-Adds" if feasible.lead.cost == MACS else feasible.lead.cost.name,
        most=feasible.most,
    )
