"""A trained network as plain weights: batch norm folded into the convolutions, the permutations gone.

In eval mode batch norm is a scale and an offset a channel, which the convolution before it can hold. A permutation
commutes with the depthwise convolution, so it only decides which inner channel each group of pw2 reads; ordering the
inner channels anew keeps what a group reads together. The offset of pw2 is carried along the residual connections into
the next pw1, which is exact because a 1x1 convolution has no padding. Nothing is left but three convolutions a block.
Source: Jacob et al. 2018, arXiv:1712.05877, section 3.2, for the folding; Zhang 2019, arXiv:1905.03672, for the blocks.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seesaw_nas.models import Network
from seesaw_nas.ops import SeesawBlock
from seesaw_nas.spec import Architecture, Placed

Labels = tuple[int, ...]  # for each channel the group that reads or writes it


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of a 1x1 convolution's weight outside which it is zero: output channels by input channels."""

    outputs: slice
    inputs: slice


@dataclass(frozen=True, slots=True)
class Pointwise:
    """A 1x1 convolution: the dense matrix (c_out, c_in), and the tiles that hold all of it.

    ``bias`` is (c_out,), or None where it was carried on.
    """

    weight: Tensor
    bias: Tensor | None
    tiles: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Convolution:
    """A convolution with its bias (c_out,); ``weight`` is (c_out, c_in / groups, k, k)."""

    weight: Tensor
    bias: Tensor


@dataclass(frozen=True, slots=True)
class FoldedBlock:
    """pw1, dw and pw2 of one block, the inner channels in an order of their own.

    Attributes:
        pieces: the runs of inner channels that one group of pw1 writes and one group of pw2 reads.
    """

    at: Placed
    pw1: Pointwise
    dw: Convolution
    pw2: Pointwise
    pieces: tuple[slice, ...]


@dataclass(frozen=True, slots=True)
class FoldedNetwork:
    """Stem, blocks, head and classifier (weight (classes, head channels) and bias)."""

    architecture: Architecture
    stem: Convolution
    blocks: tuple[FoldedBlock, ...]
    head: Convolution
    classifier: Convolution


@torch.no_grad()
def fold(network: Network) -> FoldedNetwork:
    """The weights of ``network`` in eval mode, folded; new tensors of the same dtype on the same device.

    Folding itself is computed in float64, so that a float32 network loses nothing but the last rounding.
    """
    architecture = network.architecture
    stem_weight, stem_bias = _absorb(network.stem.weight, network.stem_bn)
    carried = stem_bias.new_zeros(architecture.stem.channels)  # what was left out of the stream so far, a channel
    blocks = []
    modules = [block for stage in network.stages for block in stage]  # type: ignore[attr-defined]
    for at, module in zip(architecture.placed, modules, strict=True):
        block, carried = _fold_block(at, module, carried)
        blocks.append(block)
    head_weight, head_bias = _absorb(network.head.weight, network.head_bn)
    head_bias = head_bias + head_weight.flatten(1) @ carried
    dtype, classifier = network.stem.weight.dtype, network.classifier
    return FoldedNetwork(
        architecture,
        Convolution(stem_weight.to(dtype), stem_bias.to(dtype)),
        tuple(blocks),
        Convolution(head_weight.to(dtype), head_bias.to(dtype)),
        Convolution(classifier.weight.detach().clone(), classifier.bias.detach().clone()),
    )


def _absorb(weight: Tensor, norm: nn.Module) -> tuple[Tensor, Tensor]:
    """Weight and bias, in float64, of the convolution that does what ``weight`` and then ``norm`` do."""
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scale = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    folded = weight.double() * scale.view(-1, *[1] * (weight.dim() - 1))
    return folded, norm.bias.double() - norm.running_mean.double() * scale


def _fold_block(at: Placed, module: SeesawBlock, carried: Tensor) -> tuple[FoldedBlock, Tensor]:
    """The block behind a stream that lacks ``carried``, and what its output lacks then."""
    pw1, pw1_bias = _absorb(module.pw1.dense_weight(), module.pw1_bn)  # (inner, c_in)
    dw, dw_bias = _absorb(module.dw.weight, module.dw_bn)  # (inner, 1, k, k), in permuted order
    pw2, pw2_bias = _absorb(module.pw2.dense_weight(), module.pw2_bn)  # (c_out, inner)
    groups, dtype = _groups(at), module.dw.weight.dtype
    read, written = _moved(module.permute, at.inner), _moved(module.unpermute, at.c_out)
    order = _chained(groups.writer, [groups.reader[place] for place in _inverse(read)])
    back = _inverse(read)[order]  # where the permuted tensor has the channel that stands here now
    pw1_bias = pw1_bias + pw1 @ carried
    out_bias = pw2_bias[written] + (carried if at.has_residual else 0)
    inner_in = [groups.writer[i] for i in order]
    inner_out = [groups.reader[i] for i in back]
    outputs = [groups.target[i] for i in written]
    return FoldedBlock(
        at,
        Pointwise(pw1[order].to(dtype), pw1_bias[order].to(dtype), tiles(inner_in, groups.source)),
        Convolution(dw[back].to(dtype), dw_bias[back].to(dtype)),
        Pointwise(pw2[written][:, back].to(dtype), None, tiles(outputs, inner_out)),
        tuple(run for _, run in _runs(list(zip(inner_in, inner_out, strict=True)))),
    ), out_bias


@dataclass(frozen=True, slots=True)
class _Groups:
    """Which group each channel belongs to: of pw1 at its input and output, of pw2 at its input and output."""

    source: Labels
    writer: Labels
    reader: Labels
    target: Labels


def _groups(at: Placed) -> _Groups:
    first, second = at.block.partition, at.block.project_partition
    widths = ((first, at.c_in), (first, at.inner), (second, at.inner), (second, at.c_out))
    return _Groups(*(_labels(partition.sizes(width)) for partition, width in widths))


def _labels(sizes: Sequence[int]) -> Labels:
    return tuple(itertools.chain.from_iterable([group] * size for group, size in enumerate(sizes)))


def _moved(permutation: nn.Module, channels: int) -> Tensor:
    """For each channel behind ``permutation`` the channel before it."""
    places = torch.arange(channels).view(1, channels, 1, 1)
    moved: Tensor = permutation(places)
    return moved.flatten()


def _inverse(order: Tensor) -> Tensor:
    return torch.argsort(order)


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
        readers = sorted((r for w, r in members if w == group), key=lambda r, last=last: (r != last, r))
        order += [i for r in readers for i in members[group, r]]
        last = readers[-1]
    return torch.tensor(order)


def _runs(labels: Sequence[object]) -> Iterator[tuple[object, slice]]:
    """The runs of equal labels, in order."""
    start = 0
    for label, members in itertools.groupby(labels):
        stop = start + len(list(members))
        yield label, slice(start, stop)
        start = stop


def tiles(outputs: Sequence[int], inputs: Sequence[int]) -> tuple[Tile, ...]:
    """The rectangles in which an output channel and an input channel have the same label, outputs first in order."""
    return tuple(
        Tile(rows, columns)
        for row_label, rows in _runs(outputs)
        for column_label, columns in _runs(inputs)
        if row_label == column_label
    )
