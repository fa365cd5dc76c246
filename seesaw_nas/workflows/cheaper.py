"""What would take less than a long plan: the same work with one option changed, each with an estimate of its own.

Estimates follow from the plan's by arithmetic, nothing more is timed: a step takes as long as its images have pixels,
an epoch as long as it has images, and evaluating an image costs a third of training on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seesaw_nas import data
from seesaw_nas.evaluators import trains
from seesaw_nas.space.scaling import scale
from seesaw_nas.training.shortening import LONG_SECONDS, Cheaper, of_training

if TYPE_CHECKING:
    from seesaw_nas.workflows.plan import Plan
    from seesaw_nas.workflows.problem import Problem


def of_search(problem: Problem, plan: Plan, *, may_stop: bool = True) -> list[Cheaper]:
    """Two to four ways for a search or a table of more than an hour; none for a shorter one, or without training.

    Args:
        may_stop: whether trials can be stopped early, by a scheduler.
    """
    whole = plan.seconds
    if whole <= LONG_SECONDS or not trains(problem.settings.scoring.evaluator):
        return []
    found = list(_single(problem, whole))
    scheduled = _scheduled(problem, plan) if may_stop else ()
    if len(found) > 1 and min(one.seconds for one in found) > LONG_SECONDS:
        together = found[0]
        for one in found[1:]:
            together = together.and_also(one, whole)
        found = [*found[:2], together]
    return [*found, *scheduled][:4]


def _single(problem: Problem, whole: float) -> Iterator[Cheaper]:
    recipe = problem.settings.training.fitted_recipe
    if problem.given.data is None:
        yield from _smaller_images(problem, whole)
    yield from of_training(problem.subject.n_train, problem.subject.n_validation, recipe, whole)


def _smaller_images(problem: Problem, whole: float) -> Iterator[Cheaper]:
    """Images of half the side, or the next smaller ones, under a budget that is as tight there."""
    space, written = problem.space, problem.settings.searched.budget
    smaller = [size for size in data.image_sizes(problem.settings.training.dataset) if 2 * size <= space.input_size]
    if not smaller:
        return
    size = max(smaller)
    other = space.adapt(size, space.input_channels, space.classes)
    budget = {"budget": scale(written, space, other)} if written else {}
    yield Cheaper({"image-size": str(size), **budget}, whole * (size / space.input_size) ** 2)


def _scheduled(problem: Problem, plan: Plan) -> Iterator[Cheaper]:
    """Stopping poor trials early."""
    settings = problem.settings
    if settings.scheduling.scheduler != "none" or settings.steps.plan != "plain" or plan.whole_epochs < 2:
        return
    epochs = settings.replace(scheduler="asha").halving(plan.whole_epochs).planned_epochs(plan.trials)
    if epochs < 0.8 * plan.epochs:
        beside = plan.seconds - plan.trials_seconds
        yield Cheaper({"scheduler": "asha"}, beside + plan.trials_seconds * epochs / plan.epochs)
