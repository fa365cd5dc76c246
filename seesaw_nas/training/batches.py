"""What each step of a training sees: which images, changed how, and the seeds of what is random in it.

Every step derives its augmentation, its blending and its dropout from (seed, epoch, step) alone, every epoch its order
of images from (seed, epoch). So no generator state outlives a step, and an epoch can begin in its middle. Of several
processes, each derives its own draws, for its share of the batch.
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

SMALLER = 3  # per cent of the recipe's batch size that batches may have less, if all of them are then of one size


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """The images of one step, uint8 (n, C, H, W), and their labels (n,).

    Attributes:
        number: of the step, from 0, over the whole training.
        whole: images of the step in all processes together.
        blend: what :func:`draw_blend` drew for it, on the images' device.
        dropout: seed of what is dropped.
    """

    number: int
    images: Tensor
    labels: Tensor
    whole: int
    blend: Tensor
    dropout: int


def steps_per_epoch(data: SearchData, recipe: Recipe) -> int:
    """Batches that the training images are dealt into."""
    return count_batches(len(data.train), recipe.batch_size)


def count_batches(images: int, largest: int) -> int:
    """Batches of at most ``largest`` images: as few as will do, or the fewest that all have one size.

    One size is worth up to :data:`SMALLER` of it: what is recorded, compiled or chosen by measuring is so for one size
    of batch. 45,000 images by 128 are 360 batches of 125; by 64, where 60 would be too few, 704 of 64 and 63.
    """
    fewest = math.ceil(images / largest)
    most = 100 * images // ((100 - SMALLER) * largest)
    return next((count for count in range(fewest, most + 1) if images % count == 0), fewest)


def sizes_of_batches(data: SearchData, recipe: Recipe) -> tuple[int, ...]:
    """How many images the batches have, the larger number first: one number, or two that differ by one."""
    smaller, larger = divmod(len(data.train), steps_per_epoch(data, recipe))
    return (smaller + 1, smaller) if larger else (smaller,)


def draw_batches(
    data: SearchData, recipe: Recipe, seed: int, epoch: int, begun: int = 0, ranks: Ranks = ALONE
) -> Iterator[TrainingBatch]:
    """The batches of an epoch, from 1, after its first ``begun``, on the device that the data are on.

    The images are dealt evenly: each once an epoch, in batches that differ by one image at most; :func:`count_batches`
    says how many. So nothing is dropped, and no last batch is a single image, which batch norm cannot take.
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
    """What is hidden and blended in ``n`` images of ``shape`` (C, H, W): int64 (k, n) on the CPU, k 0 if nothing is."""
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
    """The images normalised and laid out; and their labels (n,) or, blended, the chances of their classes (n, classes).

    Args:
        blend: of :func:`draw_blend`, on the images' device; a recipe that hides and blends nothing needs none.
    """
    dtype = torch.float32 if recipe.mixup else training_dtype(images.device)  # blends are rounded once, by the network
    x, targets = normalise(images, data.mean, data.std, dtype), labels
    if recipe.cutout or recipe.mixup:
        assert blend is not None, "this recipe hides or blends"
        x = cutout(x, blend[:2], recipe.cutout) if recipe.cutout else x
        if recipe.mixup:
            x, targets = mixup(x, labels, len(data.classes), blend[-2:])
    return x, targets


def _draw_seeds(n: int, *entropy: int) -> list[int]:
    seeds: list[int] = np.random.SeedSequence(entropy).generate_state(n).tolist()
    return seeds
