"""The report of a run: one HTML file that holds all it needs and works without a network.

The file that a search leaves has the picture and the front. The one by ``seesaw-nas report`` has every figure there is.
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
from seesaw_nas.core.units import format_top1
from seesaw_nas.report.figures.front import accuracy_against_macs
from seesaw_nas.report.pages import markup
from seesaw_nas.report.pages.front_table import front_table
from seesaw_nas.report.pages.markup import paragraph, section
from seesaw_nas.report.run import Run
from seesaw_nas.search.records import State, TrialRecord, complete

FOOTER = f"<footer>{escape(CONVENTION)}. Published figures: {escape(reference.SOURCE)}, as printed.</footer>"
PAGE_BYTES = 5_900_000  # of a page, most of them plotly's; drawings are left out where they would take it beyond
MOST_HOVER = 40_000  # characters that the pointer may show of one series
MOST_REASONS = 20  # rows of the table of what was not trained


def write_html(path: Path, run: Run, *, more: Sequence[str] = ()) -> None:
    """Write the report, all at once or not at all.

    Args:
        path: replaced where it exists.
        more: further sections as markup, between the front and the conditions.

    Raises:
        OSError: the file cannot be written.
    """
    figure = picture(run)
    above = [
        f"<h1>{escape(run.name)}</h1>",
        *_summary(run),
        markup.plotly_script(),
        _choice(figure),
        markup.plot(figure, "accuracy"),
    ]
    below = [
        *more,
        _not_trained(run.records),
        section("Conditions", markup.table((), run.conditions.items())) if run.conditions else "",
        FOOTER,
    ]
    members = front_table(run, PAGE_BYTES - sum(map(len, [*above, *below])))
    replace_file(path, markup.page(run.name, [*above, section("Front", members), *below]))


def picture(run: Run) -> go.Figure:
    """Accuracy against Multi-Adds; of many trials the pointer shows less, so that the page stays small."""
    dataset = run.settings.training.dataset
    figure = accuracy_against_macs(
        run.records, budget=run.budget, dataset=dataset, spreads=run.spreads, standing=run.standing
    )
    for trace in figure.data:
        texts = trace.hovertext or ()
        if sum(map(len, texts)) > MOST_HOVER:
            trace.hovertext = [text.partition(",")[0] for text in texts]  # the trial's number
            trace.hovertemplate = "%{hovertext}: %{y:.2f}%, %{x:.3f}M Multi-Adds<extra></extra>"
    return figure


def _summary(run: Run) -> Iterator[str]:
    """What was searched, what became of it, and the best."""
    yield f"<p>{escape(run.settings.training.dataset)}, {run.within} Multi-Adds. {_counts(run.records)}</p>"
    if (best := run.best) is None:
        return
    share = f"{best.macs / run.budget.high:.1%} of the budget"
    text = f"Best: {format_top1(best.top1)} {best.split} top-1 at {best.macs:,} Multi-Adds ({share})"
    spread = run.spreads.get(best.digest)
    again = f"; trained again {spread}" if spread else ""
    estimated = f"; estimated {found}, over seeds" if (found := run.standing.figures(best)) else ""
    yield paragraph(f"{text}, trial {best.number}, one seed{estimated}{again}.")
    if sentences := [text for text in (run.standing.reason, run.standing.tie_sentence) if text]:
        yield paragraph(". ".join(text[0].upper() + text[1:] for text in sentences) + ".")


def _choice(figure: go.Figure) -> str:
    """The switch of the panel with published figures, where there is one."""
    if "xaxis2" not in figure.to_plotly_json()["layout"]:
        return ""
    return '<p><label><input type="checkbox" id="published" checked> Published figures below</label></p>'


def _counts(records: Sequence[TrialRecord]) -> str:
    states = Counter(record.state for record in records)
    schedules = sorted({record.schedule for record in records if record.state == "short"})
    words = {state: "trained" if state == "complete" else state for state in get_args(State)}
    words["short"] = f"trained by a schedule of {' or '.join(map(str, schedules))} epochs"
    told = ", ".join(f"{states[state]} {word}" for state, word in words.items() if states[state] or state == "complete")
    missing = "" if complete(records) else " <strong>No trial has finished training, so there is no front.</strong>"
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
    return section("Not trained to the end", markup.table(("Trials", "State", "Reason"), rows))
