"""Rules for the fastest formulation of folded 1x1 convolutions; no other code decides this.

Four formulations were compared: dense (zeros are computed like weights), tiles (one matrix product per tile, on
channels-last slices), split (one tensor per group) and native groups, if their sizes are equal.
``benchmarks/formulations.py`` measures the thresholds on a CPU, ``benchmarks/runtime_forms.py`` the forms of whole
networks in every runtime that is exported to. The rule for CUDA follows from arithmetic: the time is
determined by the bytes of the activations, which are the same for all, and a dense product needs only one launch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch

from seesaw_nas.network.folded.folding import FoldedBlock, Pointwise
from seesaw_nas.network.wiring import Tiles

Rule = Callable[[Pointwise], bool]  # whether a 1x1 convolution is computed tile by tile
Formulation = Literal["dense", "native", "split"]
GraphRule = Callable[[FoldedBlock], Formulation]

TILED_FROM = 64  # channels of the narrower side from which on tiles are faster than a dense convolution
CONVOLVED_FROM = 16_384  # rows from which on oneDNN's convolution is faster than matrix products, forward and backward
SPLIT_FROM = 48  # channels of the smallest piece from which on splitting is faster
INT8_SPLIT_FROM = 192  # in int8, in ONNX Runtime and in OpenVINO (benchmarks/int8.py)
SPLIT_TWICE_FROM = 192  # the same with a second permutation, which scatters the outputs of a group of pw2
BLOCKED = 16  # ONNX Runtime stores channels in blocks of 16 on AVX-512; native groups need whole blocks


def eager(device: torch.device) -> Rule:
    """The rule for torch's own operators on a device."""
    if device.type == "cpu":
        return lambda of: tiles_pay(of.tiles, *of.weight.shape)
    return lambda of: False


def tiles_pay(tiles: Tiles, *channels: int) -> bool:
    """Whether, on a CPU, one matrix product per tile of a 1x1 convolution is faster than one for all of it."""
    return len(tiles) > 1 and min(channels) >= TILED_FROM


def convolves(rows: int, tiles: Tiles) -> bool:
    """Whether, on a CPU, torch's convolution trains a dense 1x1 layer faster than matrix products.

    Args:
        rows: number of positions in all images of a batch.
    """
    return len(tiles) == 1 and rows >= CONVOLVED_FROM


def graph(runtime: str = "onnxruntime", precision: str = "float32") -> GraphRule:
    """The rule for the blocks of a network that a runtime executes on a CPU.

    Args:
        runtime: one of :data:`seesaw_nas.deploy.runtimes.RUNTIMES`.
        precision: ``float32`` or ``int8``.
    """
    return _GRAPHS.get((runtime, precision), _blocked)


@dataclass(frozen=True, slots=True)
class _BlockedChannels:
    """A rule for runtimes that store channels in blocks: tensors of their own for wide groups, native ones, or dense.

    Attributes:
        split_from: channels of the smallest piece from which on splitting is faster.
        split_twice_from: the same with a second permutation.
    """

    split_from: int = SPLIT_FROM
    split_twice_from: int = SPLIT_TWICE_FROM

    def __call__(self, block: FoldedBlock) -> Formulation:
        placed = block.placed
        enough = self.split_twice_from if placed.block.flow == "igcv3" else self.split_from
        if len(block.pieces) > 1 and min(piece.stop - piece.start for piece in block.pieces) >= enough:
            return "split"
        partition = placed.block.partition
        whole_blocks = placed.c_in % (BLOCKED * partition.groups) == 0
        return "native" if partition.is_even and not partition.is_dense and whole_blocks else "dense"


def _int8(block: FoldedBlock) -> Formulation:
    """The formulation that is fastest in int8: zeros cost less than in float32, and every operator costs as much."""
    narrowest = min(piece.stop - piece.start for piece in block.pieces)
    return "split" if len(block.pieces) > 1 and narrowest >= INT8_SPLIT_FROM else "dense"


_blocked = _BlockedChannels()
# By runtime and precision, where another rule than ONNX Runtime's in float32 is faster: benchmarks/runtime_forms.py
# and, in int8, benchmarks/int8.py
_GRAPHS: dict[tuple[str, str], GraphRule] = {
    ("onnxruntime", "int8"): _int8,
    ("openvino", "int8"): _int8,
    ("mnn", "float32"): _BlockedChannels(split_from=24, split_twice_from=24),
}
