"""The page of an audit: how each evaluator ranks, and how well anything could."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import plotly.graph_objects as go

from seesaw_nas.core.files import replace_file
from seesaw_nas.evaluators.ranking.ceiling import Ceiling
from seesaw_nas.evaluators.ranking.result import RULE, Audit, Row
from seesaw_nas.evaluators.ranking.spent import Spent
from seesaw_nas.evaluators.ranking.statistics import Estimate
from seesaw_nas.evaluators.ranking.wording import cost_of, describe_basis, figure_of, noise, remarks, span
from seesaw_nas.report.pages import markup
from seesaw_nas.report.pages.markup import Cell, paragraph, section
from seesaw_nas.report.theme import BLUE, GREEN, GREY, PURPLE, THEME, blank, caption, see_through

TITLE = "How well evaluators rank"
HEADINGS = (
    "evaluator",
    "within bands",
    "95%",
    "overall",
    "95%",
    "scored",
    "each costs",
    "once",
    "earns",
    "what it is",
)
_ROW = 26  # pixels of an evaluator in the picture
_AROUND = 150  # above and below all of them


def write_audit(path: Path, audit: Audit) -> None:
    """Write the page, all at once or not at all.

    Raises:
        OSError: the file cannot be written.
    """
    parts = [
        f"<h1>{TITLE}</h1>",
        *map(paragraph, (*describe_basis(audit), *noise(audit.ceiling))),
        markup.plotly_script(),
        section("Kendall's tau with the trained top-1", markup.plot(taus(audit), "audit")),
        section("The evaluators", markup.sortable(HEADINGS, [(_cells(audit, row), "") for row in audit.rows])),
        *map(paragraph, (RULE, *remarks(audit))),
        section("Conditions of the scoring", markup.table((), audit.conditions.items())),
    ]
    replace_file(path, markup.page(TITLE, parts))


def taus(audit: Audit) -> go.Figure:
    """A dot for each evaluator, the best at the top: tau within bands, and over all pairs, with their intervals.

    What an oracle would reach against the same trainings is a band behind them.
    """
    if not audit.rows:
        return blank("no evaluator was audited")
    rows = list(reversed(audit.rows))  # plotly counts from the bottom
    figure = go.Figure(layout={"template": THEME, "height": _AROUND + _ROW * len(rows)})
    _add(figure, "over all pairs", rows, [row.overall for row in rows], GREY, "diamond-open", -0.17)
    _add(figure, "within bands", rows, [row.within for row in rows], BLUE, "circle", 0.17)
    figure.update_yaxes(
        tickvals=list(range(len(rows))),
        ticktext=[row.name for row in rows],
        range=[-0.6, len(rows) - 0.4],
        automargin=True,
    )
    figure.update_xaxes(title="Kendall's tau-b")
    figure.add_vline(x=0, line={"color": GREY, "width": 1})
    if not math.isnan(audit.baseline.within.tau):
        _line(figure, audit.baseline.within.tau, "Multi-Adds within bands", PURPLE, "dash")
    _add_ceiling(figure, audit.ceiling)
    caption(figure, "95% bootstrap intervals over architectures, the oracle's band as well")
    return figure


def _add(
    figure: go.Figure, name: str, rows: Sequence[Row], found: Sequence[Estimate], colour: str, symbol: str, shift: float
) -> None:
    figure.add_scatter(
        x=[one.tau for one in found], y=[i + shift for i in range(len(rows))], name=name, mode="markers",
        marker={"symbol": symbol, "size": 9, "color": colour},
        error_x={
            "array": [one.high - one.tau for one in found], "arrayminus": [one.tau - one.low for one in found],
            "color": colour, "thickness": 1.5, "width": 3,
        },
        customdata=[(row.name, span(one), f"{one.pairs:,}") for row, one in zip(rows, found, strict=True)],
        hovertemplate="%{customdata[0]}: %{x:.2f}, %{customdata[1]}, %{customdata[2]} pairs",
    )  # fmt: skip


def _add_ceiling(figure: go.Figure, ceiling: Ceiling | None) -> None:
    if ceiling is None or math.isnan(ceiling.mean.low):
        return
    figure.add_shape(
        type="rect", xref="x", yref="paper", x0=ceiling.mean.low, x1=ceiling.mean.high, y0=0, y1=1, layer="below",
        fillcolor=see_through(GREEN, 0.2), line_width=0, name="an oracle within bands, 95%", showlegend=True,
    )  # fmt: skip
    _line(figure, ceiling.mean.tau, "an oracle, expected", GREEN, "solid")


def _line(figure: go.Figure, x: float, name: str, colour: str, dash: str) -> None:
    figure.add_shape(
        type="line", xref="x", yref="paper", x0=x, x1=x, y0=0, y1=1, line={"color": colour, "width": 2, "dash": dash},
        layer="below", name=name, showlegend=True,
    )  # fmt: skip


def _cells(audit: Audit, row: Row) -> list[Cell]:
    told = f"{row.text}; {row.note}" if row.note else row.text
    return [
        Cell(row.name),
        *_estimated(row.within),
        *_estimated(row.overall),
        Cell(f"{row.scored:,}", row.scored),
        *map(_cost, (row.each, row.once)),
        Cell(audit.verdict(row)),
        Cell(told),
    ]


def _estimated(found: Estimate) -> tuple[Cell, Cell]:
    value = None if math.isnan(found.tau) else found.tau
    return Cell(figure_of(found.tau), value), Cell(span(found))


def _cost(spent: Spent) -> Cell:
    return Cell(cost_of(spent), spent.seconds if spent.known else None)
