"""Fewer images of a data set, and whether they are enough for what is to be trained."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import DataError, SpecError
from seesaw_nas.data import splits
from seesaw_nas.data.images import SearchData, Split

LEAST = 2  # images to train on, for batch norm
AnySplit = TypeVar("AnySplit", bound=Split)


def subset(images: AnySplit, n: int, seed: int) -> AnySplit:
    """``n`` of the images, each class in proportion, in their order; a smaller subset is part of a larger one.

    Args:
        seed: 0 or more.

    Raises:
        DataError: ``n`` is not between 1 and the number of images.
    """
    if not 1 <= n <= len(images):
        raise DataError(f"cannot take {n:,} images: there are {len(images):,}; ask for 1 to {len(images):,}")
    return images.take(splits.draw(images.labels.cpu().numpy(), n, seed))


def cut(images: SearchData, n_train: int, n_validation: int, seed: int) -> SearchData:
    """So many of the images to train on and to validate with, each class in proportion; 0 for the whole split.

    More to validate with than its split has are taken from the training images that are left over; where the whole
    split is to be trained on, from this, and all others are trained on.

    Raises:
        DataError: there are not so many, or fewer than two to train on.
    """
    whole = images.train
    if n_train:
        images = replace(images, train=subset(whole, n_train, seed))
    check_enough(images)
    if not n_validation:
        return images
    own = images.validation
    more = n_validation - len(own)
    if more <= 0:
        return replace(images, validation=subset(own, n_validation, seed))
    labels = whole.labels.cpu().numpy()
    left = splits.left_by(labels, n_train, seed) if n_train else np.arange(len(whole))
    most = len(left) if n_train else len(left) - LEAST
    if more > most:
        which = f"{len(left):,} training images that --train-size leaves" if n_train else f"{len(left):,} to train on"
        raise DataError(
            f"cannot validate with {n_validation:,} images: there are {len(own):,}, and {which}; "
            f"ask for 1 to {len(own) + most:,}"
        )
    taken = left[splits.draw(labels[left], more, seed)]
    if not n_train:
        images = replace(images, train=whole.take(np.setdiff1d(left, taken)))
    return replace(images, validation=own.join(whole.take(taken)))


def check_enough(data: SearchData) -> None:
    """Refuse to train on a single image, of whose 1 x 1 maps batch norm would have one value a channel.

    Raises:
        DataError: there are fewer than two training images.
    """
    if (n := len(data.train)) < LEAST:
        raise DataError(
            f"cannot train on {n} image{'' if n == 1 else 's'}: batch norm wants at least 2; give more, or a larger "
            "--train-size (0 for all)"
        )


def check_fits(architecture: Architecture, data: SearchData) -> None:
    """Refuse an architecture that cannot be trained on these images.

    Raises:
        SpecError: the architecture has another input shape or another number of classes than the data set.
    """
    if architecture.input != data.input:
        raise SpecError(f"images of {data.name} have shape {data.input}, the architecture reads {architecture.input}")
    if architecture.classes != len(data.classes):
        raise SpecError(f"{data.name} has {len(data.classes)} classes, the architecture {architecture.classes}")
