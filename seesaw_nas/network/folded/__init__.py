"""A trained network without batch norm and permutations, and the formulation that computes it fastest."""

from __future__ import annotations

from seesaw_nas.network.folded import rule
from seesaw_nas.network.folded.folding import fold
from seesaw_nas.network.folded.fused import FusedNetwork
from seesaw_nas.network.folded.rule import Rule
from seesaw_nas.network.folded.split import SplitNetwork
from seesaw_nas.network.models import Network

__all__ = ["FusedNetwork", "SplitNetwork", "fold", "fuse", "rule", "split"]


def fuse(model: Network, formulation: Rule | None = None) -> FusedNetwork:
    """``model`` in eval mode for inference where it is now: batch norm folded, permutations gone.

    ``model`` keeps its own weights and is not changed. Outputs agree to about 1e-6 in float32.

    Args:
        formulation: which 1x1 convolutions are computed tile by tile; without, what was measured as fastest.
    """
    device = model.classifier.weight.device
    return FusedNetwork(fold(model), formulation or rule.eager(device)).eval()


def split(model: Network) -> SplitNetwork:
    """``model`` in eval mode as convolutions alone, for export to a graph runtime."""
    return SplitNetwork(fold(model), rule.graph).eval()
