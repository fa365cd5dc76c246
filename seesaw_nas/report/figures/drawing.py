"""An architecture as a picture in SVG text: its blocks from the image to the classes, their groups in proportion.

A block is three bands, from its input above to its output below: pw1, the depthwise convolution, pw2. A colour is a
group of pw1, from its share of the inputs to its share of the outputs, so 1:3 shows as a quarter and three quarters.
The depthwise band has the order in which these channels arrive: dealt out in stripes under ``shuffle``. Each group of
pw2, between lines, is filled with what it reads, in slices of the groups' colours: one colour is a group that never
meets another, several are an exchange. Under ``igcv3`` a strip below has the outputs in stripes of the groups of pw2.

Within a layer all shares are exact. Layers among each other are as wide as the square root of their channels, so that
16 beside 960 can still be seen.

Text is in ``currentColor``, so it follows the page between light and dark; kernels, expansions and flows are told in
words. Left out: batch norm, activations, the classifier's weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import accumulate, groupby
from math import lcm, sqrt

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture, Block, PlacedBlock
from seesaw_nas.core.units import format_count
from seesaw_nas.report.theme import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILION

# Neighbours differ in lightness, too.
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, VERMILION)
LABELS, CHANNELS, MARGIN = 132, 224, 10  # widths in units of the drawing: words, bands, and the residual beside them
POINTWISE, DEPTHWISE, SEAM, GAP = 10, 5, 1, 7  # heights; a seam within a block, a gap after it
LINE = 18  # of a stage's heading
WHITE = "#FFFFFF"
PAGE = f"var(--page, {WHITE})"  # the colour behind the drawing
COLUMN = 3.5  # inches of a file of its own
FINE = 48  # stripes that can still be told apart; wider layers are drawn with fewer, in the same pattern

Segment = tuple[int, float, float]  # a group, and from where to where it reaches, as shares of the layer's channels


@dataclass(frozen=True, slots=True)
class Scale:
    """Where channels stand: layers are centred, the widest within a block of the network fills ``CHANNELS``."""

    widest: int

    def x(self, share: float, channels: int) -> float:
        """The place of a share of a layer with so many channels."""
        return LABELS + CHANNELS / 2 + (share - 0.5) * CHANNELS * sqrt(channels / self.widest)


def svg(architecture: Architecture, name: str = "", *, inches: float = 0) -> str:
    """The drawing as one ``<svg>`` element; it needs no style and no script.

    Args:
        architecture: what to draw.
        name: told to who cannot see the picture, beside the counts.
        inches: its width; 0 for what is around it to say.
    """
    scale = Scale(max(max(at.c_in, at.inner, at.c_out) for at in architecture.placed))
    parts, y = _body(architecture, scale)
    counts = f"{format_count(cost.macs(architecture))} Multi-Adds, {format_count(cost.params(architecture))} Params"
    count = len(architecture.placed)
    title = escape(f"{name or 'Architecture'}: {count} block{'' if count == 1 else 's'}, {counts}")
    wide = LABELS + CHANNELS + MARGIN
    size = f'width="{inches:g}in" height="{inches * y / wide:.3f}in" ' if inches else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}viewBox="0 0 {wide} {y}" role="img" '
        f'aria-label="{title}" font-family="sans-serif" font-size="11" fill="currentColor">'
        f"<title>{title}</title>{''.join(parts)}</svg>"
    )


def standalone(architecture: Architecture, name: str = "") -> str:
    """The drawing as a file of its own: ``COLUMN`` inches wide, in black, without what only browsers understand."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{svg(architecture, name, inches=COLUMN)}\n'.replace(
        PAGE, WHITE
    ).replace("currentColor", "#000000")


def _body(architecture: Architecture, scale: Scale) -> tuple[list[str], int]:
    """Everything from top to bottom, and how high it is."""
    side, stem, head = architecture.input_size, architecture.stem, architecture.head
    into = _at(stem.channels, architecture.placed[0].size_in, stem.stride)
    parts, y = [_text(0, 12, f"image {architecture.input_channels}x{side}x{side}, stem: {into}")], LINE
    for at in architecture.placed:
        if at.index == 0:
            text = f"stage {at.stage + 1}: {_at(at.c_out, at.size_out, at.stride)}"
            parts.append(_text(0, y + 12, text, ' font-weight="600"'))
            y += LINE
        parts.append(_block(at, y, scale))
        y += height(at.block) + GAP
    parts.append(_text(0, y + 12, f"head: {head.channels} channels, then {architecture.classes} classes"))
    return parts, y + LINE


def _at(channels: int, side: int, stride: int) -> str:
    return f"{channels} channels, {side}x{side}{f', stride {stride}' if stride > 1 else ''}"


def height(block: Block) -> int:
    """Of a block's bands together."""
    return 2 * (POINTWISE + SEAM) + DEPTHWISE + (SEAM + DEPTHWISE if block.flow == "igcv3" else 0)


def _block(at: PlacedBlock, y: int, scale: Scale) -> str:
    block, inner = at.block, at.inner
    mark = " +" if at.has_residual else ""
    arrived = arrivals(block, inner)
    middle, below = y + POINTWISE + SEAM, y + POINTWISE + DEPTHWISE + 2 * SEAM
    bands = {
        "pw1": [_slope(part, at.c_in, inner, y, scale) for part in _segments(block.partition.parts)],
        "dw": _stripes(arrived, inner, middle, scale),
        "pw2": _mixed(block, arrived, at, below, scale),
    }
    if block.flow == "igcv3":
        each = FINE // block.partition.groups
        dealt = _dealt([group for group in range(block.partition.groups) for _ in range(each)], each)
        bands["out"] = _stripes(dealt, at.c_out, below + POINTWISE + SEAM, scale)
    drawn = "".join(f'<g class="{name}">{"".join(shapes)}</g>' for name, shapes in bands.items())
    return f'<g class="block">{_told(at)}{_text(0, y + 16, f"{block}{mark}")}{drawn}{_residual(at, y)}</g>'


def _told(at: PlacedBlock) -> str:
    """What the pointer shows."""
    pw1, pw2 = at.block.partition, at.block.project_partition
    text = (
        f"block {at.stage + 1}.{at.index + 1}: {at.c_in} to {at.inner} channels in groups {pw1}, "
        f"{at.block.kernel}x{at.block.kernel} depthwise, to {at.c_out} in groups {pw2}"
    )
    return f"<title>{text}</title>"


def arrivals(block: Block, inner: int) -> list[int]:
    """Which group of pw1 each channel that reaches pw2 is from, in their order.

    Of more than ``FINE`` channels, fewer in the same proportions and the same pattern.
    """
    parts, groups = block.partition.parts, block.partition.groups
    unit = lcm(block.partition.total, groups)
    channels = inner if inner <= FINE else unit * max(1, FINE // 2 // unit)
    owners = [group for group, part in enumerate(parts) for _ in range(part * channels // block.partition.total)]
    return _dealt(owners, groups) if block.flow in ("shuffle", "igcv3") else owners


def _dealt(owners: Sequence[int], groups: int) -> list[int]:
    """The order after a permutation in so many groups; see :func:`seesaw_nas.network.ops.permute_channels`."""
    each = len(owners) // groups
    return [owners[place % groups * each + place // groups] for place in range(len(owners))]


def _segments(parts: Sequence[int]) -> list[Segment]:
    ends = [0, *accumulate(parts)]
    return [(i, ends[i] / ends[-1], ends[i + 1] / ends[-1]) for i in range(len(parts))]


def _runs(owners: Sequence[int]) -> list[Segment]:
    """Neighbours of one group together."""
    runs = [(group, len(list(same))) for group, same in groupby(owners)]
    return [(group, a, b) for (group, _), (_, a, b) in zip(runs, _segments([count for _, count in runs]), strict=True)]


def _mixed(block: Block, arrived: Sequence[int], at: PlacedBlock, y: int, scale: Scale) -> list[str]:
    """The groups of pw2, each in slices of what it reads, and lines between them."""
    shapes = []
    for _, a, b in _segments(block.project_partition.parts):
        read = sorted(arrived[round(a * len(arrived)) : round(b * len(arrived))])
        slices = [(group, a + start * (b - a), a + end * (b - a)) for group, start, end in _runs(read)]
        shapes.append(f"<g>{''.join(_slope(part, at.inner, at.c_out, y, scale) for part in slices)}</g>")
        if a:
            shapes.append(_line(a, at.inner, at.c_out, y, scale))
    return shapes


def _slope(segment: Segment, c_in: int, c_out: int, y: int, scale: Scale) -> str:
    """A share of a layer, from its place among ``c_in`` channels above to that among ``c_out`` below."""
    group, a, b = segment
    corners = ((a, c_in, y), (b, c_in, y), (b, c_out, y + POINTWISE), (a, c_out, y + POINTWISE))
    points = " ".join(f"{scale.x(share, channels):.4g},{level}" for share, channels, level in corners)
    return f'<polygon fill="{COLOURS[group % len(COLOURS)]}" points="{points}"/>'


def _stripes(owners: Sequence[int], channels: int, y: int, scale: Scale) -> list[str]:
    """A layer that keeps its channels apart: a path for each group, of a box for each run of its channels."""
    boxes: dict[int, str] = {}
    for group, a, b in _runs(owners):
        left, wide = scale.x(a, channels), (b - a) * (scale.x(1, channels) - scale.x(0, channels))
        box = f"M{left:.4g},{y}h{wide:.4g}v{DEPTHWISE}h{-wide:.4g}z"
        boxes[group] = boxes.get(group, "") + box
    return [f'<path fill="{COLOURS[group % len(COLOURS)]}" d="{path}"/>' for group, path in boxes.items()]


def _line(share: float, c_in: int, c_out: int, y: int, scale: Scale) -> str:
    """Between two groups, in the page's colour."""
    places = f'x1="{scale.x(share, c_in):.4g}" y1="{y}" x2="{scale.x(share, c_out):.4g}" y2="{y + POINTWISE}"'
    return f'<line {places} stroke="{PAGE}" stroke-width="1.2"/>'


def _residual(at: PlacedBlock, y: int) -> str:
    if not at.has_residual:
        return ""
    x, low = LABELS + CHANNELS + MARGIN - 2, y + height(at.block)
    return f'<path d="M{x - 5},{y}H{x}V{low}H{x - 5}" fill="none" stroke="{GREY}"/>'


def _text(x: int, y: int, text: str, more: str = "") -> str:
    return f'<text x="{x}" y="{y}"{more}>{escape(text)}</text>'
