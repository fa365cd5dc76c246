"""Stratified draws and splits of images, the same on every machine and with every version of numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]

SPLIT_SEED = 1905


def draw(labels: Indices, n: int, seed: int) -> Indices:
    """Positions of ``n`` images, in ascending order, each class in proportion to its size.

    The image at position r (from 0) in the seeded order of its class of c images has priority r/c, and the n lowest are
    drawn: Adams' method of apportionment. So every class has an image if n is at least the number of classes, classes
    of equal size differ by one image at most, and a smaller draw is contained in a larger one.

    Args:
        labels: class of each image, from 0, (N,).
        n: number of images, from 0 to N; not checked here.
        seed: 0 or more.
    """
    # numpy keeps the raw stream of a bit generator fixed for ever, but not the results of Generator.permutation.
    keys = np.random.PCG64(seed).random_raw(len(labels))
    sizes = np.bincount(labels)
    starts = np.cumsum(sizes) - sizes
    order = np.lexsort((keys, labels))
    place = np.empty(len(labels), dtype=np.int64)
    place[order] = np.arange(len(labels)) - starts[labels[order]]
    chosen = np.lexsort((keys, place / sizes[labels]))[:n]
    return np.sort(chosen)


def left_by(labels: Indices, n: int, seed: int) -> Indices:
    """Positions of the images that :func:`draw` does not draw, in ascending order."""
    return np.setdiff1d(np.arange(len(labels)), draw(labels, n, seed))


def permutation(n: int, seed: int) -> Indices:
    """The positions 0 to n - 1 in random order."""
    return np.argsort(np.random.PCG64(seed).random_raw(n), kind="stable")


def count_of(labels: Indices, share: float) -> int:
    """Number of images in this share of all images, at least one per class."""
    return max(len(np.unique(labels)), round(share * len(labels)))


def hold_out(labels: Indices, n: int, seed: int) -> tuple[Indices, Indices]:
    """Draw ``n`` positions; returns the remaining and the drawn ones, both in ascending order."""
    out = draw(labels, n, seed)
    return np.setdiff1d(np.arange(len(labels)), out), out


def split_three_ways(labels: Indices, share: float) -> tuple[Indices, Indices, Indices]:
    """Positions of the training, validation and test images; the last two are ``share`` of all images each.

    Every class with at least three images is in all three parts.
    """
    n = count_of(labels, share)
    rest, test = hold_out(labels, n, SPLIT_SEED)
    train, validation = hold_out(labels[rest], n, SPLIT_SEED + 1)
    return rest[train], rest[validation], test
