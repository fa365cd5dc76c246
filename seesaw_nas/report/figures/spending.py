"""Where an architecture spends its Multi-Adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.report.theme import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, THEME, caption

# Each kind of layer: its name in the legend, colour and pattern. What stands in no stage has a bar for itself.
PARTS = {
    "stem": ("stem", GREY, ""),
    "pw1": ("pw1: expand", BLUE, ""),
    "dw": ("depthwise", ORANGE, "."),
    "pw2": ("pw2: project", SKY, "/"),
    "head": ("head", PURPLE, "\\"),
    "classifier": ("classifier", GREEN, "x"),
}


def spending(architecture: Architecture) -> go.Figure:
    """Multi-Adds by stage, and below by block, of each kind of layer (:mod:`seesaw_nas.architecture.cost`)."""
    layers = [(layer.name.split("."), layer.macs) for layer in cost.layers(architecture)]
    by_stage = [(_bar(name, 1), name[-1], macs) for name, macs in layers]
    by_block = [(_bar(name, 2), name[-1], macs) for name, macs in layers]
    figure = make_subplots(rows=2, cols=1, vertical_spacing=0.22, subplot_titles=["by stage", "by block"])
    figure.update_layout(template=THEME, barmode="stack", bargap=0.25, margin_t=24, legend_y=1.08, height=700)
    total = cost.macs(architecture)
    for row, told in enumerate((by_stage, by_block), start=1):
        for part in PARTS:
            _add_part(figure, part, _summed(told, part), row, total)
        figure.update_xaxes(type="category", row=row, col=1, categoryarray=list(dict.fromkeys(b for b, _, _ in told)))
    figure.update_yaxes(title="Multi-Adds (M)")
    caption(figure, f"{total:,} {cost.CONVENTION}")
    return figure


def _bar(name: Sequence[str], depth: int) -> str:
    """The bar of layer ``stages.STAGE.BLOCK.PART``, by stage or by block, counted from 1; others have their own."""
    if len(name) == 1:
        return name[0]
    place = ".".join(str(int(number) + 1) for number in name[1 : 1 + depth])
    return f"stage {place}" if depth == 1 else place


def _summed(told: Sequence[tuple[str, str, int]], part: str) -> dict[str, int]:
    sums: dict[str, int] = {}
    for bar, kind, macs in told:
        if kind == part:
            sums[bar] = sums.get(bar, 0) + macs
    return sums


def _add_part(figure: go.Figure, part: str, macs: Mapping[str, int], row: int, total: int) -> None:
    name, colour, pattern = PARTS[part]
    figure.add_bar(
        x=list(macs), y=[value / 1e6 for value in macs.values()], name=name, legendgroup=part, showlegend=row == 1,
        marker={"color": colour, "pattern": {"shape": pattern, "solidity": 0.25, "fgcolor": "#FFFFFF",
                                                "fillmode": "overlay"}},
        customdata=[(f"{value:,}", f"{value / total:.1%}") for value in macs.values()], row=row, col=1,
        hovertemplate="%{x}: %{customdata[0]} Multi-Adds, %{customdata[1]}<extra>" + name + "</extra>",
    )  # fmt: skip
