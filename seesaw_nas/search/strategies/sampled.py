"""What every sampler of Optuna needs here: exact draws to begin with, and a way back into the budget.

A sampler knows the genes, not what they cost. What it proposes outside the budget, or that is no architecture, costs no
training: the nearest architecture within the budget is proposed in its place.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Set
from typing import TYPE_CHECKING

import optuna

from seesaw_nas.search.strategies import reached
from seesaw_nas.search.strategies.base import ExactDraws, Setting, is_stuck, observed
from seesaw_nas.space import nearest

if TYPE_CHECKING:
    from seesaw_nas.search.history.history import History

MakeSampler = Callable[[int], optuna.samplers.BaseSampler]
STARTUP = 10  # Optuna's own default


class Sampled:
    """Exact draws first; then a sampler's proposals, those outside the budget brought into it."""

    def __init__(self, setting: Setting, make_sampler: MakeSampler, startup: int = STARTUP) -> None:
        """Adapt a sampler.

        Args:
            make_sampler: makes one from a seed, anew for each trial, so that it depends on nothing but the history.
            startup: exact draws before the first proposal.
        """
        self._setting = setting
        self._draws = ExactDraws(setting)
        self._make = make_sampler
        self._startup = startup

    def propose(self, history: History, taken: Set[str]) -> int:
        """Begin a trial; its architecture may be known already."""
        self._draws.require_new(taken)
        number, records = len(history), history.records()
        found = observed(history, self._setting.levels, self._startup)
        if len(found) < self._startup or is_stuck(records):
            return history.add(self._draws.draw(number, taken), "exact draw")
        if records and records[-1].state == "infeasible":
            last = records[-1]
            genotype = history.genotype(last.number)
            repaired = nearest(self._setting.feasible, genotype, self._setting.generator(number, 2))
            if repaired.digest not in taken:
                return history.add(repaired, f"nearest to {last.number} within the budget")
        seed = int(self._setting.generator(number).integers(2**31))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            if len(self._setting.levels) > 1:
                return reached.ask(history, self._make(seed), found, self._setting)
            history.study.sampler = self._make(seed)
            return history.ask()


def is_sampler(value: object) -> bool:
    """Whether this is a sampler of Optuna."""
    return isinstance(value, optuna.samplers.BaseSampler)


def seeded(sampler: optuna.samplers.BaseSampler) -> MakeSampler:
    """Hand out one sampler whatever the seed; what it proposes after a resumption depends on its own state."""
    return lambda seed: sampler
