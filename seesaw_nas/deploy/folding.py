"""A trained network as plain weights: batch norm folded into the convolutions, the permutations gone.

In eval mode batch norm is a scale and an offset a channel, which the convolution before it can hold. The permutations
become an order of the inner channels (:mod:`seesaw_nas.wiring`). The offset of pw2 is carried along the residual
connections into the next pw1, which is exact because a 1x1 convolution has no padding. Nothing is left but three
convolutions a block.
Source: Jacob et al. 2018, arXiv:1712.05877, section 3.2, for the folding; Zhang 2019, arXiv:1905.03672, for the blocks.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seesaw_nas.models import Network
from seesaw_nas.ops import SeesawBlock
from seesaw_nas.spec import Architecture, Placed
from seesaw_nas.wiring import Tiles, wiring


@dataclass(frozen=True, slots=True)
class Pointwise:
    """A 1x1 convolution: the dense matrix (c_out, c_in), and the tiles that hold all of it.

    ``bias`` is (c_out,), or None where it was carried on.
    """

    weight: Tensor
    bias: Tensor | None
    tiles: Tiles


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
    wired = wiring(at, module)
    order, back, written = wired.order, wired.back, wired.written
    pw1_bias = pw1_bias + pw1 @ carried
    out_bias = pw2_bias[written] + (carried if at.has_residual else 0)
    dtype = module.dw.weight.dtype
    return FoldedBlock(
        at,
        Pointwise(pw1[order].to(dtype), pw1_bias[order].to(dtype), wired.pw1),
        Convolution(dw[back].to(dtype), dw_bias[back].to(dtype)),
        Pointwise(pw2[written][:, back].to(dtype), None, wired.pw2),
        wired.pieces,
    ), out_bias
