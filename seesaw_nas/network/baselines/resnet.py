"""ResNet-18: pairs of 3x3 convolutions around an identity, projected by a 1x1 where the shape changes.

Source: He et al. 2015, arXiv:1512.03385, table 1, with shortcuts B of section 3.3.
"""

from __future__ import annotations

from torch import Tensor, nn

from seesaw_nas.network.baselines.parts import conv_norm, conv_norm_relu, pooled_classifier

STEM = 64
STAGES = ((64, 1), (128, 2), (256, 2), (512, 2))  # channels and first stride of each two blocks


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with the input added before the last ReLU."""

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv_norm_relu(c_in, c_out, 3, stride), conv_norm(c_out, c_out, 3))
        same = stride == 1 and c_in == c_out
        self.shortcut = nn.Identity() if same else conv_norm(c_in, c_out, 1, stride)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """(N, c_in, H, W) to (N, c_out, H / stride, W / stride)."""
        out: Tensor = self.relu(self.body(x) + self.shortcut(x))
        return out


def resnet_18(classes: int) -> nn.Module:
    """The network for 224x224 images."""
    parts: list[nn.Module] = [conv_norm_relu(3, STEM, 7, 2), nn.MaxPool2d(3, 2, padding=1)]
    channels = STEM
    for width, stride in STAGES:
        parts += [BasicBlock(channels, width, stride), BasicBlock(width, width, 1)]
        channels = width
    return nn.Sequential(*parts, pooled_classifier(channels, classes))
