"""Folds a trained network: batch norm becomes part of the convolutions, and permutations disappear.

In eval mode batch norm is a scale and an offset per channel, which the convolution before it can contain. Permutations
become an order of the inner channels (:mod:`seesaw_nas.network.wiring`). The offset of pw2 is moved along the residual
connections into the next pw1, which is exact because a 1x1 convolution has no padding. Only three convolutions per
block remain.
Source: Jacob et al. 2018, arXiv:1712.05877, section 3.2, for the folding; Zhang 2019, arXiv:1905.03672, for the blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from seesaw_nas.architecture.spec import Architecture, PlacedBlock
from seesaw_nas.network.flat import FlatWeights, LayerShapes, network_order
from seesaw_nas.network.models import EPS, Network
from seesaw_nas.network.wiring import Tiles, wiring


@dataclass(frozen=True, slots=True)
class Pointwise:
    """A 1x1 convolution: the dense matrix (c_out, c_in), and the tiles outside of which it is zero.

    ``bias`` is (c_out,), or ``None`` if it was moved into a later layer.
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
    """pw1, dw and pw2 of one block, with inner channels in the order of the wiring.

    Attributes:
        pieces: runs of inner channels that one group of pw1 writes and one group of pw2 reads.
    """

    placed: PlacedBlock
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
    """The folded weights of ``network`` in eval mode; new tensors of the same dtype on the same device.

    Folding is computed in float64, so that a float32 network is only rounded once.
    """
    flat = FlatWeights.of(network)
    order = network_order(network.architecture, flat.storage.device)
    weights, vectors = order.layers.split(flat.storage.index_select(0, order.values.index))
    return fold_wired(order.layers, weights, vectors, flat.statistics.index_select(1, order.statistics.index))


def fold_wired(shapes: LayerShapes, weights: Tensor, vectors: Tensor, statistics: Tensor) -> FoldedNetwork:
    """As :func:`fold`, from the values of a network in the order of its layers, without padding.

    Args:
        weights, vectors: the network's weights and vectors, gathered in that order.
        statistics: (2, channels), means and variances of all batch norms, in the order of their scales.
    """
    (means, variances), count, architecture = statistics, shapes.channels, shapes.architecture
    scales, offsets, classifier_bias = vectors.double().split_with_sizes([count, count, shapes.classes])
    factors = scales * torch.rsqrt(variances.double() + EPS)
    offsets = offsets - means.double() * factors
    exact = weights.to(torch.float64, copy=True)
    layers = shapes.split_weights(exact)
    torch._foreach_mul_(layers[:-1], [factor.view(-1, 1, 1, 1) for factor in factors.split_with_sizes(shapes.norms)])
    folded, biases = shapes.split_weights(exact.to(weights.dtype)), list(offsets.split_with_sizes(shapes.norms))
    carried = torch.zeros_like(biases[0])  # offsets left out of the activations so far, per channel
    for i, placed in enumerate(architecture.placed):
        expand, project = 1 + 3 * i, 3 + 3 * i
        biases[expand] = biases[expand] + layers[expand].flatten(1) @ carried
        carried = biases[project] + carried if placed.has_residual else biases[project]
    biases[-1] = biases[-1] + layers[-2].flatten(1) @ carried
    biases = [bias.to(weights.dtype) for bias in biases]
    stem, head = Convolution(folded[0], biases[0]), Convolution(folded[-2], biases[-1])
    blocks = [
        _fold_block(placed, folded[1 + 3 * i : 4 + 3 * i], biases[1 + 3 * i : 3 + 3 * i])
        for i, placed in enumerate(architecture.placed)
    ]
    classifier = Convolution(folded[-1], classifier_bias.to(weights.dtype))
    return FoldedNetwork(architecture, stem, tuple(blocks), head, classifier)


def _fold_block(placed: PlacedBlock, weights: Sequence[Tensor], biases: Sequence[Tensor]) -> FoldedBlock:
    """Fold one block; the offset of pw2 is left out, since later layers contain it."""
    (pw1, dw, pw2), (pw1_bias, dw_bias), wired = weights, biases, wiring(placed.block, placed.c_in, placed.c_out)
    expand, project = Pointwise(pw1.flatten(1), pw1_bias, wired.pw1), Pointwise(pw2.flatten(1), None, wired.pw2)
    return FoldedBlock(placed, expand, Convolution(dw, dw_bias), project, wired.pieces)
