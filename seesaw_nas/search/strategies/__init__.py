"""Which architecture next: every strategy behind one interface."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from seesaw_nas.errors import OptionError, known

if TYPE_CHECKING:
    from seesaw_nas.search.strategies.base import Strategy
    from seesaw_nas.space import Feasible

STRATEGIES = {
    "random": "exact draws, their Multi-Adds even over the upper half of the budget",
    "tpe": "Optuna's TPE, told of the budget as a constraint; its first trials are exact draws",
}
DEFAULT_STRATEGY = "random"


def make(name: str, feasible: Feasible, seed: int) -> Strategy:
    """The strategy of this name for a budgeted space.

    Raises:
        OptionError: there is no such strategy; the known ones are listed.
    """
    if name not in STRATEGIES:
        raise OptionError(known("strategy", name, STRATEGIES))
    module = importlib.import_module(f"seesaw_nas.search.strategies.{name}")
    strategy: Strategy = module.make(feasible, seed)
    return strategy
