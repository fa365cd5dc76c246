"""How long a training will take, from a few measured steps."""

from __future__ import annotations

import itertools
import math
import statistics
import time

import torch

from seesaw_nas.batches import draw_blend
from seesaw_nas.data import SearchData
from seesaw_nas.device import find_device, synchronise
from seesaw_nas.memory import memory_failures_told
from seesaw_nas.models import build
from seesaw_nas.recipes import Recipe
from seesaw_nas.sgd import Trainer
from seesaw_nas.spec import Architecture

WARM_UP, MEASURED = 2, 5


def step_seconds(
    architecture: Architecture, data: SearchData, recipe: Recipe, device: torch.device | str = "cpu"
) -> float:
    """Seconds of one training step with a full batch: the median of five, after two to warm up, on a fresh network.

    Where workers decode the images: the mean of as many steps as they hold batches, once the first of these are used.

    Raises:
        TrainingFailed: memory ran out.
        OptionError: no such device.
    """
    device = find_device(device)
    taken = []
    with memory_failures_told(recipe, device):
        model = build(architecture, dropout=recipe.dropout, seed=0)
        trainer = Trainer.of(model, data, recipe, 0, device)
        chosen = torch.arange(min(recipe.batch_size, len(data.train)))
        blend = draw_blend(recipe, data.input, len(chosen), 0)
        model.train()
        ahead = data.train.ahead
        count = WARM_UP + ahead + max(MEASURED, ahead)
        start = time.perf_counter()
        for batch in trainer.data.dealt(
            itertools.repeat(chosen, count),
            augmented=recipe.augment,
            seeds=itertools.repeat(0, count),
            along=itertools.repeat(blend, count),
        ):
            trainer.step(0, *batch)
            synchronise(device)
            taken.append(time.perf_counter() - start)
            start = time.perf_counter()
    measured = taken[WARM_UP + ahead :]
    return statistics.fmean(measured) if ahead else statistics.median(measured)


def trial_seconds(step: float, data: SearchData, recipe: Recipe) -> float:
    """Estimated seconds of one training by ``recipe``, its evaluation after every epoch included.

    An evaluated image counts as a third of a trained one: the backward pass costs about two forward passes.

    Args:
        step: seconds of one full batch, from :func:`step_seconds`.
    """
    forward_only = len(data.validation) + min(recipe.recalibration_images, len(data.train))
    batches = math.ceil(len(data.train) / recipe.batch_size) + forward_only / recipe.batch_size / 3
    return recipe.epochs * batches * step
