"""A network's forward pass in training, as a function of gathered weights, without modules.

On all devices, tensors are channels-last and permutations are an order of channels (:mod:`seesaw_nas.network.wiring`).
On a CPU, products of tiles are used where they are faster, and the batch norm after pw1 is folded into its weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from seesaw_nas.architecture.spec import Architecture, Block, PlacedBlock
from seesaw_nas.network.fast.functions import Pair, Running, expand_and_norm, norm_relu6, project_tiles, relu6
from seesaw_nas.network.flat import LayerShapes
from seesaw_nas.network.folded import rule
from seesaw_nas.network.models import EPS
from seesaw_nas.network.wiring import KEPT, Tiles, whole, wiring

CHANNELS_LAST = torch.channels_last
Depthwise = Literal["channels-last", "contiguous"]
FOLDED_FROM = 2**20  # values after pw1; with fewer, and without gradients, a separate batch norm has less overhead


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """The tensors of one network's layers: stem first, then pw1, dw and pw2 of each block, then the head.

    Attributes:
        weights: weights of each convolution, then of the classifier.
        norms: scale and offset of each batch norm.
        bias: bias of the classifier, (classes,).
        running: running mean and variance of each batch norm, which a forward pass updates; or ``None`` twice.
    """

    weights: Sequence[Tensor]
    norms: Sequence[Pair]
    bias: Tensor
    running: Sequence[Running]

    @classmethod
    def of(cls, shapes: LayerShapes, weights: Tensor, vectors: Tensor, running: Sequence[Running] | None) -> Layers:
        """Split vectors of all values, in the order of the layers.

        Args:
            running: running statistics; ``None`` if they are not needed.
        """
        parts = (*shapes.split_weights(weights), *vectors.split_with_sizes(shapes.vector_sizes))
        return cls.of_parts(parts, len(shapes.norms), running)

    @classmethod
    def of_parts(cls, parts: Sequence[Tensor], norms: int, running: Sequence[Running] | None) -> Layers:
        """Make it from all weights, then the scales of all batch norms, their offsets, and the classifier's bias.

        Args:
            norms: number of batch norms.
        """
        *tensors, bias = parts
        weights, scales, offsets = tensors[: -2 * norms], tensors[-2 * norms : -norms], tensors[-norms:]
        return cls(weights, list(zip(scales, offsets, strict=True)), bias, running or [(None, None)] * norms)


@dataclass(frozen=True, slots=True)
class Formulation:
    """A formulation of a network; formulations differ in speed and rounding only.

    Attributes:
        folds: whether to fold the batch norm after pw1 and to tile 1x1 convolutions, which is faster on a CPU.
        multiple: number to a multiple of which widths are padded.
        compiles: whether to use torch's own operators only, as a compiler needs them.
        depthwise: memory layout for depthwise convolutions.
    """

    folds: bool
    multiple: int = 1
    compiles: bool = False
    depthwise: Depthwise = "channels-last"


@dataclass(frozen=True, slots=True)
class _Batch:
    """The operators of one forward pass."""

    formulation: Formulation
    momentum: float

    def norm(self, x: Tensor, norm: Pair, running: Running) -> Tensor:
        """Batch norm with the statistics of the batch."""
        return F.batch_norm(x, running[0], running[1], norm[0], norm[1], True, self.momentum, EPS)

    def norm_relu6(self, x: Tensor, norm: Pair, running: Running) -> Tensor:
        """Batch norm and ReLU6; the result must have only one consumer."""
        if self.formulation.folds and torch.is_grad_enabled():
            return norm_relu6(x, norm, running, self.momentum, EPS)
        return self.relu6(self.norm(x, norm, running))

    def depthwise(self, x: Tensor, kernel: Tensor, stride: int) -> Tensor:
        """(N, C, H, W) by (C, 1, k, k) to (N, C, H / stride, W / stride); the result is channels-last."""
        contiguous = self.formulation.depthwise == "contiguous"
        x = x.contiguous() if contiguous else x
        x = F.conv2d(x, kernel, None, stride, kernel.shape[-1] // 2, 1, len(kernel))
        return x.contiguous(memory_format=CHANNELS_LAST) if contiguous else x

    def relu6(self, x: Tensor) -> Tensor:
        """ReLU6, which may overwrite ``x``."""
        if not torch.is_grad_enabled():
            return x.clamp_(0, 6)
        return F.relu6(x) if self.formulation.compiles else relu6(x)


def features(
    architecture: Architecture, layers: Layers, images: Tensor, formulation: Formulation, momentum: float
) -> Tensor:
    """(N, input_channels, H, W), normalised, to pooled features (N, head.channels); batch norm uses the batch."""
    weights, norms, running = iter(layers.weights), iter(layers.norms), iter(layers.running)
    batch = _Batch(formulation, momentum)
    x = images.contiguous(memory_format=CHANNELS_LAST)
    x = F.conv2d(x, next(weights), None, architecture.stem.stride, 1)
    x = batch.relu6(batch.norm(x, next(norms), next(running)))  # (N, stem.channels, H / stride, W / stride)
    for placed in architecture.placed:
        own = [(next(weights), next(norms), next(running)) for _ in range(3)]
        x = _block(placed, own, x, batch)  # (N, c_out, H / stride, W / stride)
    head = next(weights)
    x = _pointwise(x, head, whole(*head.shape[:2]) if formulation.folds else None)  # (N, head.channels, h, w)
    x = batch.norm_relu6(x, next(norms), next(running))
    return F.avg_pool2d(x, x.shape[-1]).flatten(1)  # unlike a mean's, its gradient is channels-last


def logits_of(pooled: Tensor, layers: Layers) -> Tensor:
    """(N, head.channels) to (N, classes); the bias is added in full precision, in which the loss is computed."""
    return F.linear(pooled, layers.weights[-1]).to(layers.bias.dtype) + layers.bias


@torch.no_grad()
def measure(architecture: Architecture, layers: Layers, batches: Iterable[Tensor], formulation: Formulation) -> int:
    """Set the running statistics to their averages over batches of normalised images; returns the number of batches."""
    number = 0
    for number, batch in enumerate(batches, start=1):
        features(architecture, layers, batch, formulation, 1 / number)  # the first batch replaces the old statistics
    return number


def _block(placed: PlacedBlock, layers: Sequence[tuple[Tensor, Pair, Running]], x: Tensor, batch: _Batch) -> Tensor:
    """(N, c_in, H, W) to (N, c_out, ceil(H / stride), ceil(W / stride)), channels-last."""
    (expand, expand_norm, expand_running), (kernel, kernel_norm, kernel_running), (project, norm, running) = layers
    first, second = _tiles(placed.block, placed.c_in, placed.c_out) if batch.formulation.folds else (None, None)
    learns = torch.is_grad_enabled()
    if first and (learns or x.numel() * placed.block.expansion >= FOLDED_FROM):
        inner = expand_and_norm(x, expand.flatten(1), expand_norm, expand_running, batch.momentum, EPS, first)
    else:
        inner = batch.norm(_pointwise(x, expand, first), expand_norm, expand_running)  # (N, inner, H, W)
    if placed.block.expand_activation == "relu6":
        # in training, tiles return a view, which must not be overwritten
        inner = F.relu6(inner) if first and learns else batch.relu6(inner)
    inner = batch.depthwise(inner, kernel, placed.stride)  # (N, inner, H / stride, W / stride)
    inner = batch.norm_relu6(inner, kernel_norm, kernel_running)
    out = batch.norm(_pointwise(inner, project, second), norm, running)  # (N, c_out, H / stride, W / stride)
    return x + out if placed.has_residual else out


def _pointwise(x: Tensor, weight: Tensor, tiles: Tiles | None) -> Tensor:
    """A 1x1 convolution, by products of tiles or, without tiles, by torch's convolution."""
    return project_tiles(x, weight.flatten(1), tiles) if tiles else F.conv2d(x, weight)


@lru_cache(maxsize=KEPT)
def _tiles(block: Block, c_in: int, c_out: int) -> tuple[Tiles, Tiles]:
    """The tiles of pw1 and of pw2 to compute one by one, or one tile for the whole weight if that is faster."""
    wired, inner = wiring(block, c_in, c_out), block.expansion * c_in
    return _choose_tiles(wired.pw1, inner, c_in), _choose_tiles(wired.pw2, c_out, inner)


def _choose_tiles(tiles: Tiles, c_out: int, c_in: int) -> Tiles:
    return tiles if rule.tiles_pay(tiles, c_in, c_out) else whole(c_out, c_in)
