"""A search made concrete, and what it is about to do."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas import space
from seesaw_nas.conditions import conditions
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.space import Budget, Feasible

if TYPE_CHECKING:
    import torch

    from seesaw_nas.data import SearchData
    from seesaw_nas.evaluate import Evaluator, Subject


@dataclass(frozen=True)
class Problem:
    """A search made concrete: the images, the space at their size, and what the budget allows.

    Attributes:
        subject: what the architectures are trained on.
        feasible: the architectures to choose from.
        evaluator: what scores one.
    """

    settings: SearchSettings
    subject: Subject
    device: torch.device
    feasible: Feasible
    evaluator: Evaluator

    @property
    def space(self) -> space.Space:
        return self.feasible.space

    @property
    def budget(self) -> Budget:
        return self.feasible.budget

    @cached_property
    def space_digest(self) -> str:
        """Changes when the space does, so that a run is not continued in another one."""
        return hashlib.sha256(repr(self.space).encode()).hexdigest()[:16]


def pose(settings: SearchSettings) -> Problem:
    """Load the images, or the table that stands for their trainings, and find what fits the budget.

    Raises:
        SeesawError: the data set, the space, the budget or the device is not to be had; the message says what is.
    """
    from seesaw_nas.device import find_device

    device = find_device(settings.device)
    if settings.space:
        space.load(settings.space)  # an unknown space is told before any image is read
    return _recorded(settings, device) if settings.evaluator == "table" else _trained(settings, device)


def _trained(settings: SearchSettings, device: torch.device) -> Problem:
    from seesaw_nas.evaluate.trained import TrainedEvaluator, subject

    images = load_images(settings)
    feasible = _feasible(settings, subject(images))
    evaluator = TrainedEvaluator(images.to(device), settings.fitted_recipe, device)
    return Problem(settings, subject(images), device, feasible, evaluator)


def load_images(settings: SearchSettings) -> SearchData:
    """The images to train on and to validate with, cut down to the wanted number.

    Raises:
        DataError: they are not to be had.
    """
    from seesaw_nas import data

    cache_dir = Path(settings.cache_dir) if settings.cache_dir else None
    images = data.load(settings.dataset, settings.data_path, settings.image_size or None, cache_dir=cache_dir)
    if settings.train_size:
        images = replace(images, train=data.subset(images.train, settings.train_size, settings.seed))
    return images


def _recorded(settings: SearchSettings, device: torch.device) -> Problem:
    from seesaw_nas.evaluate import table as tables

    table = tables.read(Path(settings.table))
    settings = replace(settings, dataset=table.subject.name, recipe=table.recipe, epochs=table.epochs)
    feasible = _feasible(replace(settings, space=settings.space or table.space), table.subject, table.budget)
    return Problem(settings, table.subject, device, feasible, tables.TableEvaluator(table, feasible.space))


def _feasible(settings: SearchSettings, subject: Subject, default_budget: str = "") -> Feasible:
    channels, size, _ = subject.input
    found = settings.load_space(size, channels, subject.classes)
    return found.within(settings.budget or default_budget or found.default_budget)


def description(problem: Problem) -> dict[str, Any]:
    """What a run is, and where it was made, in JSON values."""
    from seesaw_nas.device import describe

    return {
        "settings": problem.settings.to_dict(),
        "budget": {"low": problem.budget.low, "high": problem.budget.high},
        "space": problem.space.name,
        "space_digest": problem.space_digest,
        "recipe": problem.settings.fitted_recipe.to_dict(),
        "conditions": conditions(describe(problem.device)),
    }


@dataclass(frozen=True)
class Plan:
    """What a search is about to do, known before any training.

    Attributes:
        space_size, fitting: architectures in the space, and of those within the budget; both exact.
        cheapest_macs: of the whole space.
        median_macs: of those within the budget.
        trial_seconds: of a whole evaluation, estimated for an architecture of median cost.
    """

    space_size: int
    fitting: int
    cheapest_macs: int
    median_macs: int
    trial_seconds: float
    trials: int


def plan(problem: Problem, trials: int) -> Plan:
    """Count, and estimate how long an architecture of median cost takes; ``trials`` are still to be trained."""
    import numpy as np

    feasible = problem.feasible
    median = feasible.median_macs
    typical = Feasible(problem.space, Budget(median, median)).draw(np.random.default_rng(problem.settings.seed))
    return Plan(
        space_size=problem.space.size,
        fitting=feasible.count,
        cheapest_macs=problem.space.cheapest_macs,
        median_macs=median,
        trial_seconds=problem.evaluator.estimate(typical),
        trials=trials,
    )
