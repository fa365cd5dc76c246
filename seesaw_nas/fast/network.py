"""A network's forward pass in training, computed as fast as the device allows; the mathematics are the plain one's.

Everywhere: channels-last, and permutations as an order of channels (:mod:`seesaw_nas.wiring`). On a CPU also: products
of tiles where they pay, and the batch norm behind pw1 folded into its weights before they are used. No activation
stands between the two, so the mean and variance of pw1's output follow from those of its input, which is t times
narrower: with the input's mean m and covariance C they are W m and diag(W C W'). Its gradient follows by autograd.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seesaw_nas.deploy import rule
from seesaw_nas.fast.functions import norm_relu6, pointwise
from seesaw_nas.models import Network
from seesaw_nas.ops import SeesawBlock
from seesaw_nas.spec import Block, Placed
from seesaw_nas.tiling import as_images, as_rows
from seesaw_nas.wiring import Tile, Tiles, Wiring, wiring

CHANNELS_LAST = torch.channels_last
Order = Tensor | slice  # of channels


class FastNetwork(nn.Module):
    """Computes what ``network`` does in training mode, on and for its own parameters and running statistics.

    Outputs and gradients differ from the plain formulation's by rounding alone. Batch norm always uses the batch;
    evaluate the network itself, or fuse it.

    Args:
        folds: whether batch norm behind pw1 is folded and 1x1 convolutions are tiled: what pays on a CPU.
    """

    def __init__(self, network: Network, folds: bool) -> None:
        super().__init__()
        self.network, self.folds = network, folds
        modules = [block for stage in network.stages for block in stage]  # type: ignore[attr-defined]
        placed = network.architecture.placed
        made = [FastBlock(at, module, folds) for at, module in zip(placed, modules, strict=True)]
        self.blocks = nn.Sequential(*made)

    @classmethod
    def of(cls, network: Network) -> FastNetwork:
        """The fastest formulation for the device that ``network`` is on; it is to stay there."""
        device = network.classifier.weight.device
        return cls(network, folds=device.type == "cpu").to(device)

    @classmethod
    def whole(cls, network: Network) -> FastNetwork:
        """The formulation for a compiler on any device: of torch's own operators alone, which make one graph."""
        return cls(network, folds=False).to(network.classifier.weight.device)

    def forward(self, images: Tensor) -> Tensor:
        """(N, input_channels, H, W), normalised, to logits (N, classes)."""
        network = self.network
        x = network.stem(images.contiguous(memory_format=CHANNELS_LAST))
        x = network.stem_act(network.stem_bn(x))  # (N, stem.channels, H / stride, W / stride)
        x = _norm_relu6(network.head(self.blocks(x)), network.head_bn, slice(None), self.folds)
        x = F.avg_pool2d(x, x.shape[-1]).flatten(
            1
        )  # (N, head.channels); its gradient is channels-last, a mean's is not
        logits: Tensor = network.classifier(network.dropout(x))  # (N, classes)
        return logits


class FastBlock(nn.Module):
    """One block; ``order`` and ``back`` are where the inner channels stand in the plain block."""

    order: Tensor
    back: Tensor
    written: Tensor

    def __init__(self, at: Placed, block: SeesawBlock, folds: bool) -> None:
        super().__init__()
        wired = _wired(at.block, at.c_in, at.c_out)
        for name in ("order", "back", "written"):
            self.register_buffer(name, getattr(wired, name), persistent=False)
        self.block, self.at, self.folds = block, at, folds
        self.pw1_tiles = _tiled(wired.pw1, at.c_in, at.inner)
        self.pw2_tiles = _tiled(wired.pw2, at.inner, at.c_out)

    def forward(self, x: Tensor) -> Tensor:
        """(N, c_in, H, W) to (N, c_out, ceil(H / stride), ceil(W / stride)), channels-last."""
        block, at = self.block, self.at
        inner = self._expand_folded(x) if self.folds else self._expand(x)  # (N, inner, H, W)
        if at.block.expand_activation == "relu6":
            inner = F.relu6(inner)
        kernel, side = block.dw.weight[self.back].contiguous(memory_format=CHANNELS_LAST), at.block.kernel
        inner = F.conv2d(inner, kernel, None, at.stride, side // 2, 1, at.inner)  # (N, inner, H / stride, W / stride)
        inner = _norm_relu6(inner, block.dw_bn, self.back, self.folds)
        out = _norm(self._project(inner), block.pw2_bn, self.written)  # (N, c_out, H / stride, W / stride)
        return x + out if at.has_residual else out

    def _expand(self, x: Tensor) -> Tensor:
        weight = self.block.pw1.dense_weight()[self.order]
        return _norm(F.conv2d(x, weight[:, :, None, None]), self.block.pw1_bn, self.order)

    def _expand_folded(self, x: Tensor) -> Tensor:
        weight, norm, rows = self.block.pw1.dense_weight()[self.order], self.block.pw1_bn, as_rows(x)
        count, centre = len(rows), rows.mean(0)
        centred = rows - centre  # (N*H*W, c_in)
        covariance = centred.t() @ centred / count
        variance = ((weight @ covariance) * weight).sum(1).clamp_min(0)  # (inner,)
        scale, running = norm.weight[self.order] * torch.rsqrt(variance + norm.eps), _Running(norm, self.order)
        running.move(weight.detach() @ centre.detach(), variance.detach() * (count / (count - 1)))
        running.keep()
        bias = norm.bias[self.order]
        return pointwise(as_images(centred, x), weight * scale[:, None], bias, self.pw1_tiles)

    def _project(self, x: Tensor) -> Tensor:
        weight = self.block.pw2.dense_weight()[self.written][:, self.back]
        if not self.folds:
            return F.conv2d(x, weight[:, :, None, None])
        return pointwise(x, weight, None, self.pw2_tiles)


def _norm(x: Tensor, norm: nn.BatchNorm2d, order: Order) -> Tensor:
    """Batch norm by the batch's statistics, of channels that stand at ``order`` in ``norm``."""
    running, weight, bias = _Running(norm, order), norm.weight[order], norm.bias[order]
    out = F.batch_norm(x, running.mean, running.variance, weight, bias, True, running.momentum, norm.eps)
    running.keep()
    return out


def _norm_relu6(x: Tensor, norm: nn.BatchNorm2d, order: Order, in_place: bool) -> Tensor:
    """:func:`_norm` and ReLU6; in place only where the result has one consumer, see :func:`norm_relu6`."""
    if not in_place:
        return F.relu6(_norm(x, norm, order), inplace=True)
    running, weight, bias = _Running(norm, order), norm.weight[order], norm.bias[order]
    out = norm_relu6(x, weight, bias, running.mean, running.variance, running.momentum, norm.eps)
    running.keep()
    return out


class _Running:
    """The running statistics of a batch norm, its channels in another order, until they are kept."""

    def __init__(self, norm: nn.BatchNorm2d, order: Order) -> None:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert norm.momentum is not None, "an average over all batches is not kept here"
        self.norm, self.order, self.momentum = norm, order, norm.momentum
        self.mean, self.variance = norm.running_mean[order].clone(), norm.running_var[order].clone()

    def move(self, mean: Tensor, variance: Tensor) -> None:
        """Towards those of a batch, the unbiased variance."""
        self.mean.lerp_(mean, self.momentum)
        self.variance.lerp_(variance, self.momentum)

    def keep(self) -> None:
        """Write them back, and count the batch."""
        norm = self.norm
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert norm.num_batches_tracked is not None
        norm.running_mean[self.order] = self.mean
        norm.running_var[self.order] = self.variance
        norm.num_batches_tracked.add_(1)


@lru_cache(maxsize=1024)
def _wired(block: Block, c_in: int, c_out: int) -> Wiring:
    """The wiring of a block between these widths, wherever it stands; making it takes a millisecond and more."""
    at = Placed(0, 0, block, c_in, c_out, 1, 1, 1)
    with torch.device("meta"):
        module = SeesawBlock(at)
    return wiring(at, module)


def _tiled(tiles: Tiles, c_in: int, c_out: int) -> Tiles:
    """The tiles to compute one by one: their own where that pays, else the whole."""
    return tiles if rule.tiles_pay(tiles, c_in, c_out) else (Tile(slice(0, c_out), slice(0, c_in)),)
