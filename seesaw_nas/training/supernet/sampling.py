"""Draws the architectures for each step of a supernet's training, and checks its recipe."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import OptionError, known
from seesaw_nas.space import Feasible
from seesaw_nas.training.recipes import SAMPLINGS, Recipe

Sample = Callable[[np.random.Generator], list[Architecture]]
"""Draws the architectures of a step; the first learns from the labels, the others from the first one's outputs."""

DRAWS = 2  # architectures drawn between the ends of a sandwich


def sampler(sampling: str, feasible: Feasible) -> Sample:
    """A function that draws a step's architectures, with Multi-Adds spread evenly over the budget.

    Every choice occurs equally often, as far as the budget allows (:meth:`Feasible.draw_fair`).

    Source: Guo et al. 2020, arXiv:1904.00420, for one at a time; Yu and Huang 2019, arXiv:1903.05134, for the sandwich
    and for learning from the largest.

    Raises:
        OptionError: no such sampling.
    """
    if sampling not in SAMPLINGS:
        raise OptionError(known("sampling", sampling, SAMPLINGS))
    if sampling == "single-path":
        return lambda rng: [feasible.draw_fair(rng)]
    return lambda rng: [
        feasible.draw_costliest(rng),
        feasible.draw_cheapest(rng),
        *(feasible.draw_fair(rng) for _ in range(DRAWS)),
    ]


def check_recipe(recipe: Recipe) -> None:
    """Refuse a recipe that a supernet cannot be trained with.

    Raises:
        OptionError: the recipe averages weights, which makes no sense because most weights rest in most steps.
    """
    if recipe.ema:
        raise OptionError(f"recipe '{recipe.name}' averages weights, which no supernet's training does; take quick")
