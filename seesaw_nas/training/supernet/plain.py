"""What a supernet computes, written down: dense weights under a mask, at the leading channels and the kernel's centre.

Nothing here knows of the index that extracts a network, so that each is a test of the other.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional as F

from seesaw_nas.architecture.spec import Architecture, Block, Partition, PlacedBlock
from seesaw_nas.training.supernet.layout import Layout, block_name

EPS = 1e-5  # torch's default, which the networks have


class Weights:
    """The tensors of a flat vector by name, cut to the leading channels."""

    def __init__(self, layout: Layout, flat: Tensor, prefix: str = "") -> None:
        self._layout, self._flat, self._prefix = layout, flat, prefix

    def of(self, name: str, *channels: int) -> Tensor:
        whole = self._layout.view(self._flat, self._prefix + name)
        return whole[tuple(slice(0, count) for count in channels)]

    def of_block(self, place: str) -> Weights:
        return Weights(self._layout, self._flat, f"{place}.")

    def normalised(self, x: Tensor, norm: str) -> Tensor:
        """Batch norm of (N, C, H, W) by the batch's own statistics."""
        weight, bias = (self.of(f"{norm}.{kind}", x.shape[1]) for kind in ("weight", "bias"))
        return F.batch_norm(x, None, None, weight, bias, training=True, eps=EPS)


def logits_of(weights: Weights, architecture: Architecture, images: Tensor) -> Tensor:
    """(N, input_channels, H, W), normalised, to (N, classes)."""
    x = F.conv2d(images, weights.of("stem.weight", architecture.stem.channels), None, architecture.stem.stride, 1)
    x = F.relu6(weights.normalised(x, "stem_bn"))  # (N, stem.channels, H / stride, W / stride)
    for placed in architecture.placed:
        x = _block(weights.of_block(block_name(placed.stage, placed.index)), placed, x)
    x = F.conv2d(x, weights.of("head.weight", architecture.head.channels, x.shape[1]))
    x = F.relu6(weights.normalised(x, "head_bn")).mean((2, 3))  # (N, head.channels)
    return F.linear(x, weights.of("classifier.weight"), weights.of("classifier.bias"))


def _block(weights: Weights, placed: PlacedBlock, x: Tensor) -> Tensor:
    """(N, c_in, H, W) to (N, c_out, ceil(H / stride), ceil(W / stride))."""
    block, inner = placed.block, placed.inner
    expand = weights.of("pw1.weight", inner, placed.c_in) * _expanding(block.partition, placed.c_in, inner).to(x)
    out = weights.normalised(F.conv2d(x, expand), "pw1_bn")  # (N, inner, H, W)
    out = F.relu6(out) if block.expand_activation == "relu6" else out
    kernel = weights.of("dw.weight", inner)
    edge = (kernel.shape[-1] - block.kernel) // 2
    kernel = kernel[:, :, edge : edge + block.kernel, edge : edge + block.kernel]
    out = F.conv2d(out, kernel, None, placed.stride, block.kernel // 2, 1, inner)
    out = F.relu6(weights.normalised(out, "dw_bn"))  # (N, inner, H / stride, W / stride)
    project = weights.of("pw2.weight", placed.c_out, inner) * _projecting(block, inner, placed.c_out).to(x)
    out = weights.normalised(F.conv2d(out, project), "pw2_bn")  # (N, c_out, H / stride, W / stride)
    return x + out if placed.has_residual else out


@lru_cache(maxsize=1024)
def _expanding(partition: Partition, c_in: int, inner: int) -> Tensor:
    """bool, (inner, c_in, 1, 1): which weights of pw1 there are."""
    return _same(_groups(partition, inner), _groups(partition, c_in))


@lru_cache(maxsize=1024)
def _projecting(block: Block, inner: int, c_out: int) -> Tensor:
    """bool, (c_out, inner, 1, 1): which weights of pw2 there are.

    Channel g*C/G + j stands behind the permutation in G groups at place j*G + g, and is read by the group there. Under
    igcv3 the output o = j*n + g, with n = c_out/G, is what pw2 writes at place g*G + j.
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
