"""A figure of a page made ready for paper: text of 7 and 8 points, thin lines, a width in inches, and its data."""

from __future__ import annotations

import math
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from seesaw_nas.core.errors import OptionError, known
from seesaw_nas.core.files import replace_file
from seesaw_nas.report.figures.images import draw
from seesaw_nas.report.pages.markup import is_caption

INCH = 96  # pixels of a browser, which draws; 72 points
POINT = INCH / 72
TEXT, SMALL = 8 * POINT, 7 * POINT
DOTS_PER_INCH = 300
LOWER = 0.62  # of the height of figures made of rows
SHRINK = 0.55  # of markers and lines, which are made for text of 14 pixels
ROW = 19  # pixels that plotly gives a row of the legend
SHAPE = 0.6  # height over width of a plot without its legend
NARROW = 5.5  # inches, below which panels stand below each other
WIDTHS = (1.5, 20.0)  # inches
FONTS = {
    "serif": "'Times New Roman', 'Nimbus Roman', 'Liberation Serif', 'DejaVu Serif', serif",
    "sans": "Helvetica, Arial, 'Nimbus Sans', 'Liberation Sans', 'DejaVu Sans', sans-serif",
}
_UNITS = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4, "pt": 1 / 72}


def parse_width(text: str) -> float:
    """A width such as ``3.5in``, ``89mm``, ``8.9cm`` or ``252pt``, in inches.

    Raises:
        OptionError: it is none, or no width of a figure on paper.
    """
    found = re.fullmatch(r"([0-9]{0,6}(?:\.[0-9]{1,6})?) ?(in|cm|mm|pt)", text.strip())
    if found is None or found[1] in ("", "."):
        raise OptionError(f"a width is a number with its unit, such as 3.5in, 89mm or 252pt; got '{text}'")
    inches, (least, most) = float(found[1]) * _UNITS[found[2]], WIDTHS
    if not least <= inches <= most:
        same = "" if found[2] == "in" else f", which is {inches:.3g}in"
        raise OptionError(f"a width is {least:g}in to {most:g}in, got {text.strip()}{same}")
    return inches


def check_font(font: str) -> None:
    """Refuse a font that is none of ``FONTS``.

    Raises:
        OptionError: it is unknown.
    """
    if font not in FONTS:
        raise OptionError(known("font", font, tuple(FONTS)))


def for_print(figure: go.Figure, inches: float, font: str) -> go.Figure:
    """A copy for paper, with its size in its layout; captions are left to the paper.

    Args:
        inches: of its width; rows of figures that have a height of their own become lower with the text.
        font: one of ``FONTS``.

    Raises:
        OptionError: it has too many axes beside each other for this width.
    """
    is_wide = bool((figure.layout.meta or {}).get("is_wide"))
    if is_wide and inches < NARROW:
        raise OptionError(f"this figure has axes beside each other and wants {NARROW}in or more, got {inches:.3g}in")
    printed = go.Figure(figure)
    width = round(inches * INCH)
    notes = [note for note in printed.layout.annotations if not is_caption(note)]
    given = printed.layout.height
    printed.layout.annotations = notes
    for trace in printed.data:
        _thin(trace)
    small = {"family": FONTS[font], "size": SMALL}
    printed.update_layout(
        width=width,
        height=round(given * LOWER) if given else round(width * SHAPE + _legend_rows(printed, width) * ROW),
        font={"family": FONTS[font], "size": TEXT, "color": "#000000"},
        legend={"font": small, "itemwidth": 30, "tracegroupgap": 0},
        margin={"l": 4, "r": 6, "t": 24, "b": 4} if not is_wide else {"l": 40, "r": 40, "t": 50, "b": 4},
    )
    axis = {"tickfont": small, "title_font_size": TEXT, "title_standoff": 4, "ticklen": 3, "automargin": True}
    printed.update_xaxes(**axis)
    printed.update_yaxes(**axis)
    for note in printed.layout.annotations:
        is_title = note.yanchor == "bottom"
        note.font = {**small, "size": TEXT if is_title and not is_wide else SMALL}
        note.xshift, note.yshift = SHRINK * (note.xshift or 0), SHRINK * (note.yshift or 0)
    for shape in printed.layout.shapes:
        shape.line.width = SHRINK * (shape.line.width or 2)
    return printed


def _thin(trace: Any) -> None:
    """Make markers, lines and bars of error smaller, in place."""
    for part, name in (("line", "width"), ("marker", "size"), ("error_x", "thickness"), ("error_y", "thickness")):
        held = getattr(trace, part, None) if part in trace else None
        if held is not None and name in held and held[name]:
            held[name] = max(0.6, SHRINK * held[name])
    for error in ("error_x", "error_y"):
        if error in trace and getattr(trace, error).width:
            getattr(trace, error).width *= SHRINK
    if "marker" in trace and trace.marker.line.width is not None:
        trace.marker.line.width *= SHRINK
    if "marker" in trace and "showscale" in trace.marker and trace.marker.showscale:
        trace.marker.colorbar.update(thickness=6, tickfont_size=SMALL, title_font_size=SMALL, ticklen=2)


def _legend_rows(figure: go.Figure, width: int) -> int:
    """How many rows the legend takes, by the average width of letters."""
    if figure.layout.showlegend is False:
        return 0
    named = [part for part in (*figure.data, *figure.layout.shapes) if part.name and part.showlegend is not False]
    rows, used = 1, 0.0
    for part in named:
        length = 44 + 0.5 * SMALL * len(part.name)
        rows, used = (rows + 1, length) if used and used + length > width - 60 else (rows, used + length)
    return rows if named else 0


def write_print(path: Path, figure: go.Figure) -> None:
    """Write a figure of :func:`for_print` as PDF, SVG or PNG, by the ending of ``path``.

    Raises:
        RunError: kaleido or a Chromium to draw with is missing.
        OSError: the file cannot be written.
    """
    scale = DOTS_PER_INCH / INCH if path.suffix.lower() == ".png" else 1.0
    width, height = math.ceil(figure.layout.width), math.ceil(figure.layout.height)
    data = draw(path, figure, width=width, height=height, scale=scale)
    replace_file(path, with_size(data) if path.suffix.lower() == ".png" else data)


def with_size(png: bytes) -> bytes:
    """A PNG that says how many dots it has to the inch, in a chunk pHYs behind its header of 33 bytes."""
    dots = round(DOTS_PER_INCH / 0.0254)  # to the metre
    body = b"pHYs" + struct.pack(">IIB", dots, dots, 1)
    return png[:33] + struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body)) + png[33:]
