"""The interface of a strategy, and the exact draw that all of them fall back on."""

from __future__ import annotations

from collections.abc import Container
from typing import TYPE_CHECKING, Protocol

import numpy as np

from seesaw_nas.errors import BudgetError
from seesaw_nas.space import Budget, Feasible
from seesaw_nas.spec import Architecture

if TYPE_CHECKING:
    import optuna

    from seesaw_nas.search.history import History

MAX_DRAWS = 10_000  # in a row that are all known already; a space this well explored is exhausted


class Exhausted(Exception):
    """Every architecture that fits the budget has been proposed."""


class Strategy(Protocol):
    """Proposes one trial after another.

    A proposal depends on the seed, the trial's number and the trials before it, and on nothing else, so that a search
    which was killed and resumed asks what the uninterrupted one would have asked.
    """

    def propose(self, history: History, taken: frozenset[str]) -> optuna.Trial:
        """Begin the next trial in the history.

        Args:
            history: all trials so far.
            taken: digests of the architectures proposed so far.

        Raises:
            Exhausted: there is nothing new to propose.
        """
        ...


class ExactDraws:
    """New architectures within the budget, their Multi-Adds even over its upper half.

    The lower half is left out because more Multi-Adds nearly always mean a higher top-1 in this space. A band is taken
    as it is.
    """

    def __init__(self, feasible: Feasible, seed: int) -> None:
        self._whole = feasible
        self._near = self._upper_half(feasible)
        self._seed = seed

    @staticmethod
    def _upper_half(feasible: Feasible) -> Feasible:
        budget = feasible.budget
        if budget.low:
            return feasible
        try:
            return Feasible(feasible.space, Budget(budget.high // 2, budget.high))
        except BudgetError:  # every architecture that fits is cheaper than half of the budget
            return feasible

    def draw(self, number: int, taken: frozenset[str]) -> Architecture:
        """The architecture for trial ``number``, none of ``taken``.

        Raises:
            Exhausted: none is left.
        """
        rng = np.random.default_rng([self._seed, number])
        try:
            return distinct(self._near, rng, taken)
        except Exhausted:
            return distinct(self._whole, rng, taken)


def distinct(feasible: Feasible, rng: np.random.Generator, taken: Container[str]) -> Architecture:
    """An architecture, its Multi-Adds even over the budget, whose digest is none of ``taken``.

    Raises:
        Exhausted: none is left, or so few that :data:`MAX_DRAWS` draws found none.
    """
    for _ in range(MAX_DRAWS):
        if (architecture := feasible.draw_even(rng)).digest not in taken:
            return architecture
    raise Exhausted
