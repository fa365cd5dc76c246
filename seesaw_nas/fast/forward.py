"""A network's forward pass in training, as a function of gathered weights: no module, nothing made but activations.

Everywhere: channels-last, and permutations as an order of channels (:mod:`seesaw_nas.wiring`). On a CPU also: products
of tiles where they pay, and the batch norm behind pw1 folded into its weights before they are used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from seesaw_nas.deploy import rule
from seesaw_nas.fast.functions import expanded, norm_relu6, projected, relu6
from seesaw_nas.models import EPS
from seesaw_nas.spec import Architecture, Placed
from seesaw_nas.wiring import Tile, Tiles, wiring

CHANNELS_LAST = torch.channels_last
Pair = tuple[Tensor, Tensor]
Depthwise = Literal["channels-last", "contiguous"]


@dataclass(frozen=True, slots=True, eq=False)
class Layers:
    """What the layers of one network compute with, stem first, then pw1, dw and pw2 of each block, then the head.

    Attributes:
        weights: of each convolution; the classifier's last.
        norms: scale and offset of each batch norm.
        bias: the classifier's, (classes,).
        running: mean and variance of each batch norm, which a forward pass moves.
    """

    weights: Sequence[Tensor]
    norms: Sequence[Pair]
    bias: Tensor
    running: Sequence[Pair]


@dataclass(frozen=True, slots=True)
class Formulation:
    """How a device computes: what differs is speed and rounding.

    Attributes:
        folds: whether batch norm behind pw1 is folded and 1x1 convolutions are tiled: what pays on a CPU.
        multiple: to which widths are padded.
        compiles: whether a compiler is to make the kernels, which wants torch's own operators alone.
        depthwise: the layout in which depthwise convolutions compute.
    """

    folds: bool
    multiple: int = 1
    compiles: bool = False
    depthwise: Depthwise = "channels-last"


@dataclass(frozen=True, slots=True)
class _Batch:
    """Batch norm as this pass does it."""

    formulation: Formulation
    momentum: float

    def norm(self, x: Tensor, norm: Pair, running: Pair) -> Tensor:
        """By the batch's statistics."""
        return F.batch_norm(x, *running, *norm, True, self.momentum, EPS)

    def norm_relu6(self, x: Tensor, norm: Pair, running: Pair) -> Tensor:
        """And ReLU6; the result must have one consumer alone."""
        if self.formulation.folds:
            return norm_relu6(x, norm, running, self.momentum, EPS)
        return self.relu6(self.norm(x, norm, running))

    def depthwise(self, x: Tensor, kernel: Tensor, stride: int) -> Tensor:
        """Channels-last, whatever it computes in: (N, C, H, W) by (C, 1, k, k) to (N, C, H / stride, W / stride)."""
        contiguous = self.formulation.depthwise == "contiguous"
        x = x.contiguous() if contiguous else x
        x = F.conv2d(x, kernel, None, stride, kernel.shape[-1] // 2, 1, len(kernel))
        return x.contiguous(memory_format=CHANNELS_LAST) if contiguous else x

    def relu6(self, x: Tensor) -> Tensor:
        """What ``x`` held may be overwritten."""
        return F.relu6(x) if self.formulation.compiles else relu6(x)


def features(
    architecture: Architecture, layers: Layers, images: Tensor, formulation: Formulation, momentum: float
) -> Tensor:
    """(N, input_channels, H, W), normalised, to pooled features (N, head.channels), batch norm by the batch."""
    weights, norms, running = iter(layers.weights), iter(layers.norms), iter(layers.running)
    batch = _Batch(formulation, momentum)
    x = images.contiguous(memory_format=CHANNELS_LAST)
    x = F.conv2d(x, next(weights), None, architecture.stem.stride, 1)
    x = batch.relu6(batch.norm(x, next(norms), next(running)))  # (N, stem.channels, H / stride, W / stride)
    for at in architecture.placed:
        own = [(next(weights), next(norms), next(running)) for _ in range(3)]
        x = _block(at, own, x, batch)  # (N, at.c_out, H / stride, W / stride)
    x = _pointwise(x, next(weights), formulation.folds)  # (N, head.channels, h, w)
    x = batch.norm_relu6(x, next(norms), next(running))
    return F.avg_pool2d(x, x.shape[-1]).flatten(1)  # its gradient is channels-last, a mean's is not


def _block(at: Placed, layers: Sequence[tuple[Tensor, Pair, Pair]], x: Tensor, batch: _Batch) -> Tensor:
    """(N, c_in, H, W) to (N, c_out, ceil(H / stride), ceil(W / stride)), channels-last."""
    (expand, *expand_norm), (kernel, *kernel_norm), (project, *project_norm) = layers
    tiles = _tiles(at) if batch.formulation.folds else None
    if tiles:
        norm, running = expand_norm
        inner = expanded(x, expand.flatten(1), norm, running, batch.momentum, EPS, tiles[0])  # (N, inner, H, W)
    else:
        inner = batch.norm(F.conv2d(x, expand), *expand_norm)  # (N, inner, H, W)
    if at.block.expand_activation == "relu6":
        inner = F.relu6(inner) if tiles else batch.relu6(inner)  # tiles leave a view, which must not be overwritten
    inner = batch.depthwise(inner, kernel, at.stride)  # (N, inner, H / stride, W / stride)
    inner = batch.norm_relu6(inner, *kernel_norm)
    out = projected(inner, project.flatten(1), tiles[1]) if tiles else F.conv2d(inner, project)
    out = batch.norm(out, *project_norm)  # (N, c_out, H / stride, W / stride)
    return x + out if at.has_residual else out


def _pointwise(x: Tensor, weight: Tensor, folds: bool) -> Tensor:
    return projected(x, weight.flatten(1), _whole(*weight.shape[:2])) if folds else F.conv2d(x, weight)


@lru_cache(maxsize=4096)
def _tiles(at: Placed) -> tuple[Tiles, Tiles]:
    """The tiles of pw1 and of pw2 to compute one by one: their own where that pays, else the whole."""
    wired = wiring(at.block, at.c_in, at.c_out)
    return _worthwhile(wired.pw1, at.inner, at.c_in), _worthwhile(wired.pw2, at.c_out, at.inner)


def _worthwhile(tiles: Tiles, c_out: int, c_in: int) -> Tiles:
    return tiles if rule.tiles_pay(tiles, c_in, c_out) else _whole(c_out, c_in)


def _whole(c_out: int, c_in: int) -> Tiles:
    return (Tile(slice(0, c_out), slice(0, c_in)),)
