"""ShuffleNet 1.5x with three groups: grouped 1x1 convolutions, their channels shuffled in between.

Source: Zhang et al. 2017, arXiv:1707.01083, table 1 (g = 3, widths times 1.5) and figure 2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from seesaw_nas.network.baselines.parts import conv_norm, conv_norm_relu, pooled_classifier
from seesaw_nas.network.ops import Permutation

GROUPS = 3
STEM = 24
STAGES = ((360, 4), (720, 8), (1440, 4))  # channels and units; the first unit of each halves the map
BOTTLENECK = 4  # ratio of a unit's output channels to its inner ones


class Unit(nn.Module):
    """Grouped 1x1, shuffle, 3x3 depthwise, grouped 1x1; added to the input or, with stride 2, concatenated with it.

    Args:
        reduce_groups: groups of the first 1x1 convolution.
    """

    def __init__(self, c_in: int, c_out: int, stride: int, reduce_groups: int) -> None:
        super().__init__()
        self.halves = stride == 2
        inner, grown = c_out // BOTTLENECK, c_out - c_in if self.halves else c_out
        self.body = nn.Sequential(
            conv_norm_relu(c_in, inner, groups=reduce_groups),
            Permutation(GROUPS),
            conv_norm(inner, inner, 3, stride, groups=inner),
            conv_norm(inner, grown, groups=GROUPS),
        )
        self.shortcut = nn.AvgPool2d(3, 2, padding=1) if self.halves else nn.Identity()
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, c_in, H, W) to (N, c_out, H / stride, W / stride)."""
        kept, grown = self.shortcut(x), self.body(x)
        out: Tensor = self.relu(torch.cat([kept, grown], dim=1) if self.halves else kept + grown)
        return out


def shufflenet_15_g3(classes: int) -> nn.Module:
    """The network for 224x224 images. As in the paper, the first 1x1 convolution is dense, since it has few inputs."""
    parts: list[nn.Module] = [conv_norm_relu(3, STEM, 3, 2), nn.MaxPool2d(3, 2, padding=1)]
    channels = STEM
    for width, units in STAGES:
        for index in range(units):
            groups = 1 if channels == STEM else GROUPS
            parts.append(Unit(channels, width, 2 if index == 0 else 1, groups))
            channels = width
    return nn.Sequential(*parts, pooled_classifier(channels, classes))
