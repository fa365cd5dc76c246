"""Which entries of a supernet's flat vector an architecture computes with, in the order of its layers.

Widths and expansions use leading channels, kernel 3 the centre of 5, a partition its tiles of the dense matrix. Inner
channels keep the order that pw1 has them in, whatever permutes them, and outputs keep theirs: so the layers' own order
(:mod:`seesaw_nas.network.wiring`) is an order of the rows of pw1 and dw and of the columns of pw2.

What a block takes is kept by its kind and the storage at its place, counted from the place's first entry: blocks of one
kind share it wherever they stand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from seesaw_nas.architecture.spec import Architecture, Block, PlacedBlock
from seesaw_nas.network.flat import LayerShapes
from seesaw_nas.network.flat.cache import cache_within
from seesaw_nas.network.flat.shapes import KERNEL, round_up
from seesaw_nas.network.wiring import KEPT, Tiles, whole, wiring
from seesaw_nas.training.supernet.layout import Layout, WidestBlock

NONE = 2**30  # in place of an entry: the value is zero; above every entry, also when a start is added to it
KEPT_BYTES, ENDS_BYTES = 256 * 2**20, 16 * 2**20  # of the entries that are kept: of blocks; of stems and of heads
Index = np.ndarray  # int32


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """What some layers take, counted from the first entry of the place where they stand; int32, on one device.

    Attributes:
        weights: (w,), of their weights one after the other.
        scales, offsets: (c,), of their batch norms.
    """

    weights: Tensor
    scales: Tensor
    offsets: Tensor

    @classmethod
    def of(
        cls, weights: Sequence[Index], scales: Sequence[Index], offsets: Sequence[Index], device: torch.device
    ) -> Entries:
        """Copied to the device at once; on CUDA the host does not wait for it."""
        parts = (weights, scales, offsets)
        joined = torch.from_numpy(np.concatenate([entries.ravel() for part in parts for entries in part]))
        if device.type == "cuda":
            joined = joined.pin_memory().to(device, non_blocking=True)
        return cls(*joined.split_with_sizes([sum(entries.size for entries in part) for part in parts]))

    @property
    def nbytes(self) -> int:
        return self.weights.nbytes + self.scales.nbytes + self.offsets.nbytes


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """What a whole network takes; :func:`select` makes it.

    Attributes:
        index: int32, (wired,): the entry of each value, and for zeros the one behind the last: weights of stem, blocks,
            head and classifier, then the scales of all batch norms, their offsets, and the classifier's bias.
        layers: the shapes that these are cut into.
    """

    index: Tensor
    layers: LayerShapes


def select(layout: Layout, architecture: Architecture, multiple: int, device: torch.device) -> Selection:
    """What an architecture of the layout's space takes of a vector with one more entry, a zero, behind its last.

    Args:
        multiple: to which widths are padded; 1 for no padding.
    """
    stem, head, last = layout.shapes["stem.weight"], layout.shapes["head.weight"], architecture.placed[-1].c_out
    parts = [
        (stem_entries(stem[0], stem[1], architecture.stem.channels, multiple, device), 0),
        *(_at_place(layout, placed, multiple, device) for placed in architecture.placed),
        (head_entries(head[1], last, head[0], architecture.classes, multiple, device), layout.starts["head.weight"]),
    ]
    pieces = [(getattr(entries, name), start) for name in ("weights", "scales", "offsets") for entries, start in parts]
    bias = torch.arange(architecture.classes, dtype=torch.int32, device=device)
    tensors, starts = zip(*pieces, (bias, layout.starts["classifier.bias"]), strict=True)
    index = torch.cat(torch._foreach_add(tensors, starts)).clamp_max_(layout.size)
    return Selection(index, LayerShapes.of(architecture, multiple))


def _at_place(layout: Layout, placed: PlacedBlock, multiple: int, device: torch.device) -> tuple[Entries, int]:
    place, start = layout.places[placed.stage, placed.index], layout.start(placed.stage, placed.index)
    return block_entries(_without_activation(placed.block), placed.c_in, placed.c_out, place, multiple, device), start


@lru_cache(maxsize=KEPT)
def _without_activation(block: Block) -> Block:
    """The block that takes the same entries."""
    return replace(block, expand_activation="none")


@cache_within(KEPT_BYTES)
def block_entries(
    block: Block, c_in: int, c_out: int, place: WidestBlock, multiple: int, device: torch.device
) -> Entries:
    """Of pw1 (inner, c_in), dw (inner, 1, k, k) and pw2 (c_out, inner), and of the batch norms behind them."""
    wired, starts = wiring(block, c_in, c_out), place.starts
    inner, inputs, outputs = wired.order.astype(np.int32), _range(c_in), _range(c_out)
    wide_in, wide, wide_out = (round_up(width, multiple) for width in (c_in, len(inner), c_out))
    expand = _matrix(starts["pw1.weight"] + inner * place.c_in, inputs, wide, wide_in, wired.pw1)
    centre = _centre(place.kernel, block.kernel)
    kernels = _matrix(starts["dw.weight"] + inner * place.kernel**2, centre, wide, len(centre))
    project = _matrix(starts["pw2.weight"] + outputs * place.inner, inner, wide_out, wide, wired.pw2)
    norms = (("pw1_bn", inner, wide), ("dw_bn", inner, wide), ("pw2_bn", outputs, wide_out))
    scales = [_vector(starts[f"{norm}.weight"] + channels, width) for norm, channels, width in norms]
    offsets = [_vector(starts[f"{norm}.bias"] + channels, width) for norm, channels, width in norms]
    return Entries.of([expand, kernels, project], scales, offsets, device)


@cache_within(ENDS_BYTES)
def stem_entries(most: int, inputs: int, channels: int, multiple: int, device: torch.device) -> Entries:
    """Of the stem's convolution, channels-last, and its batch norm, where there is storage for ``most`` channels."""
    rows, area, wide = _range(channels), KERNEL**2, round_up(channels, multiple)
    columns = _range(inputs * area).reshape(inputs, area).T.ravel()
    weights, first = _matrix(rows * inputs * area, columns, wide, len(columns)), most * inputs * area
    return Entries.of([weights], [_vector(first + rows, wide)], [_vector(first + most + rows, wide)], device)


@cache_within(ENDS_BYTES)
def head_entries(most: int, c_in: int, channels: int, classes: int, multiple: int, device: torch.device) -> Entries:
    """Of the head's convolution, its batch norm and the classifier, where there is storage for ``most`` inputs."""
    rows, wide, first = _range(channels), round_up(channels, multiple), channels * most
    head = _matrix(rows * most, _range(c_in), wide, round_up(c_in, multiple))
    classifier = _matrix(first + 2 * channels + _range(classes) * channels, rows, classes, wide)
    norm = [_vector(first + start + rows, wide) for start in (0, channels)]
    return Entries.of([head, classifier], norm[:1], norm[1:], device)


def _range(count: int) -> Index:
    return np.arange(count, dtype=np.int32)


def _centre(most: int, side: int) -> Index:
    """The middle of a kernel ``most`` wide, ``side`` wide."""
    edge, lines = (most - side) // 2, _range(side)
    centre: Index = np.add.outer((edge + lines) * most, edge + lines).ravel()
    return centre


def _matrix(rows: Index, columns: Index, height: int, width: int, tiles: Tiles = ()) -> Index:
    """The sums of a row and a column, (height, width), in the tiles, or in all without tiles, and nothing elsewhere."""
    filled = np.full((height, width), NONE, dtype=np.int32)
    for tile in tiles or whole(len(rows), len(columns)):
        np.add.outer(rows[tile.outputs], columns[tile.inputs], out=filled[tile.outputs, tile.inputs])
    return filled


def _vector(entries: Index, width: int) -> Index:
    """(width,), with nothing behind."""
    filled = np.full(width, NONE, dtype=np.int32)
    filled[: len(entries)] = entries
    return filled
