"""Optuna's TPE on the genes, told by how much a proposal misses the budget."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import optuna

from seesaw_nas.search.strategies.base import ExactDraws
from seesaw_nas.space import Feasible

if TYPE_CHECKING:
    from seesaw_nas.search.history import History

STARTUP_TRIALS = 10  # Optuna's own default
PATIENCE = 20  # proposals in a row that were not trained; then one exact draw


class Tpe:
    """Exact draws first; then TPE, with an exact draw whenever it leaves the budget too often in a row."""

    def __init__(self, feasible: Feasible, seed: int) -> None:
        self._draws = ExactDraws(feasible, seed)
        self._seed = seed

    def propose(self, history: History, taken: frozenset[str]) -> optuna.Trial:
        """Begin a trial; its architecture may lie outside the budget or be known already."""
        number, records = len(history), history.records()
        trained = sum(record.state == "complete" for record in records)
        idle = records[-PATIENCE:]
        stuck = len(idle) == PATIENCE and all(record.state in ("infeasible", "duplicate") for record in idle)
        if trained < STARTUP_TRIALS or stuck:
            return history.add(self._draws.draw(number, taken))
        history.study.sampler = self._sampler(number)
        return history.ask()

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        seed = int(np.random.SeedSequence([self._seed, number]).generate_state(1)[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return optuna.samplers.TPESampler(seed=seed, multivariate=True, n_startup_trials=0)


make = Tpe
