"""Regularised evolution (Real et al. 2019, arXiv:1802.01548) with moves that keep to the budget.

A parent is the best of a few drawn from the youngest trained architectures; its child is a neighbour within the budget,
now and then of a mixture with a second parent. Old parents drop out however good they are, so that one lucky training
cannot lead the search for long.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

import numpy as np

from seesaw_nas.search.strategies.base import ExactDraws, Observed, Setting, best_first, observed

if TYPE_CHECKING:
    from seesaw_nas.architecture.spec import Architecture
    from seesaw_nas.search.history.history import History

POPULATION = 32  # the youngest, of which parents are drawn
STARTUP = 16  # exact draws before the first child
SAMPLE = 8  # drawn from the population; the best of them is the parent
MIXTURE = 0.3  # of the children have two parents
MAX_TRIES = 30  # at a child that is new; then an exact draw


class Evolution:
    """Exact draws first, then children of the best of a few of the youngest."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._draws = ExactDraws(setting)

    def propose(self, history: History, taken: Set[str]) -> int:
        """Begin a trial of a new architecture within the budget."""
        number = len(history)
        found = observed(history, self._setting.levels, STARTUP, last=POPULATION)
        if len(found) >= STARTUP:
            rng = self._setting.generator(number, 2)
            for _ in range(MAX_TRIES):
                child, origin = self._child(found, rng)
                if child.digest not in taken:
                    return history.add(child, origin)
        return history.add(self._draws.draw(number, taken), "exact draw")

    def _child(self, found: Sequence[Observed], rng: np.random.Generator) -> tuple[Architecture, str]:
        feasible = self._setting.feasible
        one = self._parent(found, rng)
        mother, origin = one.architecture, f"mutation of {one.number}"
        if rng.random() < MIXTURE:
            other = self._parent(found, rng)
            mother = feasible.crossover(mother, other.architecture, rng)
            origin = f"mutation of a mixture of {one.number} and {other.number}"
        return feasible.mutate(mother, rng), origin

    def _parent(self, found: Sequence[Observed], rng: np.random.Generator) -> Observed:
        drawn = [found[i] for i in sorted(rng.choice(len(found), min(SAMPLE, len(found)), replace=False))]
        return best_first(drawn, self._setting.objectives, self._setting.cost)[0]


make = Evolution
