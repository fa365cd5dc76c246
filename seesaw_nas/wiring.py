"""Which inner channel meets which group: the permutations of a block turned into an order of channels.

A permutation commutes with the depthwise convolution and with batch norm, so it need not be carried out: it only
decides which inner channels each group of pw2 reads. Ordering the inner channels by who writes and who reads them
leaves pw1 and pw2 as a few rectangles of a dense weight, the tiles. Deployment and training both compute in this order.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seesaw_nas.ops import SeesawBlock
from seesaw_nas.spec import Placed

Labels = tuple[int, ...]  # for each channel the group that it belongs to


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of a 1x1 convolution's weight outside which it is zero: output channels by input channels."""

    outputs: slice
    inputs: slice


Tiles = tuple[Tile, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Wiring:
    """How a block computes without moving a channel.

    Attributes:
        order: for each inner channel here, its place behind pw1, where pw1's weights and batch norm have it.
        back: the same behind the permutation, where the depthwise convolution, its batch norm and pw2 have it.
        written: for each output channel, its place behind pw2, before a second permutation.
        pw1, pw2: their tiles in this order, output channels first.
        pieces: the runs of inner channels that one group of pw1 writes and one group of pw2 reads.
    """

    order: Tensor
    back: Tensor
    written: Tensor
    pw1: Tiles
    pw2: Tiles
    pieces: tuple[slice, ...]


def wiring(at: Placed, block: SeesawBlock) -> Wiring:
    """The wiring of the block that was built for ``at``; index tensors (channels,) on the CPU."""
    source, writer = (_labels(at.block.partition.sizes(width)) for width in (at.c_in, at.inner))
    reader, target = (_labels(at.block.project_partition.sizes(width)) for width in (at.inner, at.c_out))
    place, written = torch.argsort(_moved(block.permute, at.inner)), _moved(block.unpermute, at.c_out)
    order = _chained(writer, [reader[i] for i in place])
    back = place[order]
    writers, readers = [writer[i] for i in order], [reader[i] for i in back]
    return Wiring(
        order,
        back,
        written,
        tiles(writers, source),
        tiles([target[i] for i in written], readers),
        tuple(run for _, run in _runs(list(zip(writers, readers, strict=True)))),
    )


def _labels(sizes: Sequence[int]) -> Labels:
    return tuple(itertools.chain.from_iterable([group] * size for group, size in enumerate(sizes)))


def _moved(permutation: nn.Module, channels: int) -> Tensor:
    """For each channel behind ``permutation`` the channel before it."""
    places = torch.arange(channels).view(1, channels, 1, 1)
    moved: Tensor = permutation(places)
    return moved.flatten()


def _chained(writer: Labels, reader: Sequence[int]) -> Tensor:
    """Channels by the group that writes them; within it, what the same group reads together.

    Each writer's channels begin with the readers that the one before ended with, so that readers' channels too stand
    together as far as they can.
    """
    members: dict[tuple[int, int], list[int]] = {}
    for i, pair in enumerate(zip(writer, reader, strict=True)):
        members.setdefault(pair, []).append(i)
    order, last = [], -1
    for group in sorted(set(writer)):
        readers = sorted((r != last, r) for w, r in members if w == group)  # the last one first
        order += [i for _, r in readers for i in members[group, r]]
        last = readers[-1][1]
    return torch.tensor(order)


def _runs(labels: Sequence[object]) -> Iterator[tuple[object, slice]]:
    """The runs of equal labels, in order."""
    start = 0
    for label, members in itertools.groupby(labels):
        stop = start + len(list(members))
        yield label, slice(start, stop)
        start = stop


def tiles(outputs: Sequence[int], inputs: Sequence[int]) -> Tiles:
    """The rectangles in which an output channel and an input channel have the same label, outputs first in order."""
    return tuple(
        Tile(rows, columns)
        for row_label, rows in _runs(outputs)
        for column_label, columns in _runs(inputs)
        if row_label == column_label
    )
