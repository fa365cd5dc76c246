"""Estimates the duration of a training from a few measured steps."""

from __future__ import annotations

import statistics
import time

import torch

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.device import find_device, synchronise, use_device
from seesaw_nas.data import Draw, SearchData
from seesaw_nas.network.models import build
from seesaw_nas.training.batches import draw_blend, sizes_of_batches, steps_per_epoch
from seesaw_nas.training.execution import AUTOMATIC, EAGER, Execution
from seesaw_nas.training.memory import explain_training_memory
from seesaw_nas.training.preparation import prepare
from seesaw_nas.training.recipes import Recipe

WARM_UP, MEASURED = 2, 5


def step_seconds(
    architecture: Architecture,
    data: SearchData,
    recipe: Recipe,
    device: torch.device | str = "cpu",
    execution: Execution = AUTOMATIC,
) -> float:
    """Seconds of one training step with the largest batch: the median of five steps after two for warming up.

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
            start = time.perf_counter()
    counted = seconds[WARM_UP + prefetched :]
    return statistics.fmean(counted) if prefetched else statistics.median(counted)


def trial_seconds(step: float, data: SearchData, recipe: Recipe) -> float:
    """Estimated seconds of one training by ``recipe``, including an evaluation after every epoch.

    Evaluating an image is taken to cost a third of training on it: the backward pass costs about two forward passes.

    Args:
        step: seconds of a step with the largest batch, from :func:`step_seconds`.
    """
    forward_only = len(data.validation) + min(recipe.recalibration_images, len(data.train))
    batches = steps_per_epoch(data, recipe) + forward_only / sizes_of_batches(data, recipe)[0] / 3
    return recipe.epochs * batches * step
