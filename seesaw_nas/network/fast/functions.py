"""Autograd functions of a fast training step: gathered weights, tiled products, batch norms in place.

Their backward passes are written by hand, with as few operators and passes over wide activations as possible.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from seesaw_nas.network.flat import NetworkOrder
from seesaw_nas.network.folded import rule
from seesaw_nas.network.tiling import as_images, as_rows, tiled_product
from seesaw_nas.network.wiring import Tile, Tiles

Pair = tuple[Tensor, Tensor]  # scale and offset
Running = Pair | tuple[None, None]  # running mean and variance, if there are any


class _GatherValues(torch.autograd.Function):
    """Gathers a network's values in the order of its layers, with zeros in between; the backward pass gathers, too."""

    @staticmethod
    def forward(
        ctx: Any, weights: Tensor, vectors: Tensor, storage: Tensor, order: NetworkOrder, dtype: torch.dtype
    ) -> tuple[Tensor, ...]:
        """Split ``weights`` (A,) and ``vectors`` (B,), which are views of ``storage``, into the layers' tensors.

        Returns all weights, in ``dtype``, then the scales of all batch norms, their offsets, and the classifier's bias.
        """
        ctx.order, ctx.n_weights = order, len(weights)
        wired, others = order.layers.split(storage.detach().index_select(0, order.values.index))
        parts = order.layers.split_weights(wired.to(dtype))
        return (*parts, *others.split_with_sizes(order.layers.vector_sizes))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of ``weights`` and ``vectors``."""
        order, count = ctx.order, len(ctx.order.layers.weights)
        stem, *others = gradients[:count]
        own = torch.cat([stem.permute(0, 2, 3, 1).flatten(), *(gradient.flatten() for gradient in others)])
        wired = own.new_empty(len(order.values.index), dtype=gradients[-1].dtype)
        of_weights, of_vectors = order.layers.split(wired)
        of_weights.copy_(own)
        torch.cat(gradients[count:], out=of_vectors)
        values = wired.index_select(0, order.values.back)  # (A + B,)
        return values[: ctx.n_weights], values[ctx.n_weights :], None, None, None


def gather_values(
    weights: Tensor, vectors: Tensor, storage: Tensor, order: NetworkOrder, dtype: torch.dtype
) -> tuple[Tensor, ...]:
    """See :class:`_GatherValues`."""
    return _GatherValues.apply(weights, vectors, storage, order, dtype)  # type: ignore[no-any-return, no-untyped-call]


class _ExpandAndNorm(torch.autograd.Function):
    """pw1 with its batch norm folded into it, with the statistics of the batch.

    There is no activation between the two, so the mean and variance of pw1's output follow from those of its input,
    which is t times narrower: with the input's mean m and covariance C they are W m and diag(W C W').
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        scale: Tensor,
        offset: Tensor,
        mean: Tensor | None,
        variance: Tensor | None,
        momentum: float,
        eps: float,
        tiles: Tiles,
    ) -> Tensor:
        """(N, c_in, H, W) by (inner, c_in) to (N, inner, H, W); updates running statistics by ``momentum``."""
        rows = as_rows(x)
        count, centre = len(rows), rows.mean(0)
        centred = rows - centre  # (N*H*W, c_in)
        covariance = torch.mm(centred.t(), centred).div_(count)
        spread = torch.mm(weight, covariance)  # (inner, c_in)
        of_batch = torch.linalg.vecdot(spread, weight).clamp_min_(0)  # (inner,)
        if mean is not None and variance is not None:
            mean.lerp_(torch.mv(weight, centre), momentum)
            variance.lerp_(of_batch * (count / max(1, count - 1)), momentum)
        inverse = torch.rsqrt(of_batch + eps)
        factor = scale * inverse
        scaled = weight * factor[:, None]
        images = as_images(centred, x)
        ctx.save_for_backward(images, weight, scaled, spread, factor, inverse)
        ctx.tiles = tiles
        return _product(images, scaled, offset, tiles)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x, weight (zero outside the tiles), scale and offset."""
        images, weight, scaled, spread, factor, inverse = ctx.saved_tensors
        centred = as_rows(images)
        of_images, of_scaled, of_offset = _gradients(gradients[0], images, scaled, ctx.tiles, biased=True)
        assert of_offset is not None, "pw1 has an offset here"
        of_factor = torch.linalg.vecdot(of_scaled, weight)  # (inner,)
        # d factor / d variance = -factor * inverse^2 / 2, and d variance / d weight = 2 * spread
        of_variance = of_factor * factor * inverse.square().neg_()  # times two
        of_weight = of_scaled.mul_(factor[:, None]).addcmul_(spread, of_variance[:, None])
        of_covariance = torch.mm((weight * of_variance[:, None]).t(), weight).div_(len(centred))  # symmetric
        of_centred = as_rows(of_images).addmm_(centred, of_covariance)
        of_centred -= torch.mv(scaled.t(), of_offset).div_(len(centred))  # removes its mean: that of centred is 0
        return (as_images(of_centred, images), of_weight, of_factor * inverse, of_offset, *[None] * 5)


def expand_and_norm(
    x: Tensor, weight: Tensor, norm: Pair, running: Running, momentum: float, eps: float, tiles: Tiles
) -> Tensor:
    """See :class:`_ExpandAndNorm`."""
    return _ExpandAndNorm.apply(x, weight, *norm, *running, momentum, eps, tiles)  # type: ignore[no-any-return, no-untyped-call]


class _ProjectTiles(torch.autograd.Function):
    """The 1x1 convolution of a channels-last tensor, tile by tile, without slicing or concatenating tensors."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, tiles: Tiles) -> Tensor:
        """(N, c_in, H, W) times the tiles of (c_out, c_in) to (N, c_out, H, W)."""
        ctx.save_for_backward(x, weight)
        ctx.tiles = tiles
        return _product(x, weight, None, tiles)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        """Gradients of x and weight (zero outside the tiles)."""
        x, weight = ctx.saved_tensors
        of_x, of_weight, _ = _gradients(gradients[0], x, weight, ctx.tiles)
        return of_x, of_weight, None


def project_tiles(x: Tensor, weight: Tensor, tiles: Tiles) -> Tensor:
    """See :class:`_ProjectTiles`."""
    if not torch.is_grad_enabled():
        return _product(x, weight, None, tiles)
    return _ProjectTiles.apply(x, weight, tiles)  # type: ignore[no-any-return, no-untyped-call]


def _product(x: Tensor, weight: Tensor, bias: Tensor | None, tiles: Tiles) -> Tensor:
    """(N, c_in, H, W), channels-last, times the tiles of (c_out, c_in), plus (c_out,), to (N, c_out, H, W)."""
    rows = as_rows(x)
    if rule.convolves(len(rows), tiles):
        return F.conv2d(x, weight[:, :, None, None], bias)
    matrices = [weight[tile.outputs, tile.inputs].t() for tile in tiles]
    return as_images(tiled_product(rows, tiles, matrices, rows.new_empty(len(rows), len(weight)), bias), x)


def _gradients(
    gradient: Tensor, x: Tensor, weight: Tensor, tiles: Tiles, biased: bool = False
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Gradients of x, weight and, if ``biased``, bias of :func:`_product`; the weight's is zero outside the tiles."""
    rows, of_rows = as_rows(x), as_rows(gradient)
    if rule.convolves(len(rows), tiles):
        kernel, bias = weight[:, :, None, None], [len(weight)] if biased else None
        of_x, of_kernel, of_bias = torch.ops.aten.convolution_backward(
            gradient, x, kernel, bias, (1, 1), (0, 0), (1, 1), False, (0, 0), 1, (True, True, biased)
        )
        return of_x, of_kernel.view_as(weight), of_bias
    back, matrices = _transpose(tiles), [weight[tile.outputs, tile.inputs] for tile in tiles]
    of_x = as_images(tiled_product(of_rows, back, matrices, torch.empty_like(rows)), x)
    of_bias = torch.mv(of_rows.t(), of_rows.new_ones(len(rows))) if biased else None
    return of_x, _of_tiles(of_rows, rows, weight, tiles), of_bias


def _of_tiles(gradient: Tensor, rows: Tensor, weight: Tensor, tiles: Tiles) -> Tensor:
    """The weight's gradient, zero outside the tiles."""
    if len(tiles) == 1:
        return torch.mm(gradient.t(), rows)
    whole = torch.zeros_like(weight)
    for tile in tiles:
        torch.mm(gradient[:, tile.outputs].t(), rows[:, tile.inputs], out=whole[tile.outputs, tile.inputs])
    return whole


def _transpose(tiles: Tiles) -> Tiles:
    return tuple(Tile(tile.inputs, tile.outputs) for tile in tiles)


class _Relu6(torch.autograd.Function):
    """ReLU6 in place, forward and backward; torch's own keeps a copy of the input."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        """A tensor of any shape, changed in place."""
        ctx.mark_dirty(x)
        torch.clamp_(x, 0, 6)
        ctx.save_for_backward(x)
        return x

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """The gradient of the input."""
        (out,) = ctx.saved_tensors
        return torch.ops.aten.hardtanh_backward(gradients[0], out, 0.0, 6.0)  # type: ignore[no-any-return]


def relu6(x: Tensor) -> Tensor:
    """See :class:`_Relu6`; ``x`` is overwritten."""
    return _Relu6.apply(x)  # type: ignore[no-any-return, no-untyped-call]


class _NormRelu6(torch.autograd.Function):
    """Batch norm with the statistics of the batch, then ReLU6, in place; the incoming gradient is overwritten.

    So its output may only have one consumer, whose backward pass makes a new gradient.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        mean: Tensor | None,
        variance: Tensor | None,
        momentum: float,
        eps: float,
    ) -> Tensor:
        """(N, C, H, W) to the same shape; updates the running ``mean`` and ``variance`` (C,) by ``momentum``."""
        out, batch_mean, inverse_std = torch.native_batch_norm(x, weight, bias, mean, variance, True, momentum, eps)
        out.clamp_(0, 6)
        ctx.save_for_backward(x, out, weight, batch_mean, inverse_std)
        ctx.eps = eps
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of x, weight and bias."""
        x, out, weight, mean, inverse_std = ctx.saved_tensors
        gradient = gradients[0].contiguous(memory_format=torch.channels_last)  # as products of tiles return it
        aten = torch.ops.aten
        aten.hardtanh_backward.grad_input(gradient, out, 0.0, 6.0, grad_input=gradient)
        gradients = aten.native_batch_norm_backward(
            gradient, x, weight, None, None, mean, inverse_std, True, ctx.eps, [True, True, True]
        )
        return (*gradients, None, None, None, None)


def norm_relu6(x: Tensor, norm: Pair, running: Running, momentum: float, eps: float) -> Tensor:
    """See :class:`_NormRelu6`."""
    return _NormRelu6.apply(x, *norm, *running, momentum, eps)  # type: ignore[no-any-return, no-untyped-call]
