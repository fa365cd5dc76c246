"""Exact draws: every proposal is new and within the budget."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING

from seesaw_nas.search.strategies.base import ExactDraws, Setting

if TYPE_CHECKING:
    from seesaw_nas.search.history.history import History


class Random:
    """One exact draw a trial."""

    learns = False

    def __init__(self, setting: Setting) -> None:
        self._draws = ExactDraws(setting)

    def propose(self, history: History, taken: Set[str]) -> int:
        """Begin a trial of a new architecture."""
        return history.add(self._draws.draw(len(history), taken), "exact draw")


make = Random
