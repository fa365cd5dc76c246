"""Which architecture next: every strategy behind one interface."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from seesaw_nas.core.errors import OptionError, known

if TYPE_CHECKING:
    from seesaw_nas.search.strategies.base import Setting, Strategy

STRATEGIES = {
    "random": "exact draws, their Multi-Adds even over the budget",
    "evolution": "regularised evolution: children of the best of a few of the youngest, within the budget",
    "nsga2": "Optuna's NSGA-II, its children within the budget",
    "tpe": "Optuna's TPE, its proposals brought into the budget",
    "gp": "Optuna's Gaussian process, its proposals brought into the budget",
    "thompson": "the best architecture of an additive model drawn anew for each trial, found exactly in the budget",
    "predicted": "the best of many by a predictor of top-1, while that orders better than Multi-Adds; else thompson",
    "local": "hill climbing: one change of the best, or of a member of the front",
}
DEFAULT_STRATEGY = "thompson"
OBJECTIVES = {
    "front": "top-1 and Multi-Adds: a front over the whole budget",
    "top1": "top-1 alone, within the budget",
}


def make(name: str, setting: Setting) -> Strategy:
    """The strategy of this name for a budgeted space.

    Raises:
        OptionError: there is no such strategy; the known ones are listed.
    """
    if name not in STRATEGIES:
        raise OptionError(known("strategy", name, STRATEGIES))
    module = importlib.import_module(f"seesaw_nas.search.strategies.{name}")
    strategy: Strategy = module.make(setting)
    return strategy
