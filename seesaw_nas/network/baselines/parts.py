"""Parts that several families share. Convolutions carry no bias and are padded by half their kernel."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Concat(nn.Module):
    """Branches over one input, their outputs side by side as channels."""

    def __init__(self, *branches: nn.Module) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: Tensor) -> Tensor:
        """(N, C, H, W) to (N, the branches' channels added up, h, w)."""
        return torch.cat([branch(x) for branch in self.branches], dim=1)


def conv(c_in: int, c_out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """A square convolution with padding; only the stride reduces the feature map."""
    return nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)


def conv_norm(c_in: int, c_out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch norm."""
    return nn.Sequential(conv(c_in, c_out, kernel, stride, groups), nn.BatchNorm2d(c_out))


def conv_norm_relu(c_in: int, c_out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(*conv_norm(c_in, c_out, kernel, stride, groups), nn.ReLU(inplace=True))


def pooled_classifier(channels: int, classes: int) -> nn.Sequential:
    """Global average pool and a linear layer with bias: (N, channels, h, w) to logits (N, classes)."""
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))
