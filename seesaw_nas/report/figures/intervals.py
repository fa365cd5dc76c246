"""What the estimates say, drawn over the trials: the front with its intervals, and who ties with the best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from seesaw_nas.evaluators.words import TRAINED, Words
from seesaw_nas.report.figures.axis import CostAxis
from seesaw_nas.report.theme import BLUE, PURPLE
from seesaw_nas.search.standing import Contender, Standing
from seesaw_nas.search.topics import ESTIMATE

THICK, THIN = 5, 1.5  # pixels of the bars of one and of two standard deviations


def is_estimated(standing: Standing) -> bool:
    """Whether the picture stands at the estimates; else at what was observed."""
    return standing.by == ESTIMATE


def add_intervals(figure: go.Figure, standing: Standing, words: Words = TRAINED) -> None:
    """Bars of one and of two standard deviations about the estimate of each member of the front, within 0 and 1.

    With few trials members rank by what was observed; the bars then stand beside it, and say how little is known.
    """
    known = [(row, figures) for row in standing.members if (figures := standing.figures(row.trial))]
    if not known:
        return
    about = "" if is_estimated(standing) else " of the estimate"
    for count, width, name in ((2, THIN, "two standard deviations"), (1, THICK, "one standard deviation")):
        bars = [(CostAxis(row.cost).of(row), found.estimate, count * found.estimate_sd) for row, found in known]
        x, y = _bars(bars, words.scale)
        figure.add_scatter(
            x=x, y=y, name=name + about, mode="lines", line={"color": BLUE, "width": width}, legendgroup="front",
            showlegend=False, hoverinfo="skip", connectgaps=False,
        )  # fmt: skip


def add_ties(figure: go.Figure, standing: Standing, words: Words = TRAINED) -> None:
    """A ring about every architecture that differs from the best by less than the noise."""
    cheapest, ties = standing.cheapest_tie, [standing.row(trial) for trial in standing.ties]
    if cheapest is None or len(ties) < 2:
        return
    axis = CostAxis(standing.cost)
    figure.add_scatter(
        x=[axis.of(row) for row in ties], y=[words.scale * row.worth for row in ties], mode="markers",
        name=f"ties with the best ({len(ties)}), the cheapest is trial {cheapest.number}", hoverinfo="text",
        hovertext=[f"<b>trial {row.trial.number}</b>, {describe(standing, row, words)}" for row in ties],
        marker={"symbol": "circle-open", "color": PURPLE, "size": 15, "line_width": 2},
    )  # fmt: skip


def describe(standing: Standing, row: Contender, words: Words = TRAINED) -> str:
    """The estimate of an architecture in words; empty where there is none."""
    figures = standing.figures(row.trial) if is_estimated(standing) else None
    if figures is None:
        return ""
    return f"estimated {words.estimate(figures)}, chance of being the best {figures.chance_of_best:.0%}"


def _bars(bars: Sequence[tuple[float, float, float]], scale: int) -> tuple[list[float | None], list[float | None]]:
    """Upright lines, each of its place, middle and half its length, with a gap after each."""
    x: list[float | None] = []
    y: list[float | None] = []
    for place, middle, half in bars:
        ends = np.clip([middle - half, middle + half], 0, 1) * scale
        x += [place, place, None]
        y += [*ends.tolist(), None]
    return x, y
