"""Networks made ready for inference: folded, fused, exported."""

from __future__ import annotations

from seesaw_nas.deploy.split import SplitNetwork
from seesaw_nas.network.folded import FusedNetwork, fold, fuse, rule
from seesaw_nas.network.models import Network

__all__ = ["FusedNetwork", "SplitNetwork", "fuse", "split"]


def split(model: Network) -> SplitNetwork:
    """``model`` in eval mode as convolutions alone, for export to a graph runtime."""
    return SplitNetwork(fold(model), rule.graph).eval()
