"""What training computes differently on a CPU: autograd functions that touch wide activations as seldom as they can."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seesaw_nas.wiring import Tiles


class _TiledProduct(torch.autograd.Function):
    """The 1x1 convolution of a channels-last tensor, tile by tile, without slicing or concatenating one."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, tiles: Tiles) -> Tensor:
        """(N, c_in, H, W) times the tiles of (c_out, c_in), plus (c_out,), to (N, c_out, H, W)."""
        ctx.save_for_backward(x, weight)
        ctx.tiles, ctx.has_bias = tiles, bias is not None
        rows = as_rows(x)
        out = rows.new_empty(len(rows), len(weight))
        begun = set()
        for tile in tiles:
            product = rows[:, tile.inputs], weight[tile.outputs, tile.inputs].t()
            offset = None if bias is None else bias[tile.outputs]
            _accumulate(out[:, tile.outputs], product, tile.outputs.start in begun, offset)
            begun.add(tile.outputs.start)
        return as_images(out, x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None]:
        """Gradients of x, weight (zero outside the tiles) and bias."""
        x, weight = ctx.saved_tensors
        gradient, rows = as_rows(gradients[0]), as_rows(x)  # (N*H*W, c_out), (N*H*W, c_in)
        of_rows, of_weight, begun = torch.empty_like(rows), torch.zeros_like(weight), set()
        for tile in ctx.tiles:
            part = gradient[:, tile.outputs]
            product = part, weight[tile.outputs, tile.inputs]
            _accumulate(of_rows[:, tile.inputs], product, tile.inputs.start in begun, None)
            begun.add(tile.inputs.start)
            of_weight[tile.outputs, tile.inputs] = (rows[:, tile.inputs].t() @ part).t()
        of_bias = torch.mv(gradient.t(), gradient.new_ones(len(gradient))) if ctx.has_bias else None
        return as_images(of_rows, x), of_weight, of_bias, None


def as_rows(x: Tensor) -> Tensor:
    """(N, C, H, W) as the matrix (N*H*W, C), without a copy where it is channels-last."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def as_images(rows: Tensor, like: Tensor) -> Tensor:
    """(N*H*W, C) as (N, C, H, W), channels-last, with the N, H and W of ``like``."""
    n, _, height, width = like.shape
    return rows.view(n, height, width, -1).permute(0, 3, 1, 2)


def _accumulate(out: Tensor, product: tuple[Tensor, Tensor], onto: bool, bias: Tensor | None) -> None:
    """Write a matrix product, plus ``bias``, to ``out``, or add it there."""
    if onto:
        out.addmm_(*product)
    elif bias is None:
        torch.mm(*product, out=out)
    else:
        torch.addmm(bias, *product, out=out)


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


def tiled_product(x: Tensor, weight: Tensor, bias: Tensor | None, tiles: Tiles) -> Tensor:
    """See :class:`_TiledProduct`; one tile is a dense convolution, which torch itself computes best."""
    if len(tiles) == 1:
        return F.conv2d(x, weight[:, :, None, None], bias)
    return _TiledProduct.apply(x, weight, bias, tiles)  # type: ignore[no-any-return, no-untyped-call]


def norm_relu6(
    x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor, momentum: float, eps: float
) -> Tensor:
    """See :class:`_NormRelu6`."""
    return _NormRelu6.apply(x, weight, bias, mean, variance, momentum, eps)  # type: ignore[no-any-return, no-untyped-call]
