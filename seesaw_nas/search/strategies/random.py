"""Exact draws: every proposal is new and within the budget."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seesaw_nas.search.strategies.base import ExactDraws
from seesaw_nas.space import Feasible

if TYPE_CHECKING:
    import optuna

    from seesaw_nas.search.history import History


class Random:
    """One exact draw a trial."""

    def __init__(self, feasible: Feasible, seed: int) -> None:
        self._draws = ExactDraws(feasible, seed)

    def propose(self, history: History, taken: frozenset[str]) -> optuna.Trial:
        """Begin a trial of a new architecture."""
        return history.add(self._draws.draw(len(history), taken))


make = Random
