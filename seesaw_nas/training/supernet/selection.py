"""Selects the entries of a supernet's flat vector that an architecture uses, in the order of its layers.

Widths and expansions use leading channels, kernel 3 the centre of 5, a partition its tiles of the dense matrix. Inner
channels are stored in the order of pw1, before any permutation, and outputs in their own order: so the order of
:mod:`seesaw_nas.network.wiring` is an order of the rows of pw1 and dw and of the columns of pw2.

The entries of a block are cached, counted from the first entry of its slot, so that equal blocks in slots of equal
storage share them.
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

NONE = 2**30  # stands for a zero; larger than every index, even after the start of a slot is added to it
KEPT_BYTES, ENDS_BYTES = 256 * 2**20, 16 * 2**20  # limits of the caches for blocks, and for stems and heads each
Index = np.ndarray  # int32


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Entries of several layers, counted from the first entry of their slot; int32, on one device.

    Attributes:
        weights: (w,), entries of the layers' weights, one layer after the other.
        scales, offsets: (c,), entries of their batch norms.
    """

    weights: Tensor
    scales: Tensor
    offsets: Tensor

    @classmethod
    def of(
        cls, weights: Sequence[Index], scales: Sequence[Index], offsets: Sequence[Index], device: torch.device
    ) -> Entries:
        """Copy all entries to the device at once; on CUDA the host does not wait for it."""
        parts = (weights, scales, offsets)
        copied = torch.from_numpy(np.concatenate([entries.ravel() for part in parts for entries in part]))
        if device.type == "cuda":
            copied = copied.pin_memory().to(device, non_blocking=True)
        return cls(*copied.split_with_sizes([sum(entries.size for entries in part) for part in parts]))

    @property
    def nbytes(self) -> int:
        return self.weights.nbytes + self.scales.nbytes + self.offsets.nbytes


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The entries of a whole network; made by :func:`select`.

    Attributes:
        index: int32, (wired,): the entry of each value; zeros refer to the entry after the last. Weights of stem,
            blocks, head and classifier come first, then the scales of all batch norms, their offsets, and the
            classifier's bias.
        layers: the shapes of the layers that the values belong to.
    """

    index: Tensor
    layers: LayerShapes


def select(layout: Layout, architecture: Architecture, multiple: int, device: torch.device) -> Selection:
    """The entries that an architecture uses, of a vector (size + 1,) whose last entry is a zero.

    Args:
        multiple: number to a multiple of which widths are padded; 1 for no padding.
    """
    stem, (widest, most, *_) = layout.shapes["stem.weight"], layout.shapes["head.weight"]
    stages, last, channels = layout.stages_of(architecture), architecture.placed[-1].c_out, architecture.head.channels
    head = head_entries(widest, most, last, channels, architecture.classes, multiple, device)
    parts = [
        (stem_entries(stem[0], stem[1], architecture.stem.channels, multiple, device), 0),
        *(_place_entries(layout, stages[at.stage], at, multiple, device) for at in architecture.placed),
        (head, layout.starts["head.weight"]),
    ]
    pieces = [(getattr(entries, name), start) for name in ("weights", "scales", "offsets") for entries, start in parts]
    bias = torch.arange(architecture.classes, dtype=torch.int32, device=device)
    tensors, starts = zip(*pieces, (bias, layout.starts["classifier.bias"]), strict=True)
    index = torch.cat(torch._foreach_add(tensors, starts)).clamp_max_(layout.size)
    return Selection(index, LayerShapes.of(architecture, multiple))


def _place_entries(
    layout: Layout, stage: int, placed: PlacedBlock, multiple: int, device: torch.device
) -> tuple[Entries, int]:
    """The entries of a block, and where its storage starts; ``stage`` is its stage's index in the space."""
    place, start = layout.places[stage, placed.index], layout.start(stage, placed.index)
    return block_entries(_without_activation(placed.block), placed.c_in, placed.c_out, place, multiple, device), start


@lru_cache(maxsize=KEPT)
def _without_activation(block: Block) -> Block:
    """The block without its activation, which does not change the entries."""
    return replace(block, expand_activation="none")


@cache_within(KEPT_BYTES)
def block_entries(
    block: Block, c_in: int, c_out: int, place: WidestBlock, multiple: int, device: torch.device
) -> Entries:
    """Entries of pw1 (inner, c_in), dw (inner, 1, k, k) and pw2 (c_out, inner), and of their batch norms."""
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
    """Entries of the stem's convolution, channels-last, and its batch norm, in storage for ``most`` channels."""
    rows, area, wide = _range(channels), KERNEL**2, round_up(channels, multiple)
    columns = _range(inputs * area).reshape(inputs, area).T.ravel()
    weights, first = _matrix(rows * inputs * area, columns, wide, len(columns)), most * inputs * area
    return Entries.of([weights], [_vector(first + rows, wide)], [_vector(first + most + rows, wide)], device)


@cache_within(ENDS_BYTES)
def head_entries(
    widest: int, most: int, c_in: int, channels: int, classes: int, multiple: int, device: torch.device
) -> Entries:
    """Entries of the head's convolution, its batch norm and the classifier.

    The storage is for ``widest`` channels of the head, from ``most`` inputs.
    """
    rows, wide, first = _range(channels), round_up(channels, multiple), widest * most
    head = _matrix(rows * most, _range(c_in), wide, round_up(c_in, multiple))
    classifier = _matrix(first + 2 * widest + _range(classes) * widest, rows, classes, wide)
    norm = [_vector(first + start + rows, wide) for start in (0, widest)]
    return Entries.of([head, classifier], norm[:1], norm[1:], device)


def _range(count: int) -> Index:
    return np.arange(count, dtype=np.int32)


def _centre(most: int, side: int) -> Index:
    """Positions of the centre, ``side`` wide, of a kernel that is ``most`` wide."""
    edge, lines = (most - side) // 2, _range(side)
    centre: Index = np.add.outer((edge + lines) * most, edge + lines).ravel()
    return centre


def _matrix(rows: Index, columns: Index, height: int, width: int, tiles: Tiles = ()) -> Index:
    """Row plus column, (height, width), inside the tiles, or everywhere without tiles; :data:`NONE` elsewhere."""
    filled = np.full((height, width), NONE, dtype=np.int32)
    for tile in tiles or whole(len(rows), len(columns)):
        np.add.outer(rows[tile.outputs], columns[tile.inputs], out=filled[tile.outputs, tile.inputs])
    return filled


def _vector(entries: Index, width: int) -> Index:
    """The entries, padded with :data:`NONE` to (width,)."""
    filled = np.full(width, NONE, dtype=np.int32)
    filled[: len(entries)] = entries
    return filled
