"""Accuracy against Multi-Adds, or another cost, as a plotly figure, in the one house theme."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType

import plotly.graph_objects as go

from seesaw_nas.evaluators.words import TRAINED, Words
from seesaw_nas.report.figures.axis import CostAxis
from seesaw_nas.report.figures.intervals import add_intervals, add_ties, describe, is_estimated
from seesaw_nas.report.figures.published import add_panel, rows_within
from seesaw_nas.report.tables import stage_texts
from seesaw_nas.report.theme import BLUE, GREEN, GREY, LOW_TO_HIGH, NOTHING_TRAINED, ORANGE, THEME, VERMILION, caption
from seesaw_nas.report.unevenness import MEANING, unevenness
from seesaw_nas.search import objectives
from seesaw_nas.search.records import CompleteTrial, TrialRecord, complete
from seesaw_nas.search.spread import Spread
from seesaw_nas.search.standing import Contender, Standing
from seesaw_nas.search.topics import OBSERVED
from seesaw_nas.space import Budget
from seesaw_nas.space.budget import Bound
from seesaw_nas.space.costs import MACS, Cost

NO_SPREADS: Mapping[str, Spread] = MappingProxyType({})


def accuracy_against_cost(
    records: Sequence[TrialRecord],
    *,
    budget: Budget,
    dataset: str,
    title: str = "",
    spreads: Mapping[str, Spread] = NO_SPREADS,
    standing: Standing | None = None,
    words: Words = TRAINED,
    beside_published: bool = False,
) -> go.Figure:
    """Every trained trial, the front as steps, its knee, the best, the budget; below, the front and the paper's rows.

    The cost is that of the standing, Multi-Adds without one.

    The colour of a point says how uneven the groups are (:func:`seesaw_nas.report.unevenness.unevenness`), where the
    trials differ in that. The paper's rows are of another split and mostly of longer training. They stand on axes of
    their own (``x2``, ``y2``), so that they never press the run's points together. Without any row in reach of the
    run's Multi-Adds there is no such panel.

    Args:
        spreads: by digest, of the architectures that were trained again; drawn as mean and standard deviation.
        standing: says who is on the front, and where: at the estimates with bars of one and two standard deviations,
            if it has some, and who ties with the best is ringed; at the observed figures if ``None``.
        words: for the figures.
        beside_published: whether the paper's rows are drawn, which are of Multi-Adds; see
            :func:`seesaw_nas.report.figures.published.are_comparable`.
    """
    figure = go.Figure(layout={"template": THEME})
    done = complete(records)
    shown = standing or Standing(records, None, budget, 1, rank=OBSERVED)
    axis = CostAxis(shown.cost)
    bound = budget.of(shown.cost)
    observed = [shown.observed(trial) for trial in done]
    highest = max([budget.high, *(trial.macs for trial in done)])
    rows, beyond = rows_within(dataset, highest) if beside_published and shown.cost == MACS else ([], 0)
    means = {digest: spread.mean for digest, spread in spreads.items()}
    _add_trials(figure, done, shown, shown.best(means), words)
    _add_spreads(figure, observed, spreads, words)
    if rows:
        add_panel(figure, rows, beyond, highest, _front_line(shown))
    if bound:
        _add_budget(figure, bound, has_paper_panel=bool(rows))
    _explain(figure, shown)
    splits = sorted({r.split for r in done}) or ["validation"]
    figure.update_xaxes(title=axis.title)
    figure.update_layout(yaxis_title=escape(words.axis(" and ".join(splits))), xaxis_range=_span(observed, axis, bound))
    if title:  # as the legend's, since plotly lets a figure's own title run into a legend of several lines
        figure.update_layout(legend_title={"text": f"<b>{escape(title)}</b>", "side": "top", "font_size": 18})
    return figure


def _explain(figure: go.Figure, standing: Standing) -> None:
    """Say what bars and colours mean, where there are some."""
    lines = []
    if any(standing.figures(row.trial) for row in standing.members):
        lines.append("Bars: one and two standard deviations of what is estimated.")
    if any(trace.marker.showscale for trace in figure.data):
        lines.append(f"{MEANING[0].upper()}{MEANING[1:]}.")
    if lines:
        caption(figure, "<br>".join(lines))


def _add_trials(
    figure: go.Figure, done: list[CompleteTrial], standing: Standing, best: CompleteTrial | None, words: Words
) -> None:
    if best is None:
        figure.add_annotation(text=NOTHING_TRAINED, xref="x domain", yref="y domain", x=0.5, y=0.5, showarrow=False)
        figure.update_layout(yaxis={"range": [0, words.scale]})
        return
    star = {"symbol": "star", "color": VERMILION, "size": 16, "line": {"color": "#FFFFFF", "width": 1}}
    estimated = is_estimated(standing)
    colours = _Colours(done)
    # The architecture is told for the front alone: for every trial it would be most of the page's bytes.
    texts = [_hover(r, words, standing.cost) for r in done]
    observed = [standing.observed(trial) for trial in done]
    name = f"{words.done} trials ({len(done)})" + (", as observed" if estimated else "")
    figure.add_scatter(
        **_points(observed, words), name=name, hovertext=texts, marker=colours.of_observed(done, estimated)
    )
    name = f"Pareto front ({len(standing.members)})" + (", estimated" if estimated else "")
    add_intervals(figure, standing, words)
    figure.add_scatter(**_front_line(standing, words), name=name, marker=colours.of_front(standing))
    if estimated:
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


_TOP = {"len": 0.56, "y": 1, "yanchor": "top", "ypad": 0}  # of a colour bar, clear of the panel below


class _Colours:
    """Markers that say how uneven the groups of each trial are; all of one colour where the trials do not differ."""

    def __init__(self, done: Sequence[CompleteTrial]) -> None:
        self._ends = (0.0, max((unevenness(trial.architecture) for trial in done), default=0.0))
        self._differ = len({round(unevenness(trial.architecture), 6) for trial in done}) > 1

    def of_observed(self, done: Sequence[CompleteTrial], estimated: bool) -> dict[str, object]:
        """Discs where the figures rank; rings where they stand behind estimates."""
        rings: dict[str, object] = {"symbol": "circle-open", "size": 8, "line": {"width": 2}}
        discs: dict[str, object] = {"size": 8, "line": {"width": 1, "color": GREY}}
        return {"opacity": 0.75, **(rings if estimated else discs), **self._scaled(done, GREY, bar=True)}

    def of_front(self, standing: Standing) -> dict[str, object]:
        members = [row.trial for row in standing.members]
        return {"size": 11, "line": {"width": 2, "color": BLUE}, **self._scaled(members, BLUE, bar=False)}

    def _scaled(self, trials: Sequence[CompleteTrial], plain: str, *, bar: bool) -> dict[str, object]:
        if not self._differ:
            return {"color": plain}
        low, high = self._ends
        scaled = {"color": [round(unevenness(trial.architecture), 4) for trial in trials], "cmin": low, "cmax": high}
        title = {"text": "unevenness", "side": "right"}
        legend = {"title": title, "thickness": 10, "outlinewidth": 0, "x": 1.01, "xpad": 0, **_TOP}
        return {**scaled, "colorscale": LOW_TO_HIGH, "showscale": bar, **({"colorbar": legend} if bar else {})}


def _add_spreads(figure: go.Figure, done: list[Contender], spreads: Mapping[str, Spread], words: Words) -> None:
    again = {row.trial.digest: row for row in done if row.trial.digest in spreads} if spreads else {}  # slow digests
    if not again:
        return
    found = [spreads[digest] for digest in again]
    counts = sorted({spread.n for spread in found})
    trainings = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    texts = [
        f"<b>trial {row.trial.number}</b>, {words.done} again: {words.spread(spreads[digest])}<br>{digest}"
        for digest, row in again.items()
    ]
    figure.add_scatter(
        x=[CostAxis(row.cost).of(row) for row in again.values()], y=[words.scale * spread.mean for spread in found],
        mode="markers", name=f"{words.done} again: mean, standard deviation ({trainings} each)",
        hoverinfo="text", hovertext=texts,
        marker={"symbol": "diamond-open", "color": ORANGE, "size": 11, "line_width": 2},
        error_y={
            "array": [words.scale * (spread.sd or 0.0) for spread in found],
            "color": ORANGE, "thickness": 2, "width": 5,
        },
    )  # fmt: skip


def _span(done: list[Contender], axis: CostAxis, bound: Bound | None) -> list[float]:
    """The x axis: every trial and both ends of what is allowed, with room beside the outermost."""
    ends = [bound.high, *([bound.low] if bound.low else [])] if bound else []
    held = [*map(axis.of, done), *map(axis.place, ends)] or [1.0]
    low, high = (min(held), max(held)) if len(set(held)) > 1 else (0.0, max(held))
    room = 0.04 * (high - low)
    return [low - room, high + room]


def _points(shown: list[Contender], words: Words) -> dict[str, object]:
    x, y = [CostAxis(row.cost).of(row) for row in shown], [words.scale * row.worth for row in shown]
    return {"x": x, "y": y, "mode": "markers", "hoverinfo": "text"}


def _front_line(standing: Standing, words: Words = TRAINED) -> dict[str, object]:
    style = {"mode": "lines+markers", "line": {"shape": "hv", "color": BLUE, "width": 2}, "legendgroup": "front"}
    texts = [_hover_stages(row.trial, standing, words) for row in standing.members]
    return {**_points(standing.members, words), **style, "hovertext": texts}


def _hover(trial: CompleteTrial, words: Words, cost: Cost = MACS) -> str:
    split = f" {escape(trial.split)}" if words.split else f" {words.score}"
    told = "" if cost.name in ("macs", "params") else f", {cost.write(objectives.amount(cost, trial))} {cost.name}"
    return (
        f"<b>trial {trial.number}</b>, {words.figure(trial.top1)}{split}<br>"
        f"{trial.macs:,} Multi-Adds, {trial.params:,} Params{told}<br>seed {trial.seed}, "
        f"unevenness {unevenness(trial.architecture):.2f}"
    )


def _hover_stages(trial: CompleteTrial, standing: Standing, words: Words) -> str:
    estimate = describe(standing, standing.row(trial), words)
    lines = [
        f"{_hover(trial, words, standing.cost)}, {trial.digest}",
        *([estimate] if estimate else []),
        *stage_texts(trial.architecture),
    ]
    return "<br>".join(lines)


def _add_budget(figure: go.Figure, bound: Bound, *, has_paper_panel: bool) -> None:
    ends = [(bound.high, "budget", "dash")] + ([(bound.low, "lower end", "dot")] if bound.low else [])
    for amount, name, dash in ends:
        place = CostAxis(bound.cost).place(amount)
        for axis in ("", "2") if has_paper_panel else ("",):
            figure.add_shape(
                type="line", xref=f"x{axis}", yref=f"y{axis} domain", x0=place, x1=place, y0=0, y1=1,
                line={"color": GREY, "width": 2, "dash": dash}, layer="above", legendgroup=name,
                name=f"{name} {bound.cost.write(amount)}", showlegend=not axis,
            )  # fmt: skip
