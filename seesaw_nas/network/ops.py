"""The operators of the space: uneven pointwise convolution, channel permutation, and the block made of them.

All weights are in ``nn.Conv2d`` and ``nn.BatchNorm2d`` modules, which counters and exporters support. Their initial
values here are torch's defaults; :func:`seesaw_nas.network.models.build` draws the paper's.
Source: Zhang 2019, arXiv:1905.03672, sections 3 and 4; Sun et al. 2018, arXiv:1806.00178, for the second permutation.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import PlacedBlock


class UnevenPointwise(nn.Module):
    """1x1 convolution without bias whose group g maps its share of the inputs to its share of the outputs.

    ``convs`` holds one ``nn.Conv2d`` if all groups have one size, as in a dense convolution; otherwise one for each
    group, in order. With ordinary convolution modules counters see every multiply-add.

    Args:
        c_in, c_out: channels before and after, each a multiple of the sum of the parts.

    Raises:
        SpecError: a number of channels is not a multiple of the sum of the parts.
    """

    def __init__(self, c_in: int, c_out: int, partition: Partition) -> None:
        super().__init__()
        inputs, outputs = partition.sizes(c_in), partition.sizes(c_out)
        if partition.is_even:
            convs = [nn.Conv2d(c_in, c_out, 1, groups=partition.groups, bias=False)]
        else:
            convs = [nn.Conv2d(a, b, 1, bias=False) for a, b in zip(inputs, outputs, strict=True)]
        self.convs = nn.ModuleList(convs)
        self.input_sizes = inputs

    def forward(self, x: Tensor) -> Tensor:
        """(N, c_in, H, W) to (N, c_out, H, W)."""
        if len(self.convs) == 1:
            whole: Tensor = self.convs[0](x)
            return whole
        shares = x.split_with_sizes(self.input_sizes, dim=1)
        return torch.cat([conv(share) for conv, share in zip(self.convs, shares, strict=True)], dim=1)

    def extra_repr(self) -> str:
        return f"inputs {':'.join(map(str, self.input_sizes))}"


def permute_channels(x: Tensor, groups: int) -> Tensor:
    """Permute the channels of (N, C, H, W): output channel j*groups + g is input channel g*C/groups + j.

    ``groups`` must divide C. Permuting with C/groups groups is the inverse.
    """
    apart = torch.unflatten(x, 1, (groups, -1))  # (N, groups, C/groups, H, W)
    return apart.transpose(1, 2).flatten(1, 2)  # (N, C, H, W)


class Permutation(nn.Module):
    """:func:`permute_channels` as a module without weights."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to the same shape."""
        return permute_channels(x, self.groups)

    def extra_repr(self) -> str:
        return f"groups={self.groups}"


class SeesawBlock(nn.Module):
    """Expand (pw1), depthwise (dw), project (pw2), each with batch norm; the input is added if shapes allow.

    The batch norm of layer ``NAME`` is ``NAME_bn``. A missing activation or permutation is an ``nn.Identity``.
    """

    def __init__(self, placed: PlacedBlock) -> None:
        super().__init__()
        block, inner, groups = placed.block, placed.inner, placed.block.partition.groups
        permutes, undoes = block.flow in ("shuffle", "igcv3"), block.flow == "igcv3"
        self.pw1 = UnevenPointwise(placed.c_in, inner, block.partition)
        self.pw1_bn = nn.BatchNorm2d(inner)
        self.pw1_act = nn.ReLU6(inplace=True) if block.expand_activation == "relu6" else nn.Identity()
        self.permute = _permutation(groups if permutes else 1, inner)
        padding = block.kernel // 2
        self.dw = nn.Conv2d(inner, inner, block.kernel, placed.stride, padding, groups=inner, bias=False)
        self.dw_bn = nn.BatchNorm2d(inner)
        self.dw_act = nn.ReLU6(inplace=True)
        self.pw2 = UnevenPointwise(inner, placed.c_out, block.project_partition)
        self.pw2_bn = nn.BatchNorm2d(placed.c_out)
        self.unpermute = _permutation(placed.c_out // groups if undoes else 1, placed.c_out)
        self.has_residual = placed.has_residual

    def forward(self, x: Tensor) -> Tensor:
        """(N, c_in, H, W) to (N, c_out, ceil(H / stride), ceil(W / stride))."""
        out: Tensor = self.pw1_act(self.pw1_bn(self.pw1(x)))  # (N, inner, H, W)
        out = self.permute(out)
        out = self.dw_act(self.dw_bn(self.dw(out)))  # (N, inner, H / stride, W / stride)
        out = self.pw2_bn(self.pw2(out))  # (N, c_out, H / stride, W / stride)
        out = self.unpermute(out)
        return x + out if self.has_residual else out


def _permutation(groups: int, channels: int) -> nn.Module:
    """The permutation of ``channels`` in ``groups``, or ``nn.Identity`` if it would not move any channel."""
    return Permutation(groups) if 1 < groups < channels else nn.Identity()
