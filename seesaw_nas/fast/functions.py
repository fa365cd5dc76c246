"""What training computes differently on a CPU: autograd functions that touch wide activations as seldom as they can."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seesaw_nas.tiling import as_images, as_rows, tiled_product
from seesaw_nas.wiring import Tile, Tiles


class _TiledProduct(torch.autograd.Function):
    """The 1x1 convolution of a channels-last tensor, tile by tile, without slicing or concatenating one."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, tiles: Tiles) -> Tensor:
        """(N, c_in, H, W) times the tiles of (c_out, c_in), plus (c_out,), to (N, c_out, H, W)."""
        ctx.save_for_backward(x, weight)
        ctx.tiles, ctx.has_bias = tiles, bias is not None
        rows, matrices = as_rows(x), [weight[tile.outputs, tile.inputs].t() for tile in tiles]
        return as_images(tiled_product(rows, tiles, matrices, rows.new_empty(len(rows), len(weight)), bias), x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None]:
        """Gradients of x, weight (zero outside the tiles) and bias."""
        x, weight = ctx.saved_tensors
        gradient, rows, of_weight = as_rows(gradients[0]), as_rows(x), torch.zeros_like(weight)
        for tile in ctx.tiles:
            of_weight[tile.outputs, tile.inputs] = (rows[:, tile.inputs].t() @ gradient[:, tile.outputs]).t()
        back = tuple(Tile(tile.inputs, tile.outputs) for tile in ctx.tiles)
        matrices = [weight[tile.outputs, tile.inputs] for tile in ctx.tiles]
        of_rows = tiled_product(gradient, back, matrices, torch.empty_like(rows))
        of_bias = torch.mv(gradient.t(), gradient.new_ones(len(gradient))) if ctx.has_bias else None
        return as_images(of_rows, x), of_weight, of_bias, None


class _NormRelu6(torch.autograd.Function):
    """Batch norm by the batch's own statistics, then ReLU6, in place; the incoming gradient is overwritten.

    So its output must go to one consumer alone, whose backward pass makes a gradient of its own.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, momentum: float, eps: float
    ) -> Tensor:
        """(N, C, H, W) to the same; the running ``mean`` and ``variance`` (C,) move on by ``momentum``."""
        out, batch_mean, inverse_std = torch.native_batch_norm(x, weight, bias, mean, variance, True, momentum, eps)
        out.clamp_(0, 6)
        ctx.save_for_backward(x, out, weight, batch_mean, inverse_std)
        ctx.eps = eps
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x, weight and bias."""
        x, out, weight, mean, inverse_std = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)  # which products of tiles make
        aten = torch.ops.aten
        aten.hardtanh_backward.grad_input(gradient, out, 0.0, 6.0, grad_input=gradient)
        found = aten.native_batch_norm_backward(
            gradient, x, weight, None, None, mean, inverse_std, True, ctx.eps, [True, True, True]
        )
        return (*found, None, None, None, None)


def pointwise(x: Tensor, weight: Tensor, bias: Tensor | None, tiles: Tiles) -> Tensor:
    """See :class:`_TiledProduct`; one tile is a dense convolution, which torch itself computes best."""
    if len(tiles) == 1:
        return F.conv2d(x, weight[:, :, None, None], bias)
    return _TiledProduct.apply(x, weight, bias, tiles)  # type: ignore[no-any-return, no-untyped-call]


def norm_relu6(
    x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, momentum: float, eps: float
) -> Tensor:
    """See :class:`_NormRelu6`."""
    return _NormRelu6.apply(x, weight, bias, mean, variance, momentum, eps)  # type: ignore[no-any-return, no-untyped-call]
