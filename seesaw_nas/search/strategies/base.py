"""The interface of a strategy, and what several of them share."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence, Set
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from seesaw_nas import pareto
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import BudgetError
from seesaw_nas.search import objectives
from seesaw_nas.search.records import CompleteTrial, TrialRecord
from seesaw_nas.space import Feasible
from seesaw_nas.space.budget import Bound
from seesaw_nas.space.costs import MACS, Cost

if TYPE_CHECKING:
    from seesaw_nas.search.estimates.live import Live
    from seesaw_nas.search.history.history import History

MAX_DRAWS = 20  # in a row that are all known already; then one of those that are left is drawn, whatever its cost
PATIENCE = 5  # proposals in a row that were known already or outside the budget


class Exhausted(Exception):
    """Every architecture that fits the budget has been proposed."""


class Strategy(Protocol):
    """Proposes one trial after another.

    A proposal depends on the seed, the trial's number and the trials before it, and on nothing else, so that a search
    which was killed and resumed asks what the uninterrupted one would have asked. One that looks at no result says so
    by ``learns = False``: then several proposals may be asked for before any is told.
    """

    def propose(self, history: History, taken: Set[str]) -> int:
        """Begin the next trial in the history; returns its number.

        Args:
            history: all trials so far.
            taken: digests of the architectures whose training was begun.

        Raises:
            Exhausted: there is nothing new to propose.
        """
        ...


@dataclass(frozen=True)
class Setting:
    """What a strategy is made for.

    Attributes:
        objectives: ``front``, ``top1``, or ``top1`` with a cost (:mod:`seesaw_nas.search.objectives`).
        levels: epochs at which trials may pause, ascending; the last is a whole training.
        cheap: a score of any architecture, far cheaper than a training, more is better; such as inherited accuracy.
        accuracies: whether what trials score is top-1 of trainings, as a fraction, and no other measure.
        live: the estimates that the search shares; a strategy that wants them makes its own without.
        cost: what a front sets top-1 against.
    """

    feasible: Feasible
    seed: int
    objectives: str = "front"
    levels: tuple[int, ...] = (1,)
    cheap: Callable[[Architecture], float] | None = None
    accuracies: bool = True
    live: Live | None = None
    cost: Cost = MACS

    @property
    def is_front(self) -> bool:
        """Whether a front is sought, and not top-1 alone."""
        return objectives.is_front(self.objectives)

    @property
    def front(self) -> Bound:
        """What networks may cost by the cost of the front, which is the costliest of the space if it is not bounded."""
        found = self.feasible.budget.of(self.cost)
        return found or Bound(self.cost, 0, self.feasible.space.costliest(self.cost))

    def generator(self, number: int, purpose: int = 0) -> np.random.Generator:
        """Randomness for one trial; other purposes get their own."""
        return np.random.default_rng([self.seed, number, purpose] if purpose else [self.seed, number])


@dataclass(frozen=True, slots=True)
class Observed:
    """A trained architecture, and its top-1 at an epoch that those compared with it have reached too.

    Attributes:
        number: of its trial.
    """

    number: int
    architecture: Architecture
    macs: int
    top1: float

    @classmethod
    def at_end(cls, trial: CompleteTrial) -> Observed:
        """A trial after its whole training."""
        return cls(trial.number, trial.architecture, trial.macs, trial.top1)

    @classmethod
    def at_level(cls, record: TrialRecord, level: int) -> Observed | None:
        """A trial after ``level`` epochs; ``None`` where it has not come so far, or was not evaluated there."""
        architecture, macs = record.architecture, record.macs
        if architecture is None or macs is None or record.state == "duplicate" or len(record.curve) < level:
            return None
        top1 = record.curve[level - 1].top1
        return None if top1 is None else cls(record.number, architecture, macs, top1)


def observed(history: History, levels: Sequence[int], least: int, last: int = 0) -> list[Observed]:
    """What can be compared, by number: the trials that reached the highest level that ``least`` of them have reached.

    Without pauses these are the complete ones. Where no level has as many, it is the lowest one.

    Args:
        last: only so many, the youngest; 0 for all.
    """
    if len(history.complete) >= least or len(levels) == 1:
        return [Observed.at_end(trial) for trial in history.complete[-last:]]
    done: list[Observed] = []
    for level in reversed(levels[:-1]):
        reached = (Observed.at_level(record, level) for record in history.records())
        done = [one for one in reached if one is not None]
        if len(done) >= least:
            break
    return done[-last:]


def best_first(found: Sequence[Observed], sought: str, cost: Cost = MACS) -> list[Observed]:
    """By non-dominated rank and crowding distance over (top1, cost); or by top-1, then fewest Multi-Adds.

    Args:
        sought: the objectives.
    """
    points = [(entry.top1, float(objectives.amount(cost, entry))) for entry in found]
    if objectives.is_front(sought):
        return [found[i] for i in pareto.order(points)]
    return [found[i] for i in sorted(range(len(found)), key=lambda i: (-points[i][0], points[i][1], i))]


def is_stuck(records: Sequence[TrialRecord]) -> bool:
    """Whether none of the last :data:`PATIENCE` proposals was to be trained; then one exact draw helps, or the end."""
    last = records[-PATIENCE:]
    return len(last) == PATIENCE and all(record.state in ("infeasible", "duplicate") for record in last)


class ExactDraws:
    """New architectures within the budget, their Multi-Adds even over all of it; for top-1 alone, over its upper half.

    The lower half is then left out because more Multi-Adds nearly always mean a higher top-1 in this space. A band is
    taken as it is.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        near = not setting.is_front
        self._near = self._upper_half(setting.feasible) if near else setting.feasible

    @staticmethod
    def _upper_half(feasible: Feasible) -> Feasible:
        budget = feasible.budget
        if budget.low or not budget.by_macs:
            return feasible
        try:
            return Feasible(feasible.space, replace(budget, low=budget.high // 2))
        except BudgetError:  # every architecture that fits is cheaper than half of the budget
            return feasible

    def require_new(self, taken: Collection[str]) -> None:
        """Raise :class:`Exhausted` if every architecture that fits is taken; exact, and at once."""
        if self._setting.feasible.is_used_up(taken):
            raise Exhausted

    def draw(self, number: int, taken: Collection[str]) -> Architecture:
        """The architecture for trial ``number``, none of ``taken``.

        Raises:
            Exhausted: none is left.
        """
        rng = self._setting.generator(number)
        try:
            return distinct(self._near, rng, taken)
        except Exhausted:
            return distinct(self._setting.feasible, rng, taken)


def distinct(feasible: Feasible, rng: np.random.Generator, taken: Collection[str]) -> Architecture:
    """A fair draw, its Multi-Adds even over the budget, whose digest is none of ``taken``.

    Where :data:`MAX_DRAWS` such draws find none, as where nearly all costs stand in a few bunches, it is one of all
    that are left, each equally likely.

    Raises:
        Exhausted: every architecture that fits is taken; known from the exact count, without a draw.
    """
    if feasible.is_used_up(taken):
        raise Exhausted
    for _ in range(MAX_DRAWS):
        if (architecture := feasible.draw_fair(rng)).digest not in taken:
            return architecture
    if (left := feasible.draw_new(rng, taken)) is None:
        raise Exhausted
    return left
