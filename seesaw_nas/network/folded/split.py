"""The folded network as convolutions only, for export to ONNX.

Runtimes such as ONNX Runtime store channels in blocks, so that a convolution over all channels is cheap and a slice is
not. So nothing is sliced. In a split block, the channels of each group are a separate tensor, which is passed on from
block to block; each piece of the inner layer has its own convolutions, and the results of the pieces that a group of
pw2 reads are added up. A block that is not split has three convolutions, of which the first may have native groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from seesaw_nas.network.folded.folding import Convolution, FoldedBlock, FoldedNetwork
from seesaw_nas.network.folded.rule import Formulation, GraphRule
from seesaw_nas.network.wiring import Tile

Segments = tuple[slice, ...]  # the channels of each of several tensors, in order


class Resegment(nn.Module):
    """Turns tensors with the channels ``have`` into tensors with the channels ``want``."""

    def __init__(self, have: Segments, want: Segments) -> None:
        super().__init__()
        self.sizes = [_length(segment) for segment in want]
        self.members = [[i for i, part in enumerate(have) if _covers(whole, part)] for whole in want]
        self.keeps, self.joins = have == want, sum(map(len, self.members)) == len(have)

    def forward(self, stream: list[Tensor]) -> list[Tensor]:
        """Tensors of shape (N, channels, H, W) each."""
        if self.keeps:
            return stream
        if self.joins:
            return [_join([stream[i] for i in members]) for members in self.members]
        return list(_join(stream).split_with_sizes(self.sizes, dim=1))


class SplitBlock(nn.Module):
    """Expand, depthwise and project on separate tensors; a block that is not split has one of each.

    Args:
        have: channels of the input tensors.

    Attributes:
        writes: channels of the output tensors.
    """

    def __init__(self, block: FoldedBlock, have: Segments, formulation: Formulation) -> None:
        super().__init__()
        placed, pw1, pw2, split = block.placed, block.pw1, block.pw2, formulation == "split"
        reads = _edges(tile.inputs for tile in pw1.tiles) if split else (slice(0, placed.c_in),)
        pieces = block.pieces if split else (slice(0, placed.inner),)
        self.writes = _edges(tile.outputs for tile in pw2.tiles) if split else (slice(0, placed.c_out),)
        self.read = Resegment(have, reads)
        self.residual = Resegment(have, self.writes) if placed.has_residual else None
        self.sources = [next(i for i, r in enumerate(reads) if _has_weight(pw1.tiles, piece, r)) for piece in pieces]
        self.feeds = [[i for i, p in enumerate(pieces) if _has_weight(pw2.tiles, out, p)] for out in self.writes]
        self.pw1, self.dw, self.pw2 = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for piece, source in zip(pieces, self.sources, strict=True):
            weight, groups = pw1.weight[piece, reads[source]], 1
            if formulation == "native":
                weight, groups = _group_weight(weight, pw1.tiles), len(pw1.tiles)
            self.pw1.append(_conv(weight, None if pw1.bias is None else pw1.bias[piece], groups=groups))
            self.dw.append(_conv(block.dw.weight[piece], block.dw.bias[piece], placed.stride, _length(piece)))
        for out, feeding in zip(self.writes, self.feeds, strict=True):
            self.pw2.extend(_conv(pw2.weight[out, pieces[i]], None) for i in feeding)
        self.act = nn.ReLU6() if placed.block.expand_activation == "relu6" else nn.Identity()

    def forward(self, stream: list[Tensor]) -> list[Tensor]:
        """Tensors with the channels ``have``, (N, channels, H, W) each, to tensors with the channels ``writes``."""
        read = self.read(stream)
        layers = zip(self.sources, self.pw1, self.dw, strict=True)
        inner = [dw(self.act(pw1(read[source]))).clamp(0, 6) for source, pw1, dw in layers]
        totals: list[Tensor | None] = list(self.residual(stream)) if self.residual else [None] * len(self.writes)
        projections = iter(self.pw2)
        for k, feeding in enumerate(self.feeds):
            for i in feeding:
                part, total = next(projections)(inner[i]), totals[k]
                totals[k] = part if total is None else part + total
        return [total for total in totals if total is not None]


class SplitNetwork(nn.Module):
    """Logits from normalised images; weights are parameters without gradients."""

    def __init__(self, folded: FoldedNetwork, rule: GraphRule) -> None:
        super().__init__()
        architecture = folded.architecture
        self.architecture = architecture
        self.stem = _conv(folded.stem.weight, folded.stem.bias, architecture.stem.stride)
        have: Segments = (slice(0, architecture.stem.channels),)
        blocks = []
        for block in folded.blocks:
            blocks.append(SplitBlock(block, have, rule(block)))
            have = blocks[-1].writes
        self.blocks = nn.ModuleList(blocks)
        self.whole = Resegment(have, (slice(0, architecture.placed[-1].c_out),))
        self.head = _conv(folded.head.weight, folded.head.bias)
        self.pool = nn.AvgPool2d(architecture.placed[-1].size_out)
        self.classifier = _linear(folded.classifier)

    def forward(self, images: Tensor) -> Tensor:
        """(N, input_channels, H, W), normalised, to logits (N, classes)."""
        stream = [self.stem(images).clamp(0, 6)]  # (N, stem.channels, H / stride, W / stride)
        for block in self.blocks:
            stream = block(stream)
        (x,) = self.whole(stream)  # (N, last stage's channels, h, w)
        x = self.pool(self.head(x).clamp(0, 6)).flatten(1)  # (N, head.channels)
        logits: Tensor = self.classifier(x)  # (N, classes)
        return logits


def _linear(of: Convolution) -> nn.Linear:
    classes, channels = of.weight.shape
    made = nn.Linear(channels, classes, device="meta")
    made.weight, made.bias = _constant(of.weight), _constant(of.bias)
    return made


def _group_weight(weight: Tensor, tiles: Sequence[Tile]) -> Tensor:
    """The weight (c_out, c_in / groups) of a grouped convolution with these tiles, which have one size."""
    return torch.cat([weight[tile.outputs, tile.inputs] for tile in tiles])


def _conv(weight: Tensor, bias: Tensor | None, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """The convolution with these weights, (c_out, c_in / groups, k, k) or, for 1x1, (c_out, c_in)."""
    if weight.dim() == 2:
        weight = weight[:, :, None, None]
    outputs, inputs, kernel, _ = weight.shape
    made = nn.Conv2d(
        inputs * groups, outputs, kernel, stride, kernel // 2, groups=groups, bias=bias is not None, device="meta"
    )
    made.weight, made.bias = _constant(weight), None if bias is None else _constant(bias)
    return made


def _constant(weight: Tensor) -> nn.Parameter:
    return nn.Parameter(weight.contiguous(), requires_grad=False)


def _edges(slices: Iterable[slice]) -> Segments:
    """Each slice once, in order."""
    return tuple(slice(*edges) for edges in sorted({(s.start, s.stop) for s in slices}))


def _has_weight(tiles: Sequence[Tile], outputs: slice, inputs: slice) -> bool:
    """Whether a tile has any weight from ``inputs`` to ``outputs``."""
    return any(_overlap(tile.outputs, outputs) and _overlap(tile.inputs, inputs) for tile in tiles)


def _overlap(a: slice, b: slice) -> bool:
    return bool(a.start < b.stop and b.start < a.stop)


def _covers(whole: slice, part: slice) -> bool:
    return bool(whole.start <= part.start and part.stop <= whole.stop)


def _length(part: slice) -> int:
    return int(part.stop - part.start)


def _join(parts: Sequence[Tensor]) -> Tensor:
    return parts[0] if len(parts) == 1 else torch.cat(list(parts), dim=1)
