"""Drawing images so that every class keeps its share, the same on every machine and with every version of numpy."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Indices = npt.NDArray[np.int64]

SPLIT_SEED = 1905


def draw(labels: Indices, n: int, seed: int) -> Indices:
    """Positions of ``n`` images, in ascending order, each class in proportion to its size.

    An image at place r (from 0) of the seeded order of its class, which has c images, has priority r/c, and the n
    lowest are drawn: Adams' method of apportionment. So every class has an image where n is at least the number of
    classes, classes of one size differ by one image at most, and a smaller draw is contained in a larger one.

    Args:
        labels: class of each image, from 0, (N,).
        n: from 0 to N; a caller has checked it.
        seed: 0 or more.
    """
    # numpy promises the raw stream of a bit generator for ever, but not what Generator.permutation makes of it.
    keys = np.random.PCG64(seed).random_raw(len(labels))
    sizes = np.bincount(labels)
    starts = np.cumsum(sizes) - sizes
    order = np.lexsort((keys, labels))
    place = np.empty(len(labels), dtype=np.int64)
    place[order] = np.arange(len(labels)) - starts[labels[order]]
    chosen = np.lexsort((keys, place / sizes[labels]))[:n]
    return np.sort(chosen)


def permutation(n: int, seed: int) -> Indices:
    """The positions 0 to n - 1 in random order."""
    return np.argsort(np.random.PCG64(seed).random_raw(n), kind="stable")


def count_of(labels: Indices, share: float) -> int:
    """Images in this share of all, at least one a class."""
    return max(len(np.unique(labels)), round(share * len(labels)))


def hold_out(labels: Indices, n: int, seed: int) -> tuple[Indices, Indices]:
    """Positions that stay and the ``n`` positions drawn from them, both in ascending order."""
    out = draw(labels, n, seed)
    return np.setdiff1d(np.arange(len(labels)), out), out


def split_three_ways(labels: Indices, share: float) -> tuple[Indices, Indices, Indices]:
    """Positions of the train, validation and test images; the latter two have ``share`` of all images each.

    Every class with three images or more is in all three.
    """
    n = count_of(labels, share)
    rest, test = hold_out(labels, n, SPLIT_SEED)
    train, validation = hold_out(labels[rest], n, SPLIT_SEED + 1)
    return rest[train], rest[validation], test
