"""The page of a run: one HTML file that holds all it needs and works without a network.

It opens with what a reader wants: the recommended network, its figures and drawing, and the front. The rest follows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import get_args

import plotly.graph_objects as go

from seesaw_nas.architecture import reference
from seesaw_nas.architecture.cost import CONVENTION
from seesaw_nas.core.files import replace_file
from seesaw_nas.evaluators.words import Words
from seesaw_nas.report.pages import markup
from seesaw_nas.report.pages.front_table import front_table
from seesaw_nas.report.pages.markup import section
from seesaw_nas.report.pages.page_figure import PageFigure, left_out, sections
from seesaw_nas.report.pages.recommended import drawn, facts
from seesaw_nas.report.pages.run_figures import all_figures
from seesaw_nas.report.run import Run
from seesaw_nas.search.records import State, TrialRecord, complete

FOOTER = f"<footer>{escape(CONVENTION)}.</footer>"
PUBLISHED = f"<footer>{escape(CONVENTION)}. Published figures: {escape(reference.SOURCE)}, as printed.</footer>"
PAGE_BYTES = 5_900_000  # of a page, most of them plotly's; drawings are left out where they would take it beyond
SHORT = 8  # blocks of a drawing that is about as high as the figures beside it
MOST_REASONS = 20  # rows of the table of what was not trained


def write_report(path: Path, run: Run, shown: Sequence[PageFigure] = ()) -> None:
    """Write the whole report of a run, all at once or not at all; a file that is there is replaced.

    Args:
        shown: the run's :func:`all_figures`, where they are drawn already.

    Raises:
        OSError: the file cannot be written.
    """
    front, *others = shown or all_figures(run)
    above = [
        f"<h1>{escape(run.name)}</h1>",
        *_summary(run),
        markup.plotly_script(),
        _opening(run, front),
    ]
    below = [
        *sections(others),
        left_out(others),
        _not_trained(run.records),
        section("Conditions", markup.table((), run.conditions.items())) if run.conditions else "",
        PUBLISHED if _has_published(front.figure) else FOOTER,
    ]
    members = front_table(run, PAGE_BYTES - sum(map(len, [*above, *below])))
    replace_file(path, markup.page(run.name, [*above, section("Front", members), *below]))


def _opening(run: Run, front: PageFigure) -> str:
    """The recommended network beside its drawing, and the front below both, or beside a drawing of many blocks."""
    picture = f"<h2>{escape(front.title)}</h2>{_choice(front.figure)}{markup.plot(front.figure, front.name)}"
    if (best := run.best) is None:
        return f"<section>{picture}</section>"
    title = f"Recommended network: trial {best.number}"
    tall = " tall" if len(best.architecture.placed) > SHORT else ""
    return (
        f'<section class="opening{tall}"><div class="facts"><h2>{title}</h2>{facts(run, best)}</div>'
        f'<div class="drawn">{drawn(run, best)}</div><div class="front">{picture}</div></section>'
    )


def _summary(run: Run) -> Iterator[str]:
    """What was searched, and what became of it."""
    words, dataset = run.words, f"{escape(run.dataset)}, " if run.dataset else ""
    within = f"{dataset}{run.within}{'' if run.budget.others else ' Multi-Adds'}"
    yield f"<p>{within[0].upper() if not dataset else within[0]}{within[1:]}. {_counts(run.records, words)}</p>"


def _choice(figure: go.Figure) -> str:
    """The switch of the panel with published figures, where there is one."""
    if not _has_published(figure):
        return ""
    return '<p><label><input type="checkbox" id="published" checked> Published figures below</label></p>'


def _has_published(figure: go.Figure) -> bool:
    return any(trace.xaxis == "x2" for trace in figure.data)


def _counts(records: Sequence[TrialRecord], said: Words) -> str:
    states = Counter(record.state for record in records)
    schedules = sorted({record.schedule for record in records if record.state == "short"})
    words = {state: said.done if state == "complete" else state for state in get_args(State)}
    words["short"] = f"trained by a schedule of {' or '.join(map(str, schedules))} epochs"
    told = ", ".join(f"{states[state]} {word}" for state, word in words.items() if states[state] or state == "complete")
    missing = "" if complete(records) else " <strong>No trial has a result, so there is no front.</strong>"
    return f"{len(records)} proposed: {told}.{missing}"


def _not_trained(records: Sequence[TrialRecord]) -> str:
    told = Counter((r.state, r.reason) for r in records if r.state in ("failed", "infeasible") and r.reason)
    if not told:
        return ""
    rows: list[tuple[object, ...]] = [
        (count, state, reason) for (state, reason), count in told.most_common(MOST_REASONS)
    ]
    if (rest := told.total() - sum(count for _, count in told.most_common(MOST_REASONS))) > 0:
        rows.append((rest, "", f"{len(told) - MOST_REASONS} further reasons"))
    return section("Trials without a result", markup.table(("Trials", "State", "Reason"), rows))
