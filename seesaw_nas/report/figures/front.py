"""Accuracy against Multi-Adds as a plotly figure, in the one house theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType

import plotly.graph_objects as go

from seesaw_nas.architecture import reference
from seesaw_nas.architecture.reference import Published
from seesaw_nas.core.units import format_count
from seesaw_nas.evaluators.words import TRAINED, Words
from seesaw_nas.report.figures.intervals import add_intervals, add_ties, describe, is_estimated
from seesaw_nas.report.tables import stage_texts
from seesaw_nas.report.theme import BLUE, GREEN, GREY, NOTHING_TRAINED, ORANGE, PURPLE, THEME, VERMILION
from seesaw_nas.search.records import CompleteTrial, TrialRecord, complete
from seesaw_nas.search.spread import Spread
from seesaw_nas.search.standing import Contender, Standing
from seesaw_nas.search.topics import OBSERVED
from seesaw_nas.space import Budget

PALE = 0.35  # opacity of observed points behind estimates
PUBLISHED_REACH = 3  # times the run's Multi-Adds: a row far beyond (15,300M for VGG-16) would squeeze the others


NO_SPREADS: Mapping[str, Spread] = MappingProxyType({})


def accuracy_against_macs(
    records: Sequence[TrialRecord],
    *,
    budget: Budget,
    dataset: str,
    title: str = "",
    spreads: Mapping[str, Spread] = NO_SPREADS,
    standing: Standing | None = None,
    words: Words = TRAINED,
) -> go.Figure:
    """Every trained trial, the front as steps, its knee, the best, the budget; below, the front and the paper's rows.

    The paper's rows are of another split and far longer training, and often far above a search's. They stand on axes
    of their own (``x2``, ``y2``), so that they never press the run's points together. Without any row up to
    ``PUBLISHED_REACH`` times the run's Multi-Adds there is no such panel.

    Args:
        spreads: by digest, of the architectures that were trained again; drawn as mean and standard deviation.
        standing: says who is on the front, and where: at the estimates with bars of one and two standard deviations,
            if it has some, and who ties with the best is ringed; at the observed figures if ``None``.
        words: for the figures; only beside those of trainings are published ones drawn.
    """
    figure = go.Figure(layout={"template": THEME})
    done = complete(records)
    shown = standing or Standing(records, None, budget, 1, rank=OBSERVED)
    rows = reference.published(dataset) if words.published else ()
    reach = PUBLISHED_REACH * max([budget.high, *(trial.macs for trial in done)])
    has_panel = any(row.macs <= reach for row in rows)
    means = {digest: spread.mean for digest, spread in spreads.items()}
    _add_trials(figure, done, shown, shown.best(means), words)
    _add_spreads(figure, done, spreads, words)
    if has_panel:
        _add_paper_panel(figure, rows, shown, reach)
    _add_budget(figure, budget, has_paper_panel=has_panel)
    splits = sorted({r.split for r in done}) or ["validation"]
    figure.update_xaxes(title="Multi-Adds (M)")
    figure.update_layout(yaxis_title=escape(words.axis(" and ".join(splits))), xaxis_range=_span(done, budget))
    if title:  # as the legend's, since plotly lets a figure's own title run into a legend of several lines
        figure.update_layout(legend_title={"text": f"<b>{escape(title)}</b>", "side": "top", "font_size": 18})
    return figure


def _add_trials(
    figure: go.Figure, done: list[CompleteTrial], standing: Standing, best: CompleteTrial | None, words: Words
) -> None:
    if best is None:
        figure.add_annotation(text=NOTHING_TRAINED, xref="x domain", yref="y domain", x=0.5, y=0.5, showarrow=False)
        figure.update_layout(yaxis={"range": [0, words.scale]})
        return
    star = {"symbol": "star", "color": VERMILION, "size": 16, "line": {"color": "#FFFFFF", "width": 1}}
    estimated = is_estimated(standing)
    muted = {"color": GREY, "size": 7, "opacity": PALE if estimated else 0.7}
    # The architecture is told for the front alone: for every trial it would be most of the page's bytes.
    texts = [_hover(r, words) for r in done]
    observed = [Contender(trial, trial.top1, trial.top1) for trial in done]
    name = f"{words.done} trials ({len(done)})" + (", as observed" if estimated else "")
    figure.add_scatter(**_points(observed, words), name=name, hovertext=texts, marker=muted)
    name = f"Pareto front ({len(standing.members)})" + (", estimated" if estimated else "")
    figure.add_scatter(**_front_line(standing, words), name=name, marker_size=10)
    if estimated:
        add_intervals(figure, standing, words)
        add_ties(figure, standing, words)
    figure.add_scatter(
        **_points([standing.row(best)], words),
        name="best",
        hovertext=[_hover_stages(best, standing, words)],
        marker=star,
    )
    if (bend := standing.knee) is not None:
        ring = {"symbol": "circle-open", "color": GREEN, "size": 20, "line_width": 3}
        at, text = _points([standing.row(bend)], words), [_hover_stages(bend, standing, words)]
        figure.add_scatter(**at, name="knee of the front", hovertext=text, marker=ring)


def _add_spreads(figure: go.Figure, done: list[CompleteTrial], spreads: Mapping[str, Spread], words: Words) -> None:
    again = {r.digest: r for r in done if r.digest in spreads} if spreads else {}  # a digest takes a millisecond
    if not again:
        return
    found = [spreads[digest] for digest in again]
    counts = sorted({spread.n for spread in found})
    trainings = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    texts = [
        f"<b>trial {r.number}</b>, {words.done} again: {words.spread(spreads[digest])}<br>{digest}"
        for digest, r in again.items()
    ]
    figure.add_scatter(
        x=[trial.macs / 1e6 for trial in again.values()], y=[words.scale * spread.mean for spread in found],
        mode="markers", name=f"{words.done} again: mean, standard deviation ({trainings} each)",
        hoverinfo="text", hovertext=texts,
        marker={"symbol": "diamond-open", "color": ORANGE, "size": 11, "line_width": 2},
        error_y={
            "array": [words.scale * (spread.sd or 0.0) for spread in found],
            "color": ORANGE, "thickness": 2, "width": 5,
        },
    )  # fmt: skip


def _span(done: list[CompleteTrial], budget: Budget) -> list[float]:
    """The x axis in millions: every trial and both ends of the budget, with room beside the outermost."""
    held = [trial.macs / 1e6 for trial in done] + [budget.high / 1e6] + ([budget.low / 1e6] if budget.low else [])
    low, high = (min(held), max(held)) if len(set(held)) > 1 else (0.0, max(held))
    room = 0.04 * (high - low)
    return [low - room, high + room]


def _points(shown: list[Contender], words: Words) -> dict[str, object]:
    x, y = [row.macs / 1e6 for row in shown], [words.scale * row.worth for row in shown]
    return {"x": x, "y": y, "mode": "markers", "hoverinfo": "text"}


def _front_line(standing: Standing, words: Words = TRAINED) -> dict[str, object]:
    style = {"mode": "lines+markers", "line": {"shape": "hv", "color": BLUE, "width": 2}, "legendgroup": "front"}
    texts = [_hover_stages(row.trial, standing, words) for row in standing.members]
    return {**_points(standing.members, words), **style, "hovertext": texts}


def _hover(trial: CompleteTrial, words: Words) -> str:
    split = f" {escape(trial.split)}" if words.split else f" {words.score}"
    return (
        f"<b>trial {trial.number}</b>, {words.figure(trial.top1)}{split}<br>"
        f"{trial.macs:,} Multi-Adds, {trial.params:,} Params<br>seed {trial.seed}"
    )


def _hover_stages(trial: CompleteTrial, standing: Standing, words: Words) -> str:
    estimate = describe(standing, standing.row(trial), words)
    lines = [
        f"{_hover(trial, words)}, {trial.digest}",
        *([estimate] if estimate else []),
        *stage_texts(trial.architecture),
    ]
    return "<br>".join(lines)


def _add_paper_panel(figure: go.Figure, rows: Sequence[Published], standing: Standing, reach: int) -> None:
    """The lower panel. 400 epochs are said of the paper's own networks alone: the rows of others may be quoted."""
    split = "validation images" if rows[0].dataset == "imagenet" else "test split"
    near = [row for row in rows if row.macs <= reach]
    far = f" ({len(rows) - len(near)} beyond {format_count(reach)} left out)" if len(near) < len(rows) else ""
    figure.add_scatter(**_front_line(standing), xaxis="x2", yaxis="y2", showlegend=False, marker_size=6)
    for name, is_own, marker in (
        (f"paper, {split}, 400 epochs", True, {"symbol": "diamond", "color": GREEN, "size": 9}),
        (f"others as the paper prints them, {split}", False, {"symbol": "x", "color": PURPLE, "size": 7}),
    ):
        group = [row for row in near if row.label.startswith("Seesaw") is is_own]
        figure.add_scatter(
            x=[row.macs / 1e6 for row in group], y=[round(100 * row.top1, 2) for row in group], name=name,
            mode="markers", marker=marker, xaxis="x2", yaxis="y2", hoverinfo="text",
            hovertext=[_hover_published(row, split) for row in group],
        )  # fmt: skip
    figure.update_layout(
        yaxis_domain=[0.44, 1], xaxis_anchor="y",
        yaxis2={"domain": [0, 0.25], "anchor": "x2", "title": "top-1 (%)"}, xaxis2={"anchor": "y2"},
    )  # fmt: skip
    figure.add_annotation(
        text=f"The front beside the paper's figures{far}", xref="x2 domain", yref="y2 domain", x=0, y=1.02,
        xanchor="left", yanchor="bottom", showarrow=False,
    )  # fmt: skip


def _hover_published(row: Published, split: str) -> str:
    figures = f"{row.macs / 1e6:g}M Multi-Adds as printed, {100 * row.top1:.2f}% {split}"
    return f"<b>{row.label}</b>, table {row.table}<br>{figures}<br>{reference.SOURCE}"


def _add_budget(figure: go.Figure, budget: Budget, *, has_paper_panel: bool) -> None:
    ends = [(budget.high, "budget", "dash")] + ([(budget.low, "lower end", "dot")] if budget.low else [])
    for macs, name, dash in ends:
        for axis in ("", "2") if has_paper_panel else ("",):
            figure.add_shape(
                type="line", xref=f"x{axis}", yref=f"y{axis} domain", x0=macs / 1e6, x1=macs / 1e6, y0=0, y1=1,
                line={"color": GREY, "width": 2, "dash": dash}, layer="above", legendgroup=name,
                name=f"{name} {format_count(macs)}", showlegend=not axis,
            )  # fmt: skip
