"""Which formulation computes a folded 1x1 convolution fastest: the one place where that is decided.

Four were compared: dense (zeros computed like weights), tiles (a matrix product a tile, on channels-last slices), split
(each group a tensor of its own) and torch's and ONNX Runtime's native groups where sizes are equal, which lost
everywhere. ``benchmarks/formulations.py`` measures the thresholds; CUDA's is arithmetic: there the bytes of the
activations decide, which are the same, and a dense product is one launch.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from seesaw_nas.deploy.folding import FoldedBlock, Pointwise

Rule = Callable[[Pointwise], bool]  # whether a 1x1 convolution is computed tile by tile
SplitRule = Callable[[FoldedBlock], bool]  # whether a block's groups are tensors of their own

TILED_FROM = 64  # channels on the narrow side, from where products of tiles beat the zeros of a dense convolution
SPLIT_FROM = 48  # channels of the smallest piece; ONNX Runtime computes channels in blocks of 16


def eager(device: torch.device) -> Rule:
    """The rule for torch's own operators on a device."""
    return tiles_pay if device.type == "cpu" else lambda of: False


def tiles_pay(of: Pointwise) -> bool:
    """Whether matrix products of the tiles are faster on a CPU than one dense convolution."""
    return len(of.tiles) > 1 and min(of.weight.shape) >= TILED_FROM


def split_pays(block: FoldedBlock) -> bool:
    """Whether ONNX Runtime computes the block faster in separate tensors."""
    return len(block.pieces) > 1 and min(piece.stop - piece.start for piece in block.pieces) >= SPLIT_FROM
