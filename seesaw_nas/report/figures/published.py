"""The paper's figures below those of a run: the rule for when they are shown, and their panel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from seesaw_nas.architecture import reference
from seesaw_nas.architecture.reference import Published
from seesaw_nas.core.units import format_count
from seesaw_nas.evaluators.words import words
from seesaw_nas.report.theme import GREEN, PURPLE
from seesaw_nas.search.settings import SearchSettings

LEAST_EPOCHS = 100  # a quarter of the paper's; a search of 4 epochs reads tens of points less and compares nothing
REACH = 3  # times the run's Multi-Adds: a row far beyond (15,300M for VGG-16) would squeeze the others


def are_comparable(settings: SearchSettings) -> bool:
    """Whether published figures mean something beside those of a search: the one rule for it.

    They do where every trial was trained, on all training images of the usual size, for ``LEAST_EPOCHS`` or more.
    """
    training = settings.training
    is_whole = not training.train_size and not settings.searched.image_size
    return words(settings.scoring.evaluator).published and is_whole and training.fitted_recipe.epochs >= LEAST_EPOCHS


def rows_within(dataset: str, highest: int) -> tuple[list[Published], int]:
    """The paper's rows for a data set up to ``REACH`` times the highest Multi-Adds, and how many are beyond."""
    rows = reference.published(dataset)
    near = [row for row in rows if row.macs <= REACH * highest]
    return near, len(rows) - len(near)


def add_panel(figure: go.Figure, rows: Sequence[Published], beyond: int, highest: int, front: dict[str, Any]) -> None:
    """Add the lower panel, on axes ``x2`` and ``y2``: the front, the paper's own networks, and others that it prints.

    400 epochs are said of the paper's own networks alone: the rows of others may be quoted.

    Args:
        rows, beyond: of :func:`rows_within` ``highest``.
        front: arguments of the front's line.
    """
    split = "validation images" if rows[0].dataset == "imagenet" else "test split"
    left_out = f" ({beyond} beyond {format_count(REACH * highest)} left out)" if beyond else ""
    figure.add_scatter(**front, xaxis="x2", yaxis="y2", showlegend=False, marker_size=6)
    for name, is_own, marker in (
        (f"paper, {split}, 400 epochs", True, {"symbol": "diamond", "color": GREEN, "size": 9}),
        (f"others as the paper prints them, {split}", False, {"symbol": "x", "color": PURPLE, "size": 7}),
    ):
        group = [row for row in rows if row.label.startswith("Seesaw") is is_own]
        figure.add_scatter(
            x=[row.macs / 1e6 for row in group], y=[round(100 * row.top1, 2) for row in group], name=name,
            mode="markers", marker=marker, xaxis="x2", yaxis="y2", hoverinfo="text",
            hovertext=[_hover(row, split) for row in group],
        )  # fmt: skip
    figure.update_layout(
        yaxis_domain=[0.44, 1], xaxis_anchor="y",
        yaxis2={"domain": [0, 0.25], "anchor": "x2", "title": "top-1 (%)"}, xaxis2={"anchor": "y2"},
    )  # fmt: skip
    figure.add_annotation(
        text=f"The front beside the paper's figures{left_out}", xref="x2 domain", yref="y2 domain", x=0, y=1.02,
        xanchor="left", yanchor="bottom", showarrow=False,
    )  # fmt: skip


def _hover(row: Published, split: str) -> str:
    figures = f"{row.macs / 1e6:g}M Multi-Adds as printed, {100 * row.top1:.2f}% {split}"
    return f"<b>{row.label}</b>, table {row.table}<br>{figures}<br>{reference.SOURCE}"
