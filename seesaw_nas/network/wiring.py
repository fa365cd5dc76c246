"""The wiring of a block: its permutations, expressed as an order of its inner channels.

A permutation commutes with the depthwise convolution and with batch norm, so it need not be executed: it only decides
which inner channels each group of pw2 reads. If inner channels are ordered by the group that writes and the group that
reads them, pw1 and pw2 consist of a few rectangles of a dense weight, the tiles. Deployment and training both compute
in this order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from seesaw_nas.architecture.spec import Block

Labels = np.ndarray  # int64, (channels,): for each channel the group that it belongs to
KEPT = 8192  # cached wirings, of about 3 KB each


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of a 1x1 convolution's weight: output channels by input channels. Outside of all tiles it is zero."""

    outputs: slice
    inputs: slice


Tiles = tuple[Tile, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Wiring:
    """How a block computes without moving a channel.

    Attributes:
        order: int64, (inner,): position of each inner channel after pw1, as in the weights and batch norm of pw1.
        back: position of each inner channel after the permutation, as in the weights of dw and pw2 and dw's batch norm.
        written: int64, (c_out,): position of each output channel after pw2, before a second permutation.
        pw1, pw2: the tiles of pw1 and pw2 in this order of channels.
        pieces: runs of inner channels that one group of pw1 writes and one group of pw2 reads.
    """

    order: np.ndarray
    back: np.ndarray
    written: np.ndarray
    pw1: Tiles
    pw2: Tiles
    pieces: tuple[slice, ...]


@lru_cache(maxsize=KEPT)
def wiring(block: Block, c_in: int, c_out: int) -> Wiring:
    """The wiring of a block between these widths, at any position in a network."""
    inner, groups = block.expansion * c_in, block.partition.groups
    source, writer = (_labels(block.partition.sizes(width)) for width in (c_in, inner))
    reader, target = (_labels(block.project_partition.sizes(width)) for width in (inner, c_out))
    place = np.argsort(permutation_order(groups if block.flow in ("shuffle", "igcv3") else 1, inner))
    written = permutation_order(c_out // groups if block.flow == "igcv3" else 1, c_out)
    order = _sort_channels(writer, reader[place])
    back = place[order]
    writers, readers = writer[order], reader[back]
    pieces = tuple(run for _, run in _runs(writers * (1 + readers.max()) + readers))
    return Wiring(order, back, written, tiles(writers, source), tiles(target[written], readers), pieces)


def permutation_order(groups: int, channels: int) -> np.ndarray:
    """Input channel of each output channel of :func:`seesaw_nas.network.ops.permute_channels`: int64, (channels,)."""
    return np.arange(channels).reshape(groups, -1).T.ravel()


def _labels(sizes: tuple[int, ...]) -> Labels:
    return np.repeat(np.arange(len(sizes)), sizes)


def _sort_channels(writer: Labels, reader: Labels) -> np.ndarray:
    """Channels sorted by the group that writes them and, within that, by the group that reads them.

    The channels of each writer begin with the reader that the previous ones ended with, so that the channels of a
    reader are together, too, as far as possible.
    """
    order, last = [], -1
    for group in range(int(writer.max()) + 1):
        members = np.flatnonzero(writer == group)
        read_by = reader[members]
        readers = sorted(set(read_by.tolist()), key=lambda r: (r != last, r))  # last writer's last reader first
        order += [members[read_by == r] for r in readers]
        last = readers[-1]
    return np.concatenate(order)


def _runs(labels: Labels) -> Iterator[tuple[int, slice]]:
    """The runs of equal labels, in order."""
    starts = [0, *(np.flatnonzero(np.diff(labels)) + 1).tolist(), len(labels)]
    for start, stop in itertools.pairwise(starts):
        yield int(labels[start]), slice(start, stop)


def whole(c_out: int, c_in: int) -> Tiles:
    """One tile that covers a whole weight."""
    return (Tile(slice(0, c_out), slice(0, c_in)),)


def tiles(outputs: Labels, inputs: Labels) -> Tiles:
    """The rectangles in which output and input channels have the same label, sorted by outputs, then inputs."""
    columns = list(_runs(inputs))
    return tuple(
        Tile(rows, run)
        for row_label, rows in _runs(outputs)
        for column_label, run in columns
        if row_label == column_label
    )
