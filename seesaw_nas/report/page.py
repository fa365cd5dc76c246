"""The report of a run: one HTML file that holds all it needs and works without a network."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import get_args

import plotly.graph_objects as go

from seesaw_nas import reference
from seesaw_nas.cost import CONVENTION
from seesaw_nas.files import replace_file
from seesaw_nas.latency import NO_TIMINGS, Timings
from seesaw_nas.records import State, TrialRecord
from seesaw_nas.report.figure import accuracy_against_macs
from seesaw_nas.report.tables import front, stage_texts, trained
from seesaw_nas.report.theme import DARK, FONT, LIGHT
from seesaw_nas.space import Budget
from seesaw_nas.units import format_count, format_duration

_DARK_MEDIA = "screen and (prefers-color-scheme: dark)"  # on paper the page stays light


def write_html(
    path: Path,
    records: Sequence[TrialRecord],
    *,
    budget: Budget,
    dataset: str,
    title: str,
    conditions: Mapping[str, str],
    timings: Timings = NO_TIMINGS,
) -> None:
    """Write the report, all at once or not at all.

    Args:
        path: replaced where it exists.
        records: all of the run's, whatever became of them.
        budget, dataset: as :func:`accuracy_against_macs` takes them.
        title: the run's name.
        conditions: shown as they are, in this order: epochs, recipe, seed, hardware, versions.
        timings: of the front's members, where they were measured.

    Raises:
        OSError: the file cannot be written.
    """
    figure = accuracy_against_macs(records, budget=budget, dataset=dataset)
    within = f"{format_count(budget.low)} to {format_count(budget.high)}" if budget.low else f"at most {budget}"
    parts = [
        f"<h1>{escape(title)}</h1>",
        f"<p>{escape(dataset)}, {within} Multi-Adds. {_counts(records)}</p>",
        _plot(figure),
        "<h2>Front</h2>" + _front(records, budget, timings),
        _not_trained(records),
        "<h2>Conditions</h2>" + _table((), conditions.items()) if conditions else "",
        f"<footer>{escape(CONVENTION)}. Published figures: {escape(reference.SOURCE)}, as printed.</footer>",
    ]
    replace_file(path, _page(title, "\n".join(filter(None, parts))).encode())


def _page(title: str, body: str) -> str:
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body><main>\n{body}\n</main></body></html>\n"
    )


def _counts(records: Sequence[TrialRecord]) -> str:
    states = Counter(record.state for record in records)
    words = {state: "trained" if state == "complete" else state for state in get_args(State)}
    told = ", ".join(f"{states[state]} {word}" for state, word in words.items() if states[state] or state == "complete")
    missing = "" if trained(records) else " <strong>No trial has finished training, so there is no front.</strong>"
    return f"{len(records)} proposed: {told}.{missing}"


def _plot(figure: go.Figure) -> str:
    """The figure with plotly's script; its colours follow the page's between light and dark."""
    figure.update_layout(paper_bgcolor="rgba(0,0,0,0)", plot_bgcolor="rgba(0,0,0,0)")
    axes = [name for name in figure.to_dict()["layout"] if name.startswith(("xaxis", "yaxis"))]
    light, dark = (
        json.dumps({"font.color": colours["text"], **{f"{axis}.gridcolor": colours["grid"] for axis in axes}})
        for colours in (LIGHT, DARK)
    )
    follow = (
        f"const dark = matchMedia('{_DARK_MEDIA}');"
        f"const paint = () => Plotly.relayout('{{plot_id}}', dark.matches ? {dark} : {light});"
        "paint(); dark.addEventListener('change', paint);"
    )
    config = {"displaylogo": False, "responsive": True, "modeBarButtons": [["toImage", "resetScale2d"]]}
    height = "800px" if "xaxis2" in axes else "560px"
    html: str = figure.to_html(
        full_html=False, include_plotlyjs=True, div_id="accuracy", default_height=height, post_script=follow,
        config=config,
    )  # fmt: skip
    return html


def _front(records: Sequence[TrialRecord], budget: Budget, timings: Timings) -> str:
    members = front(records)
    if not members:
        return "<p>Empty: it holds trained trials only.</p>"
    result = ("Top-1", "Split", "Seed", "Time", *timings.columns.values(), "Digest")
    head = ("Rank", "Trial", "Multi-Adds", "of budget", "Params", *result)
    rows, details = [], []
    for rank, r in enumerate(members, start=1):
        macs, top1 = r.macs or 0, r.top1 or 0.0
        costs = (format_count(macs), f"{macs / budget.high:.1%}", format_count(r.params or 0))
        times = (format_duration(r.seconds), *timings.cells(r.digest))
        rows.append((rank, r.number, *costs, f"{top1:.2%}", r.split, r.seed, *times, r.digest))
        stages = escape("\n".join(stage_texts(r.architecture)))
        summary = f"Architecture of rank {rank}, trial {r.number}"
        details.append(f"<details><summary>{summary}</summary><pre>{stages}</pre></details>")
    return _table(head, rows) + "".join(details)


def _not_trained(records: Sequence[TrialRecord]) -> str:
    told = Counter((r.state, r.reason) for r in records if r.state in ("failed", "infeasible") and r.reason)
    if not told:
        return ""
    rows = [(count, state, reason) for (state, reason), count in told.most_common()]
    return "<h2>Not trained to the end</h2>" + _table(("Trials", "State", "Reason"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """An HTML table of escaped cells."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


_STYLE = f"""
:root {{ color-scheme: light dark; --text: {LIGHT["text"]}; --grid: {LIGHT["grid"]}; --page: {LIGHT["page"]}; }}
@media {_DARK_MEDIA} {{
  :root {{ --text: {DARK["text"]}; --grid: {DARK["grid"]}; --page: {DARK["page"]}; }}
}}
body {{ margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 {FONT}; }}
main {{ max-width: 1200px; margin: 0 auto; padding: 16px; overflow-wrap: anywhere; }}
h1 {{ font-size: 26px; line-height: 1.25; margin: 8px 0; }}
h2 {{ font-size: 19px; margin: 28px 0 8px; }}
.wide {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: 14px; font-variant-numeric: tabular-nums; overflow-wrap: normal; }}
th, td {{ text-align: left; padding: 5px 16px 5px 0; border-bottom: 1px solid var(--grid); vertical-align: top; }}
th, td {{ white-space: nowrap; }}
td:last-child {{ white-space: normal; min-width: 12em; }}
details {{ margin: 6px 0; font-size: 14px; }}
summary {{ cursor: pointer; }}
pre {{ overflow-x: auto; font-size: 13px; margin: 6px 0 12px; }}
footer {{ font-size: 13px; margin: 28px 0 8px; }}
"""
