"""Which entries of the flat vector an ordinary network's parameters are, in the order of ``named_parameters()``.

Widths and expansions use leading channels, kernel 3 the centre of 5, a partition the diagonal blocks of the dense
matrix at its own channel counts. Inner channels keep the order that pw1 has them in, whatever permutes them: entry j of
what stands behind a permutation is that of the channel which comes to stand there. Outputs keep theirs likewise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TypeVar

import torch
from torch import Tensor

from seesaw_nas.ops import permute_channels
from seesaw_nas.spec import Architecture, Partition, Placed
from seesaw_nas.supernet.layout import Layout, block_name

KEPT = 512  # indices of blocks, of 8 bytes a weight
Part = TypeVar("Part")


def block_index(layout: Layout, at: Placed) -> Tensor:
    """int64, an entry for each of the block's weights, as :class:`seesaw_nas.ops.SeesawBlock` has them in order."""
    numbers, block, inner = _Numbers(layout, block_name(at.stage, at.index)), at.block, at.inner
    groups, permutes = block.partition.groups, block.flow in ("shuffle", "igcv3")
    back = _moved(groups if permutes else 1, inner)
    rows = torch.argsort(_moved(at.c_out // groups if block.flow == "igcv3" else 1, at.c_out))
    pw1, pw2 = numbers.of("pw1.weight"), numbers.of("pw2.weight")
    parts = [
        *_blocks(pw1[:inner, : at.c_in], block.partition),
        *numbers.norm("pw1_bn", torch.arange(inner)),
        _centre(numbers.of("dw.weight"), block.kernel)[back],
        *numbers.norm("dw_bn", back),
        *_blocks(pw2[rows][:, back], block.project_partition),
        *numbers.norm("pw2_bn", rows),
    ]
    return torch.cat([part.flatten() for part in parts])


def stem_index(layout: Layout, channels: int) -> Tensor:
    """int64, of the stem's convolution and batch norm."""
    numbers = _Numbers(layout, "")
    parts = [numbers.of("stem.weight")[:channels], *numbers.norm("stem_bn", torch.arange(channels))]
    return torch.cat([part.flatten() for part in parts])


def head_index(layout: Layout, c_in: int) -> Tensor:
    """int64, of the head's convolution behind ``c_in`` channels and its batch norm, and of the classifier."""
    numbers = _Numbers(layout, "")
    names = ("head_bn.weight", "head_bn.bias", "classifier.weight", "classifier.bias")
    parts = [numbers.of("head.weight")[:, :c_in], *map(numbers.of, names)]
    return torch.cat([part.flatten() for part in parts])


class Indices:
    """The indices of one layout's architectures on one device; those of their parts are kept."""

    def __init__(self, layout: Layout, device: torch.device) -> None:
        self._layout, self._device = layout, device
        self._block = lru_cache(KEPT)(self._made(block_index))
        self._stem, self._head = lru_cache(None)(self._made(stem_index)), lru_cache(None)(self._made(head_index))

    def of(self, architecture: Architecture) -> Tensor:
        """int64, (params,): the entries of the architecture's parameters, in the order of ``named_parameters()``."""
        blocks = [self._block(at) for at in architecture.placed]
        return torch.cat([self._stem(architecture.stem.channels), *blocks, self._head(architecture.placed[-1].c_out)])

    def _made(self, make: Callable[[Layout, Part], Tensor]) -> Callable[[Part], Tensor]:
        return lambda part: make(self._layout, part).to(self._device)


class _Numbers:
    """The places in the flat vector, shaped as the tensors there, of all names that begin with ``name``."""

    def __init__(self, layout: Layout, name: str) -> None:
        self._layout, self._prefix = layout, f"{name}." if name else ""

    def of(self, name: str) -> Tensor:
        shape, start = self._layout.shapes[self._prefix + name], self._layout.starts[self._prefix + name]
        return torch.arange(start, start + torch.Size(shape).numel()).view(shape)

    def norm(self, name: str, channels: Tensor) -> Iterator[Tensor]:
        """Of a batch norm's weight and bias, at these channels."""
        return (self.of(f"{name}.{kind}")[channels] for kind in ("weight", "bias"))


def _moved(groups: int, channels: int) -> Tensor:
    """For each channel behind a permutation the one before it, (channels,)."""
    return permute_channels(torch.arange(channels).view(1, channels, 1, 1), groups).flatten()


def _blocks(matrix: Tensor, partition: Partition) -> list[Tensor]:
    """The diagonal blocks of a (c_out, c_in, 1, 1) weight, group by group."""
    rows, columns = (partition.sizes(width) for width in matrix.shape[:2])
    return [
        whole.split_with_sizes(columns, dim=1)[group]
        for group, whole in enumerate(matrix.split_with_sizes(rows, dim=0))
    ]


def _centre(kernel: Tensor, side: int) -> Tensor:
    """The middle of a (channels, 1, K, K) weight, ``side`` wide."""
    edge = (kernel.shape[-1] - side) // 2
    return kernel[..., edge : edge + side, edge : edge + side]
