"""Optuna's NSGA-II with moves that keep to the budget in place of its own crossover and mutation."""

from __future__ import annotations

import warnings
from collections.abc import Sequence, Set
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

from seesaw_nas.search.strategies import reached
from seesaw_nas.search.strategies.base import ExactDraws, Setting, is_stuck, observed
from seesaw_nas.space import decode, encode

if TYPE_CHECKING:
    from seesaw_nas.search.history.history import History

POPULATION = 24
MIXTURE = 0.5  # of the children have two parents
MAX_TRIES = 30  # at a child that is new


class Nsga2:
    """A first generation of exact draws; then neighbours, or mixtures, of the elite that Optuna keeps."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._draws = ExactDraws(setting)

    def propose(self, history: History, taken: Set[str]) -> int:
        """Begin a trial within the budget; it is a known one only where no other was found."""
        self._draws.require_new(taken)
        number, records = len(history), history.records()
        found = observed(history, self._setting.levels, POPULATION)
        if len(found) < POPULATION or is_stuck(records):
            return history.add(self._draws.draw(number, taken), "exact draw")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.NSGAIISampler(
                population_size=POPULATION,
                seed=int(self._setting.generator(number, 1).integers(2**31)),
                child_generation_strategy=_Children(self._setting, number, taken),
            )
            if len(self._setting.levels) > 1:
                return reached.ask(history, sampler, found, self._setting)
            history.study.sampler = sampler
            return history.ask()


class _Children:
    """The genes of one child of a generation's parents."""

    def __init__(self, setting: Setting, number: int, taken: Set[str]) -> None:
        self._setting, self._taken = setting, taken
        self._rng = setting.generator(number, 2)

    def __call__(
        self, study: optuna.Study, search_space: dict[str, BaseDistribution], parents: Sequence[FrozenTrial]
    ) -> dict[str, Any]:
        feasible, rng = self._setting.feasible, self._rng
        parents = sorted(parents, key=lambda trial: trial.number)  # Optuna's order changes once it has them noted
        for _ in range(MAX_TRIES):
            one, other = (decode(feasible.space, parents[int(i)].params) for i in rng.integers(len(parents), size=2))
            child = feasible.crossover(one, other, rng) if rng.random() < MIXTURE else one
            child = feasible.mutate(child, rng)
            if child.digest not in self._taken:
                break
        return dict(encode(feasible.space, child))


make = Nsga2
