"""How a search got on: its front part by part, its best so far, its trainings and what ran when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from seesaw_nas import pareto
from seesaw_nas.core.errors import OptionError, known
from seesaw_nas.evaluators.words import TRAINED as AS_TRAINED
from seesaw_nas.evaluators.words import Words
from seesaw_nas.report.figures.axis import CostAxis, name_of
from seesaw_nas.report.theme import GREY, NOTHING_TRAINED, THEME, blank, caption, see_through, styles
from seesaw_nas.search import objectives
from seesaw_nas.search.records import TRAINED, CompleteTrial, TrialRecord, complete
from seesaw_nas.space.costs import MACS, Cost

Floats = npt.NDArray[np.float64]
VALUES = ("hypervolume", "top1")
SPENT = {
    "trials": "trials that were trained",
    "epochs": "epochs trained, of all trials together",
    "seconds": "seconds of training, of all workers together",
}
LEAST_IN_BAND = 3  # runs that a median and quartiles are drawn of
MOST_POINTS = 500  # of a median over several runs


def in_order(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Those that were trained, as they came to their end; those that have not, or have no times, by number."""
    return sorted((r for r in records if r.state in TRAINED), key=lambda r: (r.ended or np.inf, r.number))


def front_over_time(
    records: Sequence[TrialRecord], *, parts: int = 4, words: Words = AS_TRAINED, cost: Cost = MACS
) -> go.Figure:
    """The front after each quarter of the trained trials, as steps; the trials behind in grey."""
    done = complete(in_order(records))
    if not done:
        return blank(NOTHING_TRAINED)
    figure = go.Figure(layout={"template": THEME, "xaxis_title": CostAxis(cost).title})
    figure.add_scatter(
        **_points(done, words, cost), name=f"{words.done} trials ({len(done)})", mode="markers", hoverinfo="skip",
        marker={"color": GREY, "size": 7, "opacity": 0.7},
    )  # fmt: skip
    ends = sorted({max(1, round(len(done) * part / parts)) for part in range(1, parts + 1)})
    for end, (colour, dash, symbol) in zip(ends, reversed(styles(len(ends))), strict=True):
        figure.add_scatter(
            **_points(_front(done[:end], cost), words, cost), name=f"front of the first {end}", mode="lines+markers",
            line={"shape": "hv", "color": colour, "dash": dash, "width": 2}, marker={"symbol": symbol, "size": 9},
        )  # fmt: skip
    figure.update_layout(yaxis_title=escape(words.axis(splits(done))))
    return figure


def splits(done: Sequence[TrialRecord] | Sequence[CompleteTrial]) -> str:
    """The split that the accuracies are from, or the splits."""
    return " and ".join(sorted({record.split for record in done})) or "validation"


def _front(done: Sequence[CompleteTrial], cost: Cost) -> list[CompleteTrial]:
    return [done[i] for i in pareto.front([(trial.top1, float(objectives.amount(cost, trial))) for trial in done])]


def _points(shown: Sequence[CompleteTrial], words: Words, cost: Cost) -> dict[str, Any]:
    places = [CostAxis(cost).place(objectives.amount(cost, trial)) for trial in shown]
    return {"x": places, "y": [words.scale * trial.top1 for trial in shown]}


def _title(value: str, words: Words) -> str:
    if value == "hypervolume":
        return "hypervolume"
    return f"best {words.axis()}".replace(" (%)", " so far (%)") if words.is_share else f"best {words.noun} so far"


def progress_curves(
    runs: Mapping[str, Sequence[Sequence[TrialRecord]]],
    *,
    value: str = "hypervolume",
    against: str = "trials",
    budget_high: int,
    words: Words = AS_TRAINED,
    cost: Cost = MACS,
) -> go.Figure:
    """How good what was found is, against what was spent; three runs or more under a name as median and quartiles.

    What a trial cost counts when it ends, also where it failed or was stopped. Runs under one name are drawn as far as
    the shortest of them goes. The axis leaves out the first trials where they are far below all that follows.

    Args:
        runs: the records of every run, by a name such as that of the strategy.
        value: ``hypervolume``, of top-1 (a fraction) and of a cost over the budget, which dominated the whole at 1; or
            ``top1``, the best so far.
        against: ``trials``, ``epochs`` or ``seconds``.
        budget_high: upper end of the budget; of a cost without one, the most that is counted.
        words: for the figures.
        cost: that of the front.

    Raises:
        OptionError: there is no such value or measure of cost.
    """
    for what, given, there in (("value", value, VALUES), ("measure of cost", against, SPENT)):
        if given not in there:
            raise OptionError(known(what, given, tuple(there)))
    paths = {
        name: [_path(run, value, against, (cost, budget_high), words.scale) for run in several]
        for name, several in runs.items()
    }
    shown = {name: [path for path in found if len(path)] for name, found in paths.items()}
    if not any(shown.values()):
        return blank(NOTHING_TRAINED)
    figure = go.Figure(
        layout={
            "template": THEME,
            "xaxis_title": SPENT[against] if words.many == "trainings" else against,
            "yaxis_title": _title(value, words),
        }
    )
    for (name, found), (colour, dash, _) in zip(shown.items(), styles(len(shown)), strict=True):
        if found:
            _add_progress(figure, escape(name), found, colour, dash)
    figure.update_yaxes(range=_worth_seeing(shown))
    texts = []
    if value == "hypervolume":
        most = "100%" if words.is_share else "1"
        whole = "the budget" if cost == MACS else cost.write(budget_high)
        texts.append(f"Hypervolume: of {words.noun} and {name_of(cost)}, as a share of {most} x {whole}.")
    if any(len(found) >= LEAST_IN_BAND for found in shown.values()):
        texts.append(
            f"Of {LEAST_IN_BAND} runs or more the median, in a band between the quartiles; of two, a line each."
        )
    if texts:
        caption(figure, "<br>".join(texts))
    return figure


def _worth_seeing(shown: Mapping[str, list[Floats]]) -> list[float] | None:
    """From the lowest value after a twentieth of the cost: the first trials are far below, and all others near."""
    every = [path for found in shown.values() for path in found]
    early = max(path[-1, 0] for path in every) / 20
    low, high = min(_at(path, np.array([early]))[0] for path in every), max(path[-1, 1] for path in every)
    room = 0.08 * (high - low)
    return [float(low - room), float(high + room)] if high > low else None


def _path(run: Sequence[TrialRecord], value: str, against: str, most: tuple[Cost, int], scale: int) -> Floats:
    """Rows (spent, value) from the first trained trial on, where the value changes, and the end; empty without any.

    Args:
        most: the cost of the front, and its upper end.
    """
    cost, high = most
    ended = in_order([record for record in run if record.state != "running"])
    spent = np.cumsum([_cost(record, against) for record in ended], dtype=np.float64)
    points = {trial.number: (trial.top1, objectives.amount(cost, trial) / high) for trial in complete(ended)}
    rows: list[tuple[float, float]] = []
    members: list[tuple[float, float]] = []  # the front so far, so that a trial behind it costs no hypervolume
    for record, at in zip(ended, spent.tolist(), strict=True):
        point = points.get(record.number)
        if point is None or any(top1 >= point[0] and share <= point[1] for top1, share in members):
            continue
        members = [m for m in members if not (point[0] >= m[0] and point[1] <= m[1])] + [point]
        worth = pareto.hypervolume(members, (0.0, 1.0)) if value == "hypervolume" else scale * max(members)[0]
        if not rows or worth > rows[-1][1]:
            rows.append((at, worth))
    if rows and rows[-1][0] < spent[-1]:
        rows.append((float(spent[-1]), rows[-1][1]))
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _cost(record: TrialRecord, against: str) -> float:
    return {"trials": 1.0, "epochs": float(len(record.curve)), "seconds": record.seconds}[against]


def _add_progress(figure: go.Figure, name: str, paths: list[Floats], colour: str, dash: str) -> None:
    line = {"shape": "hv", "color": colour, "dash": dash, "width": 2}
    if len(paths) < LEAST_IN_BAND:  # quartiles of two would be made up
        told = name if len(paths) == 1 else f"{name} ({len(paths)} runs)"
        for i, path in enumerate(paths):
            shown = {"name": told, "legendgroup": name, "showlegend": i == 0}
            figure.add_scatter(x=path[:, 0], y=path[:, 1], mode="lines", line=line, **shown)
        return
    x = _common(paths)
    low, median, high = np.quantile([_at(path, x) for path in paths], (0.25, 0.5, 0.75), axis=0)
    edge = {"mode": "lines", "line": {"shape": "hv", "width": 0, "color": colour}, "hoverinfo": "skip"}
    group = {"legendgroup": name, "x": x}
    figure.add_scatter(**group, **edge, y=low, name=f"{name}, lower quartile", showlegend=False)
    figure.add_scatter(
        **group, **edge, y=high, name=f"{name}, upper quartile", showlegend=False, fill="tonexty",
        fillcolor=see_through(colour, 0.2),
    )  # fmt: skip
    figure.add_scatter(**group, y=median, name=f"{name} ({len(paths)} runs)", mode="lines", line=line)


def _common(paths: list[Floats]) -> Floats:
    """Where any of the paths changes, between the last of their beginnings and the first of their ends."""
    begin, end = max(path[0, 0] for path in paths), min(path[-1, 0] for path in paths)
    every = np.unique(np.concatenate([path[:, 0] for path in paths]))
    inside = every[(begin <= every) & (every <= end)]
    if not len(inside):
        return np.array([begin])
    thinned: Floats = inside[np.unique(np.linspace(0, len(inside) - 1, MOST_POINTS).round().astype(int))]
    return thinned


def _at(path: Floats, x: Floats) -> Floats:
    """The steps of a path at ``x``."""
    values: Floats = path[np.maximum(np.searchsorted(path[:, 0], x, side="right") - 1, 0), 1]
    return values
