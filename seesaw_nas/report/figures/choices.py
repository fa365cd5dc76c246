"""What the choices of a search come to: their effects on top-1, and their importance to Optuna."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from itertools import groupby

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from seesaw_nas.report.effects import LEAST_TRIALS, Effect, fit
from seesaw_nas.report.theme import BLUE, GREY, THEME, blank, caption
from seesaw_nas.search.records import TrialRecord

MOST_BARS = 20
ROW, BETWEEN_PANELS = 22, 64  # pixels


def choice_effects(records: Sequence[TrialRecord]) -> go.Figure:
    """The effects of :func:`seesaw_nas.report.effects` with their intervals, a panel for each kind of choice.

    By stage where there are trials enough for it, else over the whole network. Full marks have an interval that leaves
    out 0.
    """
    found = fit(records, by="stage")
    if not found.is_enough:
        by_stage, found = found, fit(records, by="network")
        if not found.is_enough:
            return blank(f"too few trials for the effects of choices: {found.lack}")
        why = f"whole network, since the stages one by one are too many: {by_stage.lack}<br>"
    else:
        why = ""
    shown = [effect for effect in found.effects if not np.isnan(effect.value)]
    if not shown:
        return blank(f"no choice was varied in {LEAST_TRIALS} trials or more, apart from the others")
    panels = {kind: list(same) for kind, same in groupby(shown, key=lambda effect: effect.choice)}
    figure = _panels(panels)
    for i, effects in enumerate(panels.values()):
        _add_effects(figure, effects, 1 + i // 2, 1 + i % 2)
        if i >= len(panels) - 2:  # the lowest of each column
            figure.update_xaxes(title="points of top-1", row=1 + i // 2, col=1 + i % 2)
    hidden = len(found.effects) - len(shown)
    left_out = (
        f" {hidden} levels left out: in too few trials, hardly varied, or never apart from others." if hidden else ""
    )
    caption(
        figure,
        f"{why}{found.trials} trials of this search, which chose them with a purpose: no experiment. Least squares at "
        f"equal Multi-Adds, 95% intervals (HC3);<br>of {len(shown)} intervals about {max(1, round(len(shown) / 20))} "
        f"would leave out 0 by chance alone.{left_out}",
    )
    return figure


def _panels(panels: Mapping[str, list[Effect]]) -> go.Figure:
    rows = -(-len(panels) // 2)
    longest = [max(len(effects) for effects in list(panels.values())[2 * i : 2 * i + 2]) for i in range(rows)]
    heights = [ROW * (1 + count) for count in longest]
    inside = sum(heights) + BETWEEN_PANELS * (rows - 1)
    figure = make_subplots(
        rows=rows, cols=min(2, len(panels)), subplot_titles=list(panels), row_heights=heights,
        horizontal_spacing=0.26, vertical_spacing=BETWEEN_PANELS / inside if rows > 1 else 0,
    )  # fmt: skip
    figure.update_layout(template=THEME, showlegend=False, margin={"l": 170, "t": 40}, height=inside + 180)
    return figure


def _add_effects(figure: go.Figure, effects: list[Effect], row: int, column: int) -> None:
    values = np.array([(100 * e.value, 100 * e.low, 100 * e.high) for e in effects])
    sure = (values[:, 1] > 0) | (values[:, 2] < 0)
    names = [f"{f'stage {e.stage}: ' if e.stage else ''}{e.level} vs {e.reference}" for e in effects]
    figure.add_scatter(
        x=values[:, 0], y=names, mode="markers", row=row, col=column,
        error_x={
            "array": values[:, 2] - values[:, 0], "arrayminus": values[:, 0] - values[:, 1], "thickness": 1.5,
            "width": 3, "color": GREY,
        },
        marker={
            "color": BLUE, "size": 10, "line": {"width": 2, "color": BLUE},
            "symbol": ["circle" if away else "circle-open" for away in sure],
        },
        customdata=[e.n for e in effects],
        hovertemplate="%{y}: %{x:.2f} points of top-1, in %{customdata} trials<extra></extra>",
    )  # fmt: skip
    figure.update_xaxes(zeroline=True, zerolinecolor=GREY, row=row, col=column)
    figure.update_yaxes(autorange="reversed", row=row, col=column)


def importance_bars(importances: Mapping[str, float]) -> go.Figure:
    """How important each gene was for top-1, the most important first; shares of a whole of 1.

    Beyond ``MOST_BARS`` genes the others are told in a sum.
    """
    if not importances:
        return blank("no importances: there are too few trained trials, or they do not differ")
    order = sorted(importances.items(), key=lambda item: (-item[1], item[0]))
    shown, rest = order[:MOST_BARS], order[MOST_BARS:]
    figure = go.Figure(layout={"template": THEME, "margin_l": 190, "height": 140 + 24 * len(shown)})
    figure.add_bar(
        orientation="h", x=[value for _, value in shown], y=[escape(name) for name, _ in shown], marker_color=BLUE,
        text=[f"{value:.1%}" for _, value in shown], textposition="outside", cliponaxis=False, hoverinfo="skip",
    )  # fmt: skip
    figure.update_xaxes(title="importance for top-1 (share of all genes)", tickformat=".0%", rangemode="tozero")
    figure.update_yaxes(autorange="reversed", ticks="")
    if rest:
        caption(figure, f"{len(rest)} more genes have {sum(value for _, value in rest):.1%} together")
    return figure
