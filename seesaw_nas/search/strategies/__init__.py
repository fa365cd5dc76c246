"""Which architecture next: the strategies by name. Importing this loads neither torch nor Optuna.

A strategy is one file in this package, with a function ``make`` that takes a
:class:`seesaw_nas.search.strategies.base.Setting`, and one line of :data:`STRATEGIES`.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seesaw_nas.core.errors import OptionError, known

if TYPE_CHECKING:
    from seesaw_nas.search.strategies.base import Setting, Strategy


@dataclass(frozen=True, slots=True)
class StrategyEntry:
    """A line of the registry.

    Attributes:
        what: the strategy proposes, in words.
        module: its file in this package, loaded when it is made.
        takes_supernet: whether it learns from a supernet's scores, too, where there is one.
        takes_short: whether short trainings are of use to it: it learns from the estimates, or from nothing.
    """

    what: str
    module: str
    takes_supernet: bool = False
    takes_short: bool = False


STRATEGIES = {
    "random": StrategyEntry("exact draws, their Multi-Adds even over the budget", "random", takes_short=True),
    "evolution": StrategyEntry("regularised evolution: children of the best of a few of the youngest", "evolution"),
    "nsga2": StrategyEntry("Optuna's NSGA-II, its children within the budget", "nsga2"),
    "tpe": StrategyEntry("Optuna's TPE, its proposals brought into the budget", "tpe"),
    "gp": StrategyEntry("Optuna's Gaussian process, its proposals brought into the budget", "gp"),
    "thompson": StrategyEntry(
        "the best of an additive model drawn for each trial, found by dynamic programming",
        "thompson",
        takes_short=True,
    ),
    "predicted": StrategyEntry(
        "the best of many by a predictor of top-1, while that orders better than Multi-Adds; else thompson",
        "predicted",
        takes_supernet=True,
    ),
    "local": StrategyEntry("hill climbing: one change of the best, or of a member of the front", "local"),
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
    module = importlib.import_module(f"{__name__}.{STRATEGIES[name].module}")
    strategy: Strategy = module.make(setting)
    return strategy


def takes_short(name: str) -> bool:
    """Whether short trainings are of use to the strategy of this name; a program's own one is trusted to know."""
    return name not in STRATEGIES or STRATEGIES[name].takes_short


def takes_supernet(name: str) -> bool:
    """Whether the strategy of this name learns from a supernet's scores, too; false for a program's own one."""
    return name in STRATEGIES and STRATEGIES[name].takes_supernet
