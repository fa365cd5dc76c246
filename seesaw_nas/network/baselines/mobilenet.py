"""MobileNetV1, width 1.0: a depthwise and a dense 1x1 convolution in turn.

Source: Howard et al. 2017, arXiv:1704.04861, table 1.
"""

from __future__ import annotations

from torch import nn

from seesaw_nas.network.baselines.parts import conv_norm_relu, pooled_classifier

STEM = 32
PAIRS = (  # output channels and stride
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2),
    (512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1),
)  # fmt: skip


def mobilenet_v1(classes: int) -> nn.Module:
    """The network for 224x224 images."""
    parts, channels = [conv_norm_relu(3, STEM, 3, 2)], STEM
    for width, stride in PAIRS:
        parts += [conv_norm_relu(channels, channels, 3, stride, groups=channels), conv_norm_relu(channels, width)]
        channels = width
    return nn.Sequential(*parts, pooled_classifier(channels, classes))
