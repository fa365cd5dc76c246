"""The batches of a training: images, augmentation, and seeds for everything random in a step.

Every step derives its augmentation, blending and dropout from (seed, epoch, step) only, and every epoch its order of
images from (seed, epoch). So no generator state is kept from step to step, and an epoch can be resumed in the middle.
With several processes, each draws its own augmentation for its share of the batch.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seesaw_nas.core.device import training_dtype
from seesaw_nas.data import Draw, SearchData, normalise
from seesaw_nas.data.mixing import cutout, draw_pairs, draw_squares, mixup
from seesaw_nas.training.parallel import ALONE, Ranks
from seesaw_nas.training.recipes import Recipe

SMALLER = 3  # per cent by which batches may be smaller than the recipe's, if all of them then have one size


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """The images of one step, uint8 (n, C, H, W), and their labels (n,).

    Attributes:
        number: number of the step, from 0 over the whole training.
        whole: number of images of the step in all processes together.
        blend: result of :func:`draw_blend` for the step, on the images' device.
        dropout: seed for dropout.
    """

    number: int
    images: Tensor
    labels: Tensor
    whole: int
    blend: Tensor
    dropout: int


def steps_per_epoch(data: SearchData, recipe: Recipe) -> int:
    """Number of batches in an epoch."""
    return count_batches(len(data.train), recipe.batch_size)


def count_batches(images: int, largest: int) -> int:
    """Number of batches of at most ``largest`` images: the least number, or a slightly larger one with equal batches.

    Equal batches save time, because recording, compiling and measuring of steps is done for each size of batch; they
    may be smaller by up to :data:`SMALLER` per cent. 45,000 images in batches of up to 128 are 360 batches of 125; in
    batches of up to 64 they are 704 batches of 64 and 63, because equal batches would have only 60 images.
    """
    fewest = math.ceil(images / largest)
    most = 100 * images // ((100 - SMALLER) * largest)
    return next((count for count in range(fewest, most + 1) if images % count == 0), fewest)


def sizes_of_batches(data: SearchData, recipe: Recipe) -> tuple[int, ...]:
    """The sizes of batches that occur, the larger one first: one number, or two that differ by one."""
    smaller, larger = divmod(len(data.train), steps_per_epoch(data, recipe))
    return (smaller + 1, smaller) if larger else (smaller,)


def draw_batches(
    data: SearchData, recipe: Recipe, seed: int, epoch: int, begun: int = 0, ranks: Ranks = ALONE
) -> Iterator[TrainingBatch]:
    """Yield the batches of ``epoch``, from 1, without its first ``begun``, on the data's device.

    Every image occurs once per epoch. Batches differ by one image at most; :func:`count_batches` is their number. So no
    image is left out, and no batch has a single image, which batch norm cannot normalise.
    """
    steps = steps_per_epoch(data, recipe)
    order_seed, *seeds = _draw_seeds(1 + 3 * steps, seed, epoch)
    if not ranks.leads:
        seeds = _draw_seeds(3 * steps, seed, epoch, ranks.rank)
    order = torch.randperm(len(data.train), generator=torch.Generator().manual_seed(order_seed))
    whole = order.tensor_split(steps)[begun:]
    shares = [ranks.share(batch) for batch in whole]
    augment, blend, dropout = (seeds[i::3][begun:] for i in range(3))
    draws = [
        Draw(share, own if recipe.augment else None, draw_blend(recipe, data.input, len(share), other))
        for share, own, other in zip(shares, augment, blend, strict=True)
    ]
    for i, (images, labels, blended) in enumerate(data.batches(draws)):
        yield TrainingBatch((epoch - 1) * steps + begun + i, images, labels, len(whole[i]), blended, dropout[i])


def draw_blend(recipe: Recipe, shape: tuple[int, int, int], n: int, seed: int) -> Tensor:
    """Draw cutout and mixup for ``n`` images of ``shape`` (C, H, W): int64 (k, n) on the CPU; k is 0 without either."""
    if not (recipe.cutout or recipe.mixup):
        return torch.empty((0, n), dtype=torch.int64)
    generator, rows = np.random.default_rng(seed), []
    if recipe.cutout:
        rows.append(draw_squares(n, shape[1:], generator))
    if recipe.mixup:
        rows.append(draw_pairs(n, recipe.mixup, generator))
    return torch.from_numpy(np.concatenate(rows))


def prepare_batch(
    data: SearchData, recipe: Recipe, images: Tensor, labels: Tensor, blend: Tensor | None
) -> tuple[Tensor, Tensor]:
    """Normalise images and apply cutout and mixup; returns them with labels (n,) or, with mixup, probabilities.

    The memory layout is the device's. Probabilities have shape (n, classes).

    Args:
        blend: result of :func:`draw_blend`, on the images' device; may be ``None`` without cutout and mixup.
    """
    dtype = torch.float32 if recipe.mixup else training_dtype(images.device)  # mixed images are rounded in the network
    x, targets = normalise(images, data.mean, data.std, dtype), labels
    if recipe.cutout or recipe.mixup:
        assert blend is not None, "this recipe uses cutout or mixup"
        x = cutout(x, blend[:2], recipe.cutout) if recipe.cutout else x
        if recipe.mixup:
            x, targets = mixup(x, labels, len(data.classes), blend[-2:])
    return x, targets


def _draw_seeds(n: int, *entropy: int) -> list[int]:
    seeds: list[int] = np.random.SeedSequence(entropy).generate_state(n).tolist()
    return seeds
