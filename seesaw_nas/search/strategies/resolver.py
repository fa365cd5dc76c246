"""The strategy that is meant: by a name, or by an object of a program."""

from __future__ import annotations

from typing import Any

from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.evaluators.basis import PROGRAM
from seesaw_nas.search import strategies
from seesaw_nas.search.strategies.base import Setting, Strategy
from seesaw_nas.search.strategies.sampled import Sampled, is_sampler, seeded


def resolve(name: str, given: Any, setting: Setting) -> Strategy:
    """The strategy of this name, or the one that a program gave.

    Args:
        name: of a strategy; of what was ``given`` the name that a run notes, or empty.
        given: a strategy, a sampler of Optuna, or what makes a sampler from a seed; ``None`` for what ``name`` says.

    Raises:
        OptionError: there is no such strategy, or what was given is none.
        RunError: a program's strategy is wanted and none was given.
    """
    if given is None:
        if name.startswith(PROGRAM):
            raise RunError(f"the strategy was {name}, an object of a program; pass it again to go on")
        return strategies.make(name, setting)
    if hasattr(given, "propose"):
        chosen: Strategy = given
        return chosen
    if is_sampler(given):
        return Sampled(setting, seeded(given))
    if not callable(given) or isinstance(given, type):  # a sampler's first argument is not always its seed
        raise OptionError(f"a strategy's name, a sampler or a function of a seed is wanted, got {given!r}")
    return Sampled(setting, given)
