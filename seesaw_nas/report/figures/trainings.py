"""The trainings themselves: their curves, and what ran where and when."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import get_args

import numpy as np
import plotly.graph_objects as go

from seesaw_nas.evaluators.words import TRAINED as AS_TRAINED
from seesaw_nas.evaluators.words import Words
from seesaw_nas.report.figures.over_time import splits
from seesaw_nas.report.theme import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    THEME,
    VERMILION,
    blank,
    see_through,
    styles,
    whole_epochs,
)
from seesaw_nas.search.records import State, TrialRecord, complete
from seesaw_nas.training.epoch import Epoch

HIGHLIGHTED = 5
MOST_CURVES = 300  # behind those: more are one grey area, and megabytes
PATTERNS: dict[State, tuple[str, str]] = {
    "complete": (GREEN, ""), "stopped": (ORANGE, "/"), "failed": (VERMILION, "x"), "paused": (PURPLE, "-"),
    "running": (BLUE, "+"), "duplicate": (SKY, "\\"), "infeasible": (GREY, ""),
    "short": (ORANGE, "."), "lost": (VERMILION, "|"),
}  # fmt: skip
_UNITS = ((7200.0, 3600.0, "h"), (300.0, 60.0, "min"), (0.0, 1.0, "s"))  # from which span on, seconds in one, name


def training_curves(records: Sequence[TrialRecord], words: Words = AS_TRAINED) -> go.Figure:
    """Top-1 after each epoch: the best trials each with a line of its own, all others in grey by what became of them.

    Of more than ``MOST_CURVES`` others as many are drawn, evenly through the search.
    """
    curves = [r for r in records if any(epoch.top1 is not None for epoch in r.curve)]
    if not curves:
        return blank("no trial has an accuracy by epoch")
    figure = go.Figure(layout={"template": THEME, "xaxis_title": "epoch"})
    best = sorted(complete(curves), key=lambda trial: -trial.top1)[:HIGHLIGHTED]
    highlighted = {trial.number for trial in best}
    others = [r for r in curves if r.number not in highlighted]
    drawn = [others[i] for i in _evenly(len(others), MOST_CURVES)]
    for state, dash in (
        ("complete", "solid"),
        ("stopped", "dot"),
        ("paused", "dash"),
        ("failed", "dashdot"),
        ("short", "longdash"),
    ):
        _add_together(figure, others, drawn, state, dash)
    for trial, (colour, dash, symbol) in zip(best, styles(len(best)), strict=True):
        x, y = _curve(trial.curve)
        figure.add_scatter(
            x=x, y=y, name=f"trial {trial.number}, {100 * trial.top1:.2f}%", mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 2}, marker={"symbol": symbol, "size": 7},
        )  # fmt: skip
    figure.update_xaxes(**whole_epochs(max(epoch.epoch for record in curves for epoch in record.curve)))
    figure.update_layout(yaxis_title=escape(words.axis(splits(curves))))
    return figure


def _evenly(count: int, most: int) -> list[int]:
    return [int(i) for i in np.linspace(0, count - 1, min(count, most)).round()]


def _curve(curve: Sequence[Epoch]) -> tuple[list[int], list[float]]:
    """The epochs that were evaluated, and top-1 after them in percent."""
    evaluated = [(epoch.epoch, 100 * epoch.top1) for epoch in curve if epoch.top1 is not None]
    return [epoch for epoch, _ in evaluated], [top1 for _, top1 in evaluated]


def _add_together(
    figure: go.Figure, others: list[TrialRecord], drawn: list[TrialRecord], state: str, dash: str
) -> None:
    """All curves of one state as one trace, with gaps between them."""
    x: list[int | None] = []
    y: list[float | None] = []
    shown = [record for record in drawn if record.state == state]
    for record in shown:
        epochs, top1 = _curve(record.curve)
        x += [*epochs, None]
        y += [*top1, None]
    if shown:
        count = sum(record.state == state for record in others)
        told = f"{count}" if len(shown) == count else f"{len(shown)} of {count} drawn"
        line = {"color": GREY, "dash": dash, "width": 1}
        figure.add_scatter(
            x=x,
            y=y,
            name=f"others, {_named(state, shown)} ({told})",
            mode="lines",
            line=line,
            opacity=0.5,
            hoverinfo="skip",
        )


def _named(state: str, shown: list[TrialRecord]) -> str:
    """What became of these trials, in words."""
    schedules = sorted({record.schedule for record in shown})
    return f"by a schedule of {' or '.join(map(str, schedules))} epochs" if state == "short" else state


def timeline(records: Sequence[TrialRecord]) -> go.Figure:
    """What each worker had in hand from when to when; trials of one worker that overlap lie below each other.

    A trial that has not ended reaches to the last moment that any record tells of. One that was paused counts from its
    proposal to its end, the pauses among it.
    """
    timed = [record for record in records if record.started]
    if not timed:
        return blank("no trial has a time of its beginning")
    first, last = min(r.started for r in timed), max(max(r.started, r.ended) for r in timed)
    seconds, unit = next((size, name) for least, size, name in _UNITS if last - first >= least)
    rows, labels = _rows(timed, last)
    figure = go.Figure(layout={"template": THEME, "barmode": "overlay"})
    for state in get_args(State):
        shown = [i for i, record in enumerate(timed) if record.state == state]
        if not shown:
            continue
        colour, pattern = PATTERNS[state]
        figure.add_bar(
            orientation="h", width=0.85, name=f"{state} ({len(shown)})", y=np.array([rows[i] for i in shown]),
            base=np.array([(timed[i].started - first) / seconds for i in shown]),
            x=np.array([((timed[i].ended or last) - timed[i].started) / seconds for i in shown]),
            marker={
                "color": see_through(colour, 0.35), "line": {"color": colour, "width": 1},
                "pattern": {"shape": pattern, "fgcolor": colour, "size": 6, "fillmode": "overlay"},
            },
            customdata=[timed[i].number for i in shown],
            hovertemplate="trial %{customdata}<extra>" + state + "</extra>",
        )  # fmt: skip
    figure.update_xaxes(title=f"time since the first trial ({unit})")
    figure.update_yaxes(
        title="worker", automargin=True, tickvals=list(labels), ticktext=list(labels.values()), autorange="reversed"
    )
    return figure


def _rows(timed: list[TrialRecord], last: float) -> tuple[list[int], dict[float, str]]:
    """A row for each trial, so that none overlaps another in its row; and the names of the workers amid their rows."""
    rows = [0] * len(timed)
    labels: dict[float, str] = {}
    first = 0
    for worker in sorted({record.worker for record in timed}):
        free_from: list[float] = []  # of each of the worker's rows
        mine = [i for i, record in enumerate(timed) if record.worker == worker]
        for i in sorted(mine, key=lambda i: timed[i].started):
            row = next((k for k, end in enumerate(free_from) if end <= timed[i].started), len(free_from))
            free_from[row : row + 1] = [timed[i].ended or last]
            rows[i] = first + row
        labels[first + (len(free_from) - 1) / 2] = escape(worker) or "the search's own"
        first += len(free_from)
    return rows, labels
