"""Hill climbing: single changes of the best architecture, or of a member of the front."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING

from seesaw_nas.search.strategies.base import ExactDraws, Setting, best_first, observed

if TYPE_CHECKING:
    from seesaw_nas.search.history.history import History

STARTUP = 8  # exact draws to choose the first one from
PATIENCE = 40  # children of one architecture without a better one; then it is left
MAX_TRIES = 30  # at a change that is new


class Local:
    """Exact draws first; then one change of the best that is not yet given up.

    With a front to find, the members are changed in turn.
    """

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._draws = ExactDraws(setting)

    def propose(self, history: History, taken: Set[str]) -> int:
        """Begin a trial of a new architecture within the budget."""
        number, records = len(history), history.records()
        found = observed(history, self._setting.levels, STARTUP)
        if len(found) >= STARTUP:
            rng = self._setting.generator(number, 2)
            tried: dict[str, int] = {}
            for record in records:
                tried[record.origin] = tried.get(record.origin, 0) + 1
            ranked = best_first(found, self._setting.objectives, self._setting.cost)
            left = [entry for entry in ranked if tried.get(_origin(entry.number), 0) < PATIENCE]
            wide = min(len(left), len(ranked) // 8 + 1) if self._setting.is_front else min(len(left), 1)
            for _ in range(MAX_TRIES if left else 0):
                parent = left[int(rng.integers(wide))]
                if (child := self._setting.feasible.mutate(parent.architecture, rng)).digest not in taken:
                    return history.add(child, _origin(parent.number))
        return history.add(self._draws.draw(number, taken), "exact draw")


def _origin(number: int) -> str:
    return f"mutation of {number}"


make = Local
