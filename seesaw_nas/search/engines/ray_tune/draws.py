"""Exact draws and mutations where Ray Tune takes functions: in the parameters of a Tuner and in its schedulers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ray import tune

from seesaw_nas.search.engines.ray_tune.spelling import KEY, architecture_of, spell
from seesaw_nas.space import Feasible


def param_space(feasible: Feasible, seed: int = 0) -> dict[str, Any]:
    """Parameters of a Tuner without a search algorithm: each trial is an exact draw within the budget.

    Multi-Adds spread evenly over the budget, as with ``--strategy random``. Search algorithms of Ray's that make their
    own proposals cannot use it: they want the values of each gene, most combinations of which are no architecture.
    """
    drawn = tune.sample_from(_Draws(feasible, seed))  # type: ignore[arg-type]  # takes no argument, as Ray allows
    return {KEY: drawn}


class _Draws:
    """Draws one architecture after another."""

    def __init__(self, feasible: Feasible, seed: int) -> None:
        self._feasible = feasible
        self._rng = np.random.default_rng(seed)

    def __call__(self) -> str:
        return spell(self._feasible.space, self._feasible.draw_fair(self._rng))

    def __deepcopy__(self, memo: Any) -> _Draws:
        """Itself: Ray copies the parameters for each trial, and a copy would draw the same one again."""
        return self


class Neighbours:
    """Mutations within the budget, as the ``custom_explore_fn`` of population based training.

    A trial that takes over from a better one gets a neighbour of its architecture. Weights go with an architecture, so
    the neighbour is trained from its first epoch on.
    """

    def __init__(self, feasible: Feasible, seed: int = 0) -> None:
        self._feasible = feasible
        self._rng = np.random.default_rng(seed)

    def __call__(self, config: Mapping[str, Any]) -> dict[str, Any]:
        space = self._feasible.space
        neighbour = self._feasible.mutate(architecture_of(space, config), self._rng)
        return {**config, KEY: spell(space, neighbour)}
