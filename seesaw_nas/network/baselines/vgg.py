"""VGG-16: thirteen 3x3 convolutions with bias and no norm, then three linear layers.

Source: Simonyan and Zisserman 2014, arXiv:1409.1556, table 1, configuration D.
"""

from __future__ import annotations

from torch import nn

STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels and convolutions, each stage before a pool
HIDDEN = 4096


def vgg_16(classes: int) -> nn.Module:
    """The network for 224x224 images; its first linear layer reads 512 maps of 7x7."""
    parts: list[nn.Module] = []
    channels = 3
    for width, repeats in STAGES:
        for _ in range(repeats):
            parts += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        parts.append(nn.MaxPool2d(2))
    parts += [nn.Flatten(), nn.Linear(channels * 7**2, HIDDEN), nn.ReLU(inplace=True), nn.Dropout(0.5)]
    parts += [nn.Linear(HIDDEN, HIDDEN), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.Linear(HIDDEN, classes)]
    return nn.Sequential(*parts)
