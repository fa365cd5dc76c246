"""CondenseNet as deployed: every learned group convolution is an index and a standard group convolution.

Which inputs a layer keeps is learned; here, without training, it keeps the first ones. No count depends on it.
Source: Huang et al. 2018, arXiv:1711.09224, sections 3 and 4, figure 1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seesaw_nas.network.baselines.parts import conv
from seesaw_nas.network.ops import Permutation

BOTTLENECK = 4  # ratio of the channels between a layer's two convolutions to its growth


@dataclass(frozen=True, slots=True)
class CondenseNetLayout:
    """One network of the family, with as many groups as the condensation factor: G = C.

    Attributes:
        layers, growths: for each block, the number of dense layers and the channels that each of them adds.
        groups: groups of the 1x1 and of the 3x3 convolutions.
        stem_stride: stride of the first convolution.
        halves_width: whether a 1x1 convolution between blocks halves the channels, as in DenseNet.
    """

    layers: tuple[int, ...]
    growths: tuple[int, ...]
    groups: int
    stem_stride: int
    halves_width: bool = False


IMAGENET_G8 = CondenseNetLayout((4, 6, 8, 10, 8), (8, 16, 32, 64, 128), groups=8, stem_stride=2)
CIFAR_86 = CondenseNetLayout((14, 14, 14), (8, 16, 32), groups=4, stem_stride=1)
CIFAR_LIGHT_94 = CondenseNetLayout((15, 15, 15), (16, 16, 16), groups=4, stem_stride=1, halves_width=True)


class Keep(nn.Module):
    """Selects ``kept`` channels; in a trained network every group selects its own, and with G = C each is kept once."""

    indices: Tensor

    def __init__(self, kept: int) -> None:
        super().__init__()
        self.register_buffer("indices", torch.arange(kept))

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, ...) to (N, kept, ...)."""
        return x.index_select(1, self.indices)


class DenseLayer(nn.Module):
    """A condensed 1x1 and a grouped 3x3 convolution, whose output joins the input."""

    def __init__(self, c_in: int, growth: int, groups: int) -> None:
        super().__init__()
        inner = BOTTLENECK * growth
        self.body = nn.Sequential(
            *_condensed_conv(c_in, inner, groups),
            nn.BatchNorm2d(inner),
            nn.ReLU(),
            conv(inner, growth, 3, groups=groups),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(N, c_in, H, W) to (N, c_in + growth, H, W)."""
        return torch.cat([x, self.body(x)], dim=1)


def condensenet(layout: CondenseNetLayout, classes: int) -> nn.Module:
    """The network with this layout; average pooling halves the feature map between blocks."""
    channels = 2 * layout.growths[0]
    parts: list[nn.Module] = [conv(3, channels, 3, layout.stem_stride)]
    for index, (layers, growth) in enumerate(zip(layout.layers, layout.growths, strict=True)):
        if index and layout.halves_width:
            parts += _condensed_conv(channels, channels // 2, layout.groups)
            channels //= 2
        if index:
            parts.append(nn.AvgPool2d(2))
        for _ in range(layers):
            parts.append(DenseLayer(channels, growth, layout.groups))
            channels += growth
    parts += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*parts, Keep(channels // 2), nn.Linear(channels // 2, classes))


def _condensed_conv(c_in: int, c_out: int, groups: int) -> list[nn.Module]:
    """Index, batch norm, ReLU, grouped 1x1 and permutation: figure 1, right."""
    return [Keep(c_in), nn.BatchNorm2d(c_in), nn.ReLU(), conv(c_in, c_out, groups=groups), Permutation(groups)]
