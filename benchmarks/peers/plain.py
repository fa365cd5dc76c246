"""A network as the paper defines it, trained as a user would write it: what the fast formulation is held against."""

from __future__ import annotations

from torch import Tensor, nn


class Plain(nn.Module):
    """The network's own forward pass; a trainer knows no faster formulation of a module of this class."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        """(N, channels, H, W), normalised, to logits (N, classes)."""
        logits: Tensor = self.network(images)
        return logits
