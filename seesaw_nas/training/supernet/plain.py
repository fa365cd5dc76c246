"""The definition of what a supernet computes: masked dense weights, leading channels, and the centre of kernels.

This code does not use the index by which networks are extracted, so that each can be tested against the other.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, PlacedBlock
from seesaw_nas.training.supernet.layout import Layout, block_name

EPS = 1e-5  # torch's default, which the networks use


class Weights:
    """The tensors of a flat vector by name, cut to the leading channels."""

    def __init__(self, layout: Layout, flat: Tensor, prefix: str = "") -> None:
        self.layout, self._flat, self._prefix = layout, flat, prefix

    def of(self, name: str, *channels: int) -> Tensor:
        whole = self.layout.view(self._flat, self._prefix + name)
        return whole[tuple(slice(0, count) for count in channels)]

    def of_block(self, place: str) -> Weights:
        return Weights(self.layout, self._flat, f"{place}.")

    def normalise(self, x: Tensor, norm: str) -> Tensor:
        """Batch norm of (N, C, H, W) by the batch's own statistics."""
        weight, bias = (self.of(f"{norm}.{kind}", x.shape[1]) for kind in ("weight", "bias"))
        return F.batch_norm(x, None, None, weight, bias, training=True, eps=EPS)


def logits_of(weights: Weights, architecture: Architecture, images: Tensor) -> Tensor:
    """(N, input_channels, H, W), normalised, to (N, classes)."""
    x = F.conv2d(images, weights.of("stem.weight", architecture.stem.channels), None, architecture.stem.stride, 1)
    x = F.relu6(weights.normalise(x, "stem_bn"))  # (N, stem.channels, H / stride, W / stride)
    stages = weights.layout.stages_of(architecture)
    for placed in architecture.placed:
        x = _block(weights.of_block(block_name(stages[placed.stage], placed.index)), placed, x)
    x = F.conv2d(x, weights.of("head.weight", architecture.head.channels, x.shape[1]))
    x = F.relu6(weights.normalise(x, "head_bn")).mean((2, 3))  # (N, head.channels)
    classifier = weights.of("classifier.weight", architecture.classes, architecture.head.channels)
    return F.linear(x, classifier, weights.of("classifier.bias"))


def _block(weights: Weights, placed: PlacedBlock, x: Tensor) -> Tensor:
    """(N, c_in, H, W) to (N, c_out, ceil(H / stride), ceil(W / stride))."""
    block, inner = placed.block, placed.inner
    expand = weights.of("pw1.weight", inner, placed.c_in) * _pw1_mask(block.partition, placed.c_in, inner).to(x)
    out = weights.normalise(F.conv2d(x, expand), "pw1_bn")  # (N, inner, H, W)
    out = F.relu6(out) if block.expand_activation == "relu6" else out
    kernel = weights.of("dw.weight", inner)
    edge = (kernel.shape[-1] - block.kernel) // 2
    kernel = kernel[:, :, edge : edge + block.kernel, edge : edge + block.kernel]
    out = F.conv2d(out, kernel, None, placed.stride, block.kernel // 2, 1, inner)
    out = F.relu6(weights.normalise(out, "dw_bn"))  # (N, inner, H / stride, W / stride)
    project = weights.of("pw2.weight", placed.c_out, inner) * _pw2_mask(block, inner, placed.c_out).to(x)
    out = weights.normalise(F.conv2d(out, project), "pw2_bn")  # (N, c_out, H / stride, W / stride)
    return x + out if placed.has_residual else out


@lru_cache(maxsize=1024)
def _pw1_mask(partition: Partition, c_in: int, inner: int) -> Tensor:
    """Mask of the weights of pw1, bool (inner, c_in, 1, 1)."""
    return _same(_groups(partition, inner), _groups(partition, c_in))


@lru_cache(maxsize=1024)
def _pw2_mask(block: Block, inner: int, c_out: int) -> Tensor:
    """Mask of the weights of pw2, bool (c_out, inner, 1, 1).

    The permutation in G groups moves channel g*C/G + j to position j*G + g, where that position's group reads it. Under
    igcv3, output o = j*n + g, with n = c_out/G, is the one that pw2 writes at position g*G + j.
    """
    partition, groups = block.project_partition, block.partition.groups
    channels, outputs = torch.arange(inner), torch.arange(c_out)
    if block.flow in ("shuffle", "igcv3"):
        share = inner // groups
        channels = channels % share * groups + channels // share
    if block.flow == "igcv3":
        share = c_out // groups
        outputs = outputs % share * groups + outputs // share
    return _same(_groups(partition, c_out)[outputs], _groups(partition, inner)[channels])


def _groups(partition: Partition, channels: int) -> Tensor:
    """The group of each channel, (channels,)."""
    sizes = torch.tensor(partition.sizes(channels))
    return torch.arange(partition.groups).repeat_interleave(sizes)


def _same(outputs: Tensor, inputs: Tensor) -> Tensor:
    return (outputs[:, None] == inputs[None, :])[:, :, None, None]
