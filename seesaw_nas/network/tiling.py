"""1x1 convolutions as matrix products of tiles with channels-last tensors, for training and deployment."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from seesaw_nas.network.wiring import Tiles


def as_rows(x: Tensor) -> Tensor:
    """(N, C, H, W) as the matrix (N*H*W, C), without a copy if the tensor is channels-last."""
    return x.permute(0, 2, 3, 1).reshape(-1, x.shape[1])


def as_images(rows: Tensor, like: Tensor) -> Tensor:
    """(N*H*W, C) as (N, C, H, W), channels-last, with the N, H and W of ``like``."""
    n, _, height, width = like.shape
    return rows.view(n, height, width, -1).permute(0, 3, 1, 2)


def tiled_product(
    rows: Tensor, tiles: Tiles, matrices: Sequence[Tensor], out: Tensor, bias: Tensor | None = None, adds: bool = False
) -> Tensor:
    """Multiply ``rows`` by the tiles and write the products to ``out``, without slicing or concatenating tensors.

    Every product reads and writes strided columns of the whole tensors. Every column of ``out`` must belong to a tile.

    Args:
        rows: (M, c_in).
        matrices: matrix of each tile, (its inputs, its outputs).
        out: (M, c_out), which is returned.
        bias: (c_out,).
        adds: whether to add to the content of ``out``; then without a bias.
    """
    begun = {tile.outputs.start for tile in tiles} if adds else set()
    for tile, matrix in zip(tiles, matrices, strict=True):
        target, part = (out, rows) if len(tiles) == 1 else (out[:, tile.outputs], rows[:, tile.inputs])
        if tile.outputs.start in begun:
            target.addmm_(part, matrix)
        elif bias is None:
            torch.mm(part, matrix, out=target)
        else:
            torch.addmm(bias[tile.outputs], part, matrix, out=target)
        begun.add(tile.outputs.start)
    return out
