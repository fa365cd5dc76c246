"""NASNet: the frame of the family, and stand-ins for the cells of NASNet-B and NASNet-C.

The frame is a stem, two reduction cells, and three times N normal cells with a reduction cell in between. With the
cells of NASNet-A it has that network's published figures, as a test checks. The cells of B and C are only drawn in the
paper's figures 8 and 9; no text or code that lists them was found. The cells here have the numbers of blocks, inputs
and outputs of appendix B, but their operations are guesses. See ``READINGS`` in :mod:`seesaw_nas.network.baselines`.
Source: Zoph et al. 2018, arXiv:1707.07012, figure 2, appendices A.4 and B.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seesaw_nas.network.baselines.parts import Concat, conv, pooled_classifier

STEM = 32
Block = tuple[int, str, int, str]  # a state and an operation, twice; the two results are added


@dataclass(frozen=True, slots=True)
class CellLayout:
    """The blocks of a cell and the states that it returns.

    States are numbered: first the cell's inputs, 0 being the newest, then one for each block. Operations are ``sep3``,
    ``sep5``, ``sep7`` (separable convolutions), ``avg3``, ``max3`` (pools) and ``id``.
    """

    blocks: tuple[Block, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NASNetLayout:
    """A NASNet 'N @ penultimate'.

    Attributes:
        inputs: number of states that a cell reads.
        joins: whether a cell's outputs are concatenated to one state, as in A and C; in B each remains a state.
        repeats: N, the number of normal cells in a row.
        penultimate: number of channels that the classifier reads.
    """

    normal: CellLayout
    reduction: CellLayout
    inputs: int
    joins: bool
    repeats: int
    penultimate: int

    @property
    def width(self) -> int:
        """Channels of one state in the first row of normal cells; every reduction doubles them."""
        return self.penultimate // (4 * len(self.normal.outputs))


def stand_in(inputs: int, separable: tuple[str, ...], other: str) -> CellLayout:
    """A cell of four blocks that read the inputs in turn: first with separable convolutions, then with ``other``."""
    names = [*separable, *(other for _ in range(8 - len(separable)))]
    blocks = ((i % inputs, names[2 * i], (i + 1) % inputs, names[2 * i + 1]) for i in range(4))
    return CellLayout(tuple(blocks), tuple(range(inputs, inputs + 4)))


B_4 = NASNetLayout(
    normal=stand_in(4, ("sep3",), "id"),
    reduction=stand_in(4, ("sep5", "sep5", "sep7", "sep7", "sep7", "sep7"), "avg3"),
    inputs=4, joins=False, repeats=4, penultimate=1536,
)  # fmt: skip
C_3 = NASNetLayout(
    normal=stand_in(2, ("sep5",), "id"),
    reduction=stand_in(2, ("sep7",) * 8, "avg3"),
    inputs=2, joins=True, repeats=3, penultimate=960,
)  # fmt: skip


class NASNetCell(nn.Module):
    """One cell.

    Args:
        channels: channels of each input.
        width: channels of every state that the cell computes.
        stride: stride of the operations on inputs.
        fits: modules that give each input the cell's width and the size of the newest input.
    """

    def __init__(
        self, layout: CellLayout, channels: tuple[int, ...], width: int, stride: int, fits: list[nn.Module]
    ) -> None:
        super().__init__()
        self.layout, self.fits, self.operations = layout, nn.ModuleList(fits), nn.ModuleList()
        for first, first_kind, second, second_kind in layout.blocks:
            for state, kind in ((first, first_kind), (second, second_kind)):
                is_input = state < len(channels)
                c_in = channels[state] if is_input else width
                self.operations.append(_operation(kind, c_in, width, stride if is_input else 1))

    def forward(self, inputs: list[Tensor]) -> list[Tensor]:
        """Inputs of (N, C, H, W) to outputs of (N, width, H / stride, W / stride) each."""
        states = [fit(state) for fit, state in zip(self.fits, inputs, strict=True)]
        operations = iter(self.operations)
        for first, _, second, _ in self.layout.blocks:
            states.append(next(operations)(states[first]) + next(operations)(states[second]))
        return [states[index] for index in self.layout.outputs]


class NASNet(nn.Module):
    """The network with a layout, for 224x224 images."""

    def __init__(self, layout: NASNetLayout, classes: int) -> None:
        super().__init__()
        self.layout = layout
        self.stem = nn.Sequential(nn.Conv2d(3, STEM, 3, 2, bias=False), nn.BatchNorm2d(STEM))  # 224 to 111
        self.cells = nn.ModuleList(_cells(layout))
        self.classifier = nn.Sequential(nn.ReLU(), pooled_classifier(layout.penultimate, classes))

    def forward(self, images: Tensor) -> Tensor:
        """(N, 3, H, W), normalised, to logits (N, classes)."""
        states: list[Tensor] = [self.stem(images)] * self.layout.inputs
        for cell in self.cells:
            made = cell(states)
            states = [torch.cat(made, dim=1), states[0]] if self.layout.joins else made
        last = states[:1] if self.layout.joins else states
        logits: Tensor = self.classifier(torch.cat(last, dim=1))
        return logits


def _cells(layout: NASNetLayout) -> list[NASNetCell]:
    row = [1] * layout.repeats
    widths = [(layout.width // 4, [2]), (layout.width // 2, [2]), (layout.width, row)]
    widths += [(layout.width * scale, [2, *row]) for scale in (2, 4)]
    cells, channels, last_stride = [], (STEM,) * layout.inputs, 0
    for width, strides in widths:
        for stride in strides:
            kind = layout.normal if stride == 1 else layout.reduction
            fits, fitted = _fits(layout, channels, width, last_stride)
            cells.append(NASNetCell(kind, fitted, width, stride, fits))
            made = width * len(kind.outputs)
            channels = (made, channels[0]) if layout.joins else (width,) * layout.inputs
            last_stride = stride
    return cells


def _fits(
    layout: NASNetLayout, channels: tuple[int, ...], width: int, last_stride: int
) -> tuple[list[nn.Module], tuple[int, ...]]:
    """Modules that fit a cell's inputs, and the channels after them.

    If cells do not join their outputs, all inputs have one shape and need no change.

    Args:
        last_stride: stride of the previous cell; 0 for the first cell.
    """
    if not layout.joins:
        return [nn.Identity() for _ in channels], channels
    newest, older = channels
    first = _relu_conv_norm(newest, width, 1)
    if last_stride == 0:
        return [first, nn.Identity()], (width, older)
    if last_stride == 2:
        return [first, _halve(older, width)], (width, width)
    return [first, nn.Identity() if older == width else _relu_conv_norm(older, width, 1)], (width, width)


def _operation(kind: str, c_in: int, c_out: int, stride: int) -> nn.Module:
    name, kernel = kind[:3], int(kind[3:] or 1)
    if name == "sep":
        return nn.Sequential(*_separable(c_in, c_out, kernel, stride), *_separable(c_out, c_out, kernel, 1))
    if name == "id":
        return nn.Identity() if c_in == c_out and stride == 1 else _relu_conv_norm(c_in, c_out, stride)
    pool = (nn.AvgPool2d if name == "avg" else nn.MaxPool2d)(kernel, stride, kernel // 2)
    return pool if c_in == c_out else nn.Sequential(pool, conv(c_in, c_out), nn.BatchNorm2d(c_out))


def _separable(c_in: int, c_out: int, kernel: int, stride: int) -> list[nn.Module]:
    depthwise = conv(c_in, c_in, kernel, stride, groups=c_in)
    return [nn.ReLU(), depthwise, conv(c_in, c_out), nn.BatchNorm2d(c_out)]


def _relu_conv_norm(c_in: int, c_out: int, stride: int) -> nn.Module:
    return nn.Sequential(nn.ReLU(), conv(c_in, c_out, 1, stride), nn.BatchNorm2d(c_out))


def _halve(c_in: int, c_out: int) -> nn.Module:
    """Halve the map: every other pixel gives half of the channels, the pixels between them the other half."""
    left = nn.Sequential(nn.AvgPool2d(1, 2), conv(c_in, c_out // 2))
    right = nn.Sequential(nn.ZeroPad2d((-1, 1, -1, 1)), nn.AvgPool2d(1, 2), conv(c_in, c_out - c_out // 2))
    return nn.Sequential(nn.ReLU(), Concat(left, right), nn.BatchNorm2d(c_out))
