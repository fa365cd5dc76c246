"""A search made concrete, and what it is about to do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas import space
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.space import Budget, Feasible

if TYPE_CHECKING:
    import torch

    from seesaw_nas.data import SearchData
    from seesaw_nas.evaluate.trained import TrainedEvaluator


@dataclass(frozen=True)
class Problem:
    """A search made concrete: the images, the space at their size, and what the budget allows.

    Attributes:
        data: on ``device``, cut down to the wanted number of training images.
        feasible: the architectures to choose from.
    """

    settings: SearchSettings
    data: SearchData
    device: torch.device
    feasible: Feasible

    @property
    def space(self) -> space.Space:
        return self.feasible.space

    @property
    def budget(self) -> Budget:
        return self.feasible.budget

    @cached_property
    def evaluator(self) -> TrainedEvaluator:
        """What scores an architecture."""
        from seesaw_nas.evaluate import evaluator

        made: Any = evaluator(self.settings.evaluator)
        return made(self.data, self.settings.fitted_recipe, device=self.device)  # type: ignore[no-any-return]

    @cached_property
    def space_digest(self) -> str:
        """Changes when the space does, so that a run is not continued in another one."""
        return hashlib.sha256(repr(self.space).encode()).hexdigest()[:16]


def pose(settings: SearchSettings) -> Problem:
    """Load the images and find what fits the budget.

    Raises:
        SeesawError: the data set, the space, the budget or the device is not to be had; the message says what is.
    """
    from seesaw_nas import data
    from seesaw_nas.device import find_device

    device = find_device(settings.device)
    if settings.space:
        space.load(settings.space)  # an unknown space is told before any image is read
    cache_dir = Path(settings.cache_dir) if settings.cache_dir else None
    images = data.load(settings.dataset, settings.data_path, settings.image_size or None, cache_dir=cache_dir)
    if settings.train_size:
        images = replace(images, train=data.subset(images.train, settings.train_size, settings.seed))
    channels, size, _ = images.input
    found = settings.load_space(size, channels, len(images.classes))
    return Problem(settings, images.to(device), device, found.within(settings.budget or found.default_budget))


@dataclass(frozen=True)
class Plan:
    """What a search is about to do, known before any training.

    Attributes:
        space_size, fitting: architectures in the space, and of those within the budget; both exact.
        cheapest_macs: of the whole space.
        median_macs: of those within the budget.
        trial_seconds: estimated from one timed step of a median architecture.
    """

    space_size: int
    fitting: int
    cheapest_macs: int
    median_macs: int
    trial_seconds: float
    trials: int


def plan(problem: Problem, trials: int) -> Plan:
    """Count, and time one training step of an architecture of median cost; ``trials`` are still to be trained."""
    import numpy as np

    from seesaw_nas.timing import step_seconds, trial_seconds

    feasible, recipe = problem.feasible, problem.settings.fitted_recipe
    median = feasible.median_macs
    typical = Feasible(problem.space, Budget(median, median)).draw(np.random.default_rng(problem.settings.seed))
    step = step_seconds(typical, problem.data, recipe, problem.device)
    return Plan(
        space_size=problem.space.size,
        fitting=feasible.count,
        cheapest_macs=problem.space.cheapest_macs,
        median_macs=median,
        trial_seconds=trial_seconds(step, problem.data, recipe),
        trials=trials,
    )
