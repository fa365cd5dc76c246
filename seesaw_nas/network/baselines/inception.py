"""Inception V1 (GoogLeNet) without its auxiliary classifiers.

Source: Szegedy et al. 2014, arXiv:1409.4842, table 1. Batch norm, and 3x3 where that table has 5x5, are readings: see
``READINGS`` in :mod:`seesaw_nas.network.baselines`.
"""

from __future__ import annotations

from torch import nn

from seesaw_nas.network.baselines.parts import Concat, conv_norm_relu, pooled_classifier

# Channels: 1x1; 3x3, reduced and out; the table's 5x5, reduced and out; after the pool.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
POOL_BEFORE = ("3a", "4a", "5a")


def inception_v1(classes: int, wide_kernel: int = 3) -> nn.Module:
    """The network for 224x224 images.

    Args:
        wide_kernel: kernel of the second reduced branch; table 1 has 5.
    """
    parts: list[nn.Module] = [conv_norm_relu(3, 64, 7, 2), nn.MaxPool2d(3, 2, padding=1)]
    parts += [conv_norm_relu(64, 64), conv_norm_relu(64, 192, 3)]
    channels = 192
    for name, (single, reduced, out, wide_reduced, wide_out, pooled) in MODULES.items():
        if name in POOL_BEFORE:
            parts.append(nn.MaxPool2d(3, 2, padding=1))
        parts.append(
            Concat(
                conv_norm_relu(channels, single),
                nn.Sequential(conv_norm_relu(channels, reduced), conv_norm_relu(reduced, out, 3)),
                nn.Sequential(
                    conv_norm_relu(channels, wide_reduced), conv_norm_relu(wide_reduced, wide_out, wide_kernel)
                ),
                nn.Sequential(nn.MaxPool2d(3, 1, padding=1), conv_norm_relu(channels, pooled)),
            )
        )
        channels = single + out + wide_out + pooled
    return nn.Sequential(*parts, pooled_classifier(channels, classes))
