"""The folded network with torch's own operators, as :func:`seesaw_nas.network.folded.fuse` returns it.

Activations are always channels-last, so that a 1x1 convolution is a matrix product over the channels. The formulation
of each 1x1 convolution is chosen by :mod:`seesaw_nas.network.folded.rule`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seesaw_nas.network.folded.folding import Convolution, FoldedBlock, FoldedNetwork, Pointwise
from seesaw_nas.network.folded.rule import Rule, convolves
from seesaw_nas.network.tiling import as_images, as_rows, tiled_product
from seesaw_nas.network.wiring import Tiles, whole

CHANNELS_LAST = torch.channels_last


def dense(x: Tensor, weight: Tensor, bias: Tensor | None, onto: Tensor | None = None) -> Tensor:
    """The 1x1 convolution (N, c_in, H, W) to (N, c_out, H, W) as one product; added to ``onto`` if given."""
    out = F.conv2d(x, weight, bias)
    return out if onto is None else out.add_(onto)


def tiled(
    x: Tensor, tiles: Tiles, matrices: Sequence[Tensor], width: int, bias: Tensor | None, onto: Tensor | None = None
) -> Tensor:
    """As :func:`dense`, to ``width`` channels, with one product per tile; ``onto`` is changed and returned."""
    rows = as_rows(x)  # (N*H*W, c_in)
    out = rows.new_empty(rows.shape[0], width) if onto is None else as_rows(onto)
    return as_images(tiled_product(rows, tiles, matrices, out, bias, adds=onto is not None), x)


def convolution(x: Tensor, weight: Tensor, bias: Tensor, stride: int = 1, groups: int = 1) -> Tensor:
    """(N, c_in, H, W) to (N, c_out, ceil(H / stride), ceil(W / stride)), with ReLU6."""
    return F.conv2d(x, weight, bias, stride, weight.shape[-1] // 2, 1, groups).clamp_(0, 6)


class DensePointwise(nn.Module):
    """A 1x1 convolution as one dense product, including zeros; the result is added to ``onto`` if given."""

    weight: Tensor
    bias: Tensor | None

    def __init__(self, of: Pointwise) -> None:
        super().__init__()
        self.register_buffer("weight", of.weight[:, :, None, None].contiguous(memory_format=CHANNELS_LAST))
        self.register_buffer("bias", of.bias)

    def forward(self, x: Tensor, onto: Tensor | None = None) -> Tensor:
        """(N, c_in, H, W) to (N, c_out, H, W), which is the shape of ``onto``."""
        return dense(x, self.weight, self.bias, onto)


class TiledPointwise(nn.Module):
    """A 1x1 convolution as one matrix product per tile; ``onto``, if given, is changed and returned."""

    bias: Tensor | None

    def __init__(self, of: Pointwise) -> None:
        super().__init__()
        self.width, self.tiles = of.weight.shape[0], of.tiles
        self.register_buffer("bias", of.bias)
        for i, tile in enumerate(of.tiles):
            self.register_buffer(f"weight{i}", of.weight[tile.outputs, tile.inputs].t().contiguous())

    def forward(self, x: Tensor, onto: Tensor | None = None) -> Tensor:
        """(N, c_in, H, W) to (N, c_out, H, W), which is the shape of ``onto``."""
        matrices = [getattr(self, f"weight{i}") for i in range(len(self.tiles))]
        return tiled(x, self.tiles, matrices, self.width, self.bias, onto)


class FusedConvolution(nn.Module):
    """A convolution with bias and ReLU6."""

    weight: Tensor
    bias: Tensor

    def __init__(self, of: Convolution, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.register_buffer("weight", of.weight.contiguous(memory_format=CHANNELS_LAST))
        self.register_buffer("bias", of.bias)
        self.stride, self.groups = stride, groups

    def forward(self, x: Tensor) -> Tensor:
        """(N, c_in, H, W) to (N, c_out, ceil(H / stride), ceil(W / stride)), all within 0 and 6."""
        return convolution(x, self.weight, self.bias, self.stride, self.groups)


class FusedBlock(nn.Module):
    """Expand, depthwise, project; the input is added if shapes allow, and may be changed."""

    def __init__(self, block: FoldedBlock, rule: Rule) -> None:
        super().__init__()
        self.pw1 = _pointwise(block.pw1, rule)
        self.dw = FusedConvolution(block.dw, block.placed.stride, block.placed.inner)
        self.pw2 = _pointwise(block.pw2, rule)
        self.has_residual = block.placed.has_residual
        self.expands_with_relu6 = block.placed.block.expand_activation == "relu6"

    def forward(self, x: Tensor) -> Tensor:
        """(N, c_in, H, W) to (N, c_out, ceil(H / stride), ceil(W / stride)), channels-last."""
        inner = self.pw1(x)
        if self.expands_with_relu6:
            inner = inner.clamp_(0, 6)
        out: Tensor = self.pw2(self.dw(inner), x if self.has_residual else None)
        return out


def _pointwise(of: Pointwise, rule: Rule) -> nn.Module:
    return TiledPointwise(of) if rule(of) else DensePointwise(of)


class FusedNetwork(nn.Module):
    """A network for inference: logits from normalised images, without batch norm and without permutations.

    Its weights are buffers, because it is not meant to be trained.
    """

    classifier: Tensor
    classifier_bias: Tensor

    def __init__(self, folded: FoldedNetwork, rule: Rule) -> None:
        super().__init__()
        self.architecture = folded.architecture
        self.stem = FusedConvolution(folded.stem, folded.architecture.stem.stride)
        self.blocks = nn.Sequential(*(FusedBlock(block, rule) for block in folded.blocks))
        self.head = FusedConvolution(folded.head)
        self.register_buffer("classifier", folded.classifier.weight)
        self.register_buffer("classifier_bias", folded.classifier.bias)

    def forward(self, images: Tensor) -> Tensor:
        """(N, input_channels, H, W), normalised, to logits (N, classes)."""
        x = self.stem(images.contiguous(memory_format=CHANNELS_LAST))  # (N, stem.channels, H / stride, W / stride)
        x = self.head(self.blocks(x))  # (N, head.channels, h, w)
        return F.linear(x.mean((2, 3)), self.classifier, self.classifier_bias)  # (N, classes)


def classify(folded: FoldedNetwork, rule: Rule, images: Tensor) -> Tensor:
    """The output of a :class:`FusedNetwork` without making the module, which is faster for few images."""
    stem, head, classifier = folded.stem, folded.head, folded.classifier
    x = convolution(images.contiguous(memory_format=CHANNELS_LAST), *_both(stem), folded.architecture.stem.stride)
    for block in folded.blocks:
        inner = _product(x, block.pw1, rule, None)
        if block.placed.block.expand_activation == "relu6":
            inner = inner.clamp_(0, 6)
        inner = convolution(inner, *_both(block.dw), block.placed.stride, block.placed.inner)
        x = _product(inner, block.pw2, rule, x if block.placed.has_residual else None)
    return F.linear(convolution(x, *_both(head)).mean((2, 3)), *_both(classifier))  # (N, classes)


def _both(of: Convolution) -> tuple[Tensor, Tensor]:
    return of.weight, of.bias


def _product(x: Tensor, of: Pointwise, rule: Rule, onto: Tensor | None) -> Tensor:
    tiles = of.tiles if rule(of) else whole(*of.weight.shape)
    if x.is_cuda or convolves(x.numel() // x.shape[1], tiles):
        return dense(x, of.weight[:, :, None, None], of.bias, onto)
    matrices = [of.weight[tile.outputs, tile.inputs].t() for tile in tiles]
    return tiled(x, tiles, matrices, len(of.weight), of.bias, onto)
