"""The one house theme: colours that stay apart for every reader, on light pages, dark pages and paper."""

from __future__ import annotations

import plotly.graph_objects as go

# Okabe and Ito's colours, which stay apart for colour-blind readers; every series also has a symbol of its own, for
# print without colour. All of them show on white and on near-black.
BLUE, VERMILION, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8A9097"
LIGHT = {"text": "#1C2126", "grid": "#E3E6E9", "page": "#FFFFFF"}
DARK = {"text": "#E4E7EA", "grid": "#343A40", "page": "#14171A"}
FONT = "system-ui, 'Segoe UI', 'DejaVu Sans', sans-serif"

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
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)
