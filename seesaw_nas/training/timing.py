"""Estimates the duration of trainings from a few measured steps."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.device import find_device, place, synchronise, use_device
from seesaw_nas.data import Draw, Images, SearchData
from seesaw_nas.network.models import build
from seesaw_nas.training.accuracy import measure
from seesaw_nas.training.batches import count_batches, draw_blend, sizes_of_batches
from seesaw_nas.training.execution import AUTOMATIC, EAGER, Execution
from seesaw_nas.training.memory import explain_training_memory
from seesaw_nas.training.preparation import prepare
from seesaw_nas.training.recipes import Recipe

T = TypeVar("T")
WARM_UP, MEASURED = 2, 5
FORWARD = 1 / 3  # of a step: evaluating an image, since the backward pass costs about two forward passes
SPREAD = 3  # architectures that are timed where many are to be trained
LONG_STEP = 1.0  # seconds; a step as long as this needs no median of five


def spread(ordered: Sequence[T]) -> list[T]:
    """Those that are timed for all: one from the middle of each of :data:`SPREAD` parts."""
    return [ordered[(2 * place + 1) * len(ordered) // (2 * SPREAD)] for place in range(SPREAD)]


@dataclass(frozen=True, slots=True)
class Line:
    """Seconds by Multi-Adds: a line through what was measured, the nearest in squares, that does not fall.

    Attributes:
        macs: mean Multi-Adds of what was measured.
        seconds: mean of what it took.
        slope: seconds for each further Multi-Add.
        least: half of the shortest time that was measured, below which the line does not go.
    """

    macs: float
    seconds: float
    slope: float = 0.0
    least: float = 0.0

    @classmethod
    def through(cls, points: Sequence[tuple[int, float]]) -> Line:
        """The line through so many pairs of Multi-Adds and seconds, at least one."""
        macs = statistics.fmean(point[0] for point in points)
        seconds = statistics.fmean(point[1] for point in points)
        spread = sum((one - macs) ** 2 for one, _ in points)
        together = sum((one - macs) * (took - seconds) for one, took in points)
        slope = max(0.0, together / spread) if spread else 0.0
        return cls(macs, seconds, slope, min(took for _, took in points) / 2)

    def at(self, macs: float) -> float:
        """Seconds of an architecture of so many Multi-Adds."""
        return max(self.least, self.seconds + self.slope * (macs - self.macs))


def step_seconds(
    architecture: Architecture,
    data: SearchData,
    recipe: Recipe,
    device: torch.device | str = "cpu",
    execution: Execution = AUTOMATIC,
) -> float:
    """Seconds of one training step with the largest batch: the median of five steps after two for warming up.

    Where a step takes longer than :data:`LONG_STEP`, one for warming up and one measured have to do.

    Steps are executed as in the training, except that compiled ones are measured eagerly, since compiling takes
    minutes. If workers decode the images, the result is the mean over as many steps as workers hold batches, after
    the batches that were prepared before the first step are used up.

    Raises:
        TrainingFailed: memory ran out, or CUDA graphs were requested and do not agree with eager steps.
        OptionError: no such device.
    """
    device, seconds = find_device(device), []
    with use_device(device), explain_training_memory(recipe, device):
        model = build(architecture, dropout=recipe.dropout, seed=0)
        chosen_execution = EAGER if execution.compiles else execution
        trainer = prepare(model, data, recipe, 0, device, execution=chosen_execution).trainer
        chosen = torch.arange(sizes_of_batches(data, recipe)[0])
        draw = Draw(chosen, 0 if recipe.augment else None, draw_blend(recipe, data.input, len(chosen), 0))
        model.train()
        prefetched = data.train.prefetched
        count = WARM_UP + prefetched + max(MEASURED, prefetched)
        start = time.perf_counter()
        for batch in trainer.data.batches([draw] * count):
            trainer.step(0, *batch)
            synchronise(device)
            seconds.append(time.perf_counter() - start)
            if not prefetched and len(seconds) > 1 and seconds[-1] > LONG_STEP:
                return seconds[-1]
            start = time.perf_counter()
    counted = seconds[WARM_UP + prefetched :]
    return statistics.fmean(counted) if prefetched else statistics.median(counted)


def image_seconds(
    architecture: Architecture, data: SearchData, recipe: Recipe, device: torch.device | str = "cpu"
) -> float:
    """Seconds of scoring one validation image; 0 where workers decode the images, whose time is in the steps'."""
    if not isinstance(data.validation, Images):
        return 0.0
    device, size = find_device(device), 4 * recipe.batch_size  # as of the training's evaluations
    part = Images(data.validation.images[:size], data.validation.labels[:size])
    with use_device(device), explain_training_memory(recipe, device):
        model = build(architecture, seed=0)
        place(model, device)
        seconds = 0.0
        for _ in range(2):  # the first one makes things ready
            start = time.perf_counter()
            measure(model, part, data.mean, data.std, device=device, batch_size=size)
            seconds = time.perf_counter() - start
    return seconds / len(part)


def trial_seconds(
    step: float, data: SearchData, recipe: Recipe, *, image: float = 0.0, each_epoch: bool = True
) -> float:
    """Estimated seconds of one training by ``recipe``, with its evaluations.

    Args:
        step: seconds of a step with the largest batch, from :func:`step_seconds`.
        image: seconds of scoring an image, from :func:`image_seconds`; 0 for :data:`FORWARD` of a step.
        each_epoch: whether there is an evaluation after every epoch, not after the last one alone.
    """
    largest = sizes_of_batches(data, recipe)[0]
    each = image or FORWARD * step / largest
    recalibrated = FORWARD * step / largest * min(recipe.recalibration_images, len(data.train))
    evaluations = recipe.epochs if each_epoch else 1
    steps = recipe.epochs * count_batches(len(data.train), recipe.batch_size)
    return steps * step + evaluations * (recalibrated + len(data.validation) * each)


def trial_images(n_train: int, n_validation: int, recipe: Recipe) -> float:
    """Images of a whole training, those that are only evaluated as :data:`FORWARD` of one."""
    return recipe.epochs * (n_train + FORWARD * (n_validation + min(recipe.recalibration_images, n_train)))
