"""Which formulation computes a folded 1x1 convolution fastest: the one place where that is decided.

Four were compared: dense (zeros computed like weights), tiles (a matrix product a tile, on channels-last slices), split
(each group a tensor of its own) and native groups where their sizes are equal. ``benchmarks/formulations.py`` measures
the thresholds on a CPU. CUDA's rule is arithmetic, not measurement: there the bytes of the activations decide, which
are the same in all, and a dense product is one launch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch

from seesaw_nas.network.folded.folding import FoldedBlock, Pointwise
from seesaw_nas.network.wiring import Tiles

Rule = Callable[[Pointwise], bool]  # whether a 1x1 convolution is computed tile by tile
Formulation = Literal["dense", "native", "split"]
GraphRule = Callable[[FoldedBlock], Formulation]

TILED_FROM = 64  # channels on the narrow side, from where products of tiles beat the zeros of a dense convolution
CONVOLVED_FROM = 16_384  # rows, from where oneDNN's convolution beats a matrix product in forward and backward passes
SPLIT_FROM = 48  # channels of the smallest piece
SPLIT_TWICE_FROM = 192  # the same where a second permutation scatters what a group of pw2 writes
BLOCKED = 16  # ONNX Runtime keeps channels in blocks of 16 on AVX-512: native groups want whole blocks


def eager(device: torch.device) -> Rule:
    """The rule for torch's own operators on a device."""
    if device.type == "cpu":
        return lambda of: tiles_pay(of.tiles, *of.weight.shape)
    return lambda of: False


def tiles_pay(tiles: Tiles, *channels: int) -> bool:
    """Whether, on a CPU, matrix products of the tiles of a 1x1 convolution are faster than one of all of it."""
    return len(tiles) > 1 and min(channels) >= TILED_FROM


def convolves(rows: int, tiles: Tiles) -> bool:
    """Whether, on a CPU, torch's convolution trains a dense 1x1 layer faster than matrix products.

    Args:
        rows: positions of all images of a batch.
    """
    return len(tiles) == 1 and rows >= CONVOLVED_FROM


def graph(block: FoldedBlock) -> Formulation:
    """What ONNX Runtime computes fastest on a CPU."""
    placed = block.placed
    enough = SPLIT_TWICE_FROM if placed.block.flow == "igcv3" else SPLIT_FROM
    if len(block.pieces) > 1 and min(piece.stop - piece.start for piece in block.pieces) >= enough:
        return "split"
    partition = placed.block.partition
    whole_blocks = placed.c_in % (BLOCKED * partition.groups) == 0
    return "native" if partition.is_even and not partition.is_dense and whole_blocks else "dense"
