"""The one house theme: colours that stay apart for every reader, on light pages, dark pages and paper."""

from __future__ import annotations

from itertools import cycle, islice

import plotly.graph_objects as go

# Okabe and Ito's colours, which stay apart for colour-blind readers; every series also has a symbol, a dash or a
# pattern of its own, for print without colour. All of them show on white and on near-black; their yellow and black
# do not, so these two are missing.
BLUE, VERMILION, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8A9097"
ORANGE, SKY = "#E69F00", "#56B4E9"
LIGHT = {"text": "#1C2126", "grid": "#E3E6E9", "page": "#FFFFFF"}
DARK = {"text": "#E4E7EA", "grid": "#343A40", "page": "#14171A"}
FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"
LOW_TO_HIGH = [[0.0, BLUE], [0.5, "#8F8FA6"], [1.0, ORANGE]]  # ever lighter, so that it reads in grey as well
NOTHING_TRAINED = "no trial has a result"

_COLOURS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "cross", "star")

_AXIS = {"gridcolor": LIGHT["grid"], "linecolor": GREY, "ticks": "outside", "tickcolor": GREY, "zeroline": False}
THEME = go.layout.Template(
    layout={
        "font": {"family": FONT, "size": 14, "color": LIGHT["text"]},
        "paper_bgcolor": LIGHT["page"],
        "plot_bgcolor": LIGHT["page"],
        "hoverlabel": {"bgcolor": "#FFFFFF", "bordercolor": GREY, "font": {"color": LIGHT["text"]}, "align": "left"},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
        "modebar": {"orientation": "v", "bgcolor": "rgba(0,0,0,0)", "color": GREY, "activecolor": BLUE},
        "margin": {"l": 64, "r": 40, "t": 16, "b": 56},
        "xaxis": _AXIS | {"automargin": True, "title": {"standoff": 12}},
        "yaxis": _AXIS | {"automargin": True, "title": {"standoff": 12}},  # clear of the longest tick label
    }
)


def styles(count: int) -> list[tuple[str, str, str]]:
    """A colour, a dash and a symbol for each of so many series; from the seventh on, colours and symbols pair anew."""
    return list(islice(zip(cycle(_COLOURS), cycle(_DASHES), cycle(_SYMBOLS), strict=False), count))


def whole_epochs(last: int) -> dict[str, object]:
    """An axis of epochs that has no ticks between two."""
    return {"dtick": 1} if last <= 16 else {"tickformat": "d"}


def see_through(colour: str, opacity: float) -> str:
    """A colour ``#RRGGBB`` for the area of a band."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def blank(text: str) -> go.Figure:
    """A figure that has nothing to show, and says why."""
    figure = go.Figure(layout={"template": THEME, "xaxis": {"visible": False}, "yaxis": {"visible": False}})
    figure.add_annotation(text=text, xref="paper", yref="paper", x=0.5, y=0.5, showarrow=False, font_size=16)
    return figure


def caption(figure: go.Figure, text: str) -> None:
    """Say what a reader has to know of the figure, in small print below its axis."""
    lines = 1 + text.count("<br>")
    figure.add_annotation(
        text=text, xref="paper", yref="paper", x=0, y=0, yshift=-66, xanchor="left", yanchor="top", align="left",
        showarrow=False, font_size=12,
    )  # fmt: skip
    figure.update_layout(margin_b=82 + 18 * lines)
