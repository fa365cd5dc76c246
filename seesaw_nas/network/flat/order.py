"""The order in which layers need their weights: wired, dense and, on some devices, padded.

A network stores its weights group by group, in the order of its modules. Its layers compute with dense matrices whose
channels have the order of :mod:`seesaw_nas.network.wiring`. An index leads from one to the other: one gather per step
prepares all layers, and since no weight is used twice, gradients return by a gather as well, not by a scatter.

Channels may be padded to a multiple. A padded channel has zero weights, zero scale and zero offset, so it is always
zero: outputs, gradients and statistics of the other channels do not change.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.network.flat.cache import cache_within
from seesaw_nas.network.flat.shapes import KERNEL, LayerShapes, round_up
from seesaw_nas.network.wiring import Wiring, wiring

OUTSIDE = -1  # in an index: there is no weight here, the value is zero
Index = np.ndarray  # int32, (n,)
BLOCKS_BYTES, NETWORKS_BYTES = 64 * 2**20, 256 * 2**20  # limits of the caches of orders


@dataclass(frozen=True, slots=True, eq=False)
class BlockOrder:
    """Indices of one block's values, counted from the block's first value.

    Attributes:
        weights: index of pw1 (inner, c_in), dw (inner, 1, k, k) and pw2 (c_out, inner), one after the other, into the
            weights of the block's convolutions in the order of its modules.
        scales, offsets: index of the scales and offsets of its three batch norms, into the block's scales and offsets.
        statistics: index of the statistics of its batch norms, into the block's statistics.
        n_weights, n_vectors, n_statistics: numbers of values of the block, without padding.
    """

    weights: Index
    scales: Index
    offsets: Index
    statistics: Index
    n_weights: int
    n_vectors: int
    n_statistics: int

    @property
    def nbytes(self) -> int:
        return sum(part.nbytes for part in (self.weights, self.scales, self.offsets, self.statistics))


@cache_within(BLOCKS_BYTES)
def block_order(block: Block, c_in: int, c_out: int, multiple: int = 1) -> BlockOrder:
    """The order of a block between these widths, at any position in a network.

    Args:
        multiple: number to a multiple of which widths are padded; 1 for no padding.
    """
    wired, inner, area = wiring(block, c_in, c_out), block.expansion * c_in, block.kernel**2
    expand, n_expand = _dense(block.partition, inner, c_in, 0)
    project, n_weights = _dense(block.project_partition, c_out, inner, n_expand + inner * area)
    depthwise = n_expand + np.arange(inner * area, dtype=np.int32).reshape(inner, area)
    widths = (round_up(c_in, multiple), round_up(inner, multiple), round_up(c_out, multiple))
    weights = [
        _pad(expand[wired.order], widths[1], widths[0]),
        _pad(depthwise[wired.back], widths[1], area),
        _pad(project[wired.written][:, wired.back], widths[2], widths[1]),
    ]
    flat = np.concatenate([part.ravel() for part in weights])
    norms = _norm_indices(wired, inner, c_out, widths)
    return BlockOrder(flat, *norms, n_weights, 4 * inner + 2 * c_out, 2 * inner + c_out)


def _dense(partition: Partition, c_out: int, c_in: int, start: int) -> tuple[np.ndarray, int]:
    """Index of each weight of the dense matrix (c_out, c_in) in the groups' matrices; and the end of these."""
    dense, row, column = np.full((c_out, c_in), OUTSIDE, dtype=np.int32), 0, 0
    for outputs, inputs in zip(partition.sizes(c_out), partition.sizes(c_in), strict=True):
        own = np.arange(start, start + outputs * inputs, dtype=np.int32).reshape(outputs, inputs)
        dense[row : row + outputs, column : column + inputs] = own
        row, column, start = row + outputs, column + inputs, start + outputs * inputs
    return dense, start


def _norm_indices(wired: Wiring, inner: int, c_out: int, widths: tuple[int, int, int]) -> tuple[Index, Index, Index]:
    """The indices of scales, offsets and statistics of the batch norms after pw1, dw and pw2."""
    scales, offsets, statistics, start, channel = [], [], [], 0, 0
    layers = ((wired.order, inner, widths[1]), (wired.back, inner, widths[1]), (wired.written, c_out, widths[2]))
    for order, channels, width in layers:
        scales.append(_pad_vector(order + start, width))
        offsets.append(_pad_vector(order + start + channels, width))
        statistics.append(_pad_vector(order + channel, width))
        start, channel = start + 2 * channels, channel + channels
    return np.concatenate(scales), np.concatenate(offsets), np.concatenate(statistics)


def _pad(index: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """The matrix, padded with :data:`OUTSIDE` to ``rows`` and ``columns``."""
    missing = ((0, rows - index.shape[0]), (0, columns - index.shape[1]))
    return np.pad(index, missing, constant_values=OUTSIDE) if (rows, columns) != index.shape else index


def _pad_vector(index: np.ndarray, width: int) -> np.ndarray:
    return np.pad(index, (0, width - len(index)), constant_values=OUTSIDE).astype(np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Gather:
    """An index on a device and its inverse, between ``size`` values and their wired order.

    Attributes:
        index: int32, (wired,): the value at each position of the wired order; ``size``, after the last value, for zero.
        back: int32, (size,): the position of each value in the wired order.
    """

    index: Tensor
    back: Tensor
    size: int

    @classmethod
    def of(cls, index: Index, size: int, device: torch.device) -> Gather:
        """Make both from an index with :data:`OUTSIDE` for zeros, in which each of the ``size`` values occurs once."""
        taken = np.flatnonzero(index != OUTSIDE)
        back = np.empty(size, dtype=np.int32)
        back[index[taken]] = taken
        whole = np.where(index == OUTSIDE, size, index).astype(np.int32)
        return cls(torch.from_numpy(whole).to(device), torch.from_numpy(back).to(device), size)


def _join(parts: Sequence[tuple[Index, int]]) -> tuple[Index, int]:
    """Concatenate indices into vectors of given sizes to one index into the concatenated vectors; and their size."""
    size, shifted = 0, []
    for index, count in parts:
        shifted.append(np.where(index == OUTSIDE, OUTSIDE, index + size))
        size += count
    return np.concatenate(shifted), size


@dataclass(frozen=True, slots=True, eq=False)
class NetworkOrder:
    """Indices of a whole network's values, on one device.

    Attributes:
        layers: shapes of the layers that the values belong to.
        values: index of the weights of all convolutions and the classifier, then of the scales of all batch norms,
            their offsets, and the classifier's bias; into all weights and then all vectors, in the order of the
            modules. The stem's weights are channels-last.
        statistics: index of the batch norms' statistics, in the order of their scales.
    """

    layers: LayerShapes
    values: Gather
    statistics: Gather

    @property
    def nbytes(self) -> int:
        return sum(gather.index.nbytes + gather.back.nbytes for gather in (self.values, self.statistics))


@cache_within(NETWORKS_BYTES)
def network_order(architecture: Architecture, device: torch.device, multiple: int = 1) -> NetworkOrder:
    """The order of a network's weights on a device; see :func:`block_order` for ``multiple``."""
    stem, head, last, classes = (
        architecture.stem.channels, architecture.head.channels, architecture.placed[-1].c_out, architecture.classes
    )  # fmt: skip
    wide = {name: round_up(width, multiple) for name, width in (("stem", stem), ("head", head), ("last", last))}
    blocks = [block_order(placed.block, placed.c_in, placed.c_out, multiple) for placed in architecture.placed]
    inputs = architecture.input_channels
    weights = [
        (_stem_index(stem, inputs, wide["stem"]), stem * inputs * KERNEL**2),
        *((order.weights, order.n_weights) for order in blocks),
        (_matrix(head, last, wide["head"], wide["last"]), head * last),
        (_matrix(classes, head, classes, wide["head"]), classes * head),
    ]
    ends = [_pad_vector(np.arange(width), wide[name]) for name, width in (("stem", stem), ("head", head))]
    scales = [(ends[0], 2 * stem), *((order.scales, order.n_vectors) for order in blocks), (ends[1], 2 * head)]
    second = [np.where(end == OUTSIDE, OUTSIDE, end + width) for end, width in zip(ends, (stem, head), strict=True)]
    offsets = [(second[0], 2 * stem), *((order.offsets, order.n_vectors) for order in blocks), (second[1], 2 * head)]
    statistics = [(ends[0], stem), *((order.statistics, order.n_statistics) for order in blocks), (ends[1], head)]
    (scale, n), (offset, _) = _join(scales), _join(offsets)
    vectors = np.concatenate([scale, offset, np.arange(n, n + classes)])
    values = Gather.of(*_join([_join(weights), (vectors, n + classes)]), device)
    return NetworkOrder(LayerShapes.of(architecture, multiple), values, Gather.of(*_join(statistics), device))


def _stem_index(channels: int, inputs: int, width: int) -> Index:
    """Index of the stem's weights, channels-last."""
    own = np.arange(channels * inputs * KERNEL**2, dtype=np.int32).reshape(channels, inputs, KERNEL**2)
    return _pad(own.transpose(0, 2, 1).reshape(channels, -1), width, inputs * KERNEL**2).ravel()


def _matrix(rows: int, columns: int, height: int, width: int) -> Index:
    return _pad(np.arange(rows * columns, dtype=np.int32).reshape(rows, columns), height, width).ravel()
