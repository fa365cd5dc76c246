"""The front as a table: each member with its drawing, its stages in words, and its spec file to take along."""

from __future__ import annotations

import base64
import json
from html import escape
from typing import Any

from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.units import format_count, format_duration
from seesaw_nas.report.figures import drawing
from seesaw_nas.report.pages.markup import Cell, paragraph, sortable
from seesaw_nas.report.run import Run
from seesaw_nas.report.tables import stage_texts
from seesaw_nas.search.records import CompleteTrial

HOW_TO_READ = (
    "A block of a drawing, from top to bottom: pw1, depthwise, pw2. A colour is a group of pw1, in proportion to its "
    "channels; stripes are a shuffle; each group of pw2, between thin lines, shows in slices which groups it reads. "
    "+ and the bracket mark a residual. Layers are as wide as the square root of their channels."
)


def front_table(run: Run, room: int) -> str:
    """The members from the fewest Multi-Adds to the most, as markup of about ``room`` bytes.

    What does not fit with its drawing and its spec file has its stages in words alone.
    """
    members = run.standing.front()
    if not members:
        return paragraph("Empty: it holds trials with a result only.")
    said = run.words
    again = (f"{said.done.capitalize()} again",) if run.spreads else ()
    split = ("Split",) if said.split else ()
    estimated = ("Estimate", "Chance of best", "of front") if run.standing.figures(members[0]) else ()
    score = said.score.capitalize()
    result = (*estimated, score, *again, *split, "Seed", "Time", *run.timings.columns.values(), "Digest")
    head = ("Rank", "Trial", "Multi-Adds", "of budget", "Params", *result)
    rows = [_row(rank, trial, run) for rank, trial in enumerate(members, start=1)]
    words = [_unfolding(rank, trial, "") for rank, trial in enumerate(members, start=1)]
    left, drawn = room - len(sortable(head, [(row, "") for row in rows])) - sum(map(len, words)), 0
    for rank, trial in enumerate(members, start=1):
        picture = _picture(rank, trial, run)
        left -= len(picture)
        if left < 0:
            break
        words[drawn], drawn = _unfolding(rank, trial, picture), rank
    told = "" if drawn == len(members) else f" The first {drawn} of {len(members)} are drawn, the others in words."
    return paragraph(HOW_TO_READ + told) + sortable(head, zip(rows, words, strict=True))


def _row(rank: int, trial: CompleteTrial, run: Run) -> list[Cell]:
    cells = [
        Cell(str(rank), rank),
        Cell(str(trial.number), trial.number),
        Cell(format_count(trial.macs), trial.macs),
        Cell(f"{trial.macs / run.budget.high:.1%}", trial.macs),
        Cell(format_count(trial.params), trial.params),
        *_estimated(run, trial),
        Cell(run.words.figure(trial.top1), trial.top1),
    ]
    if run.spreads:
        spread = run.spreads.get(trial.digest)
        cells.append(Cell(run.words.spread(spread), spread.mean) if spread else Cell("-"))
    times = [Cell(text, float(text.replace(",", "")) if text else None) for text in run.timings.cells(trial.digest)]
    cells += [Cell(trial.split)] if run.words.split else []
    cells.append(Cell(str(trial.seed), trial.seed))
    return [*cells, Cell(format_duration(trial.seconds), trial.seconds), *times, Cell(trial.digest)]


def _estimated(run: Run, trial: CompleteTrial) -> list[Cell]:
    """What is estimated of a member; nothing where nothing is."""
    if (found := run.standing.figures(trial)) is None:
        return []
    chances = [Cell(f"{chance:.0%}", chance) for chance in (found.chance_of_best, found.chance_of_front)]
    return [Cell(run.words.estimate(found), found.estimate), *chances]


def _unfolding(rank: int, trial: CompleteTrial, picture: str) -> str:
    stages = escape("\n".join(stage_texts(trial.architecture)))
    summary = f"Architecture of rank {rank}, trial {trial.number}"
    return f"<details><summary>{summary}</summary><div>{picture}<pre>{stages}</pre></div></details>"


def _picture(rank: int, trial: CompleteTrial, run: Run) -> str:
    """The drawing, and the spec file as a link that holds all of it."""
    named = Named(f"{run.name}-{trial.number}", trial.architecture, run.dataset)
    split = {"split": trial.split} if run.words.is_accuracy else {}
    result: dict[str, Any] = {"top1": trial.top1, **split, "seed": trial.seed, "n_seeds": 1}
    origin = {"run": run.name, "trial": trial.number, **({"dataset": run.dataset} if run.dataset else {})}
    content = specfile.document(named, result | origin)
    data = base64.b64encode(json.dumps(content, ensure_ascii=False).encode()).decode()
    link = f'<a download="{escape(named.name)}.json" href="data:application/json;base64,{data}">Spec file</a>'
    command = f"seesaw-nas show {escape(named.name)}.json"
    picture = drawing.svg(trial.architecture, f"Rank {rank}, trial {trial.number}")
    return f"{picture}<p>{link}, for <code>{command}</code></p>"
