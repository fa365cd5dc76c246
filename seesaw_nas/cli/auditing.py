"""What ``audit`` shows while it works, and at the end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from seesaw_nas import api
from seesaw_nas.cli import terminal
from seesaw_nas.evaluators.ranking.bands import parse_band
from seesaw_nas.evaluators.ranking.result import RULE, Audit
from seesaw_nas.evaluators.ranking.wording import cost_of, describe_basis, figure_of, noise, remarks, span
from seesaw_nas.workflows.audit.audit import FILE, PAGE, folder

HEADINGS = ("evaluator", "within bands", "95%", "overall", "95%", "scored", "each costs", "once", "earns", "note")
LEFT = ("evaluator", "earns", "note")


def audit(
    runs: Sequence[Path],
    *,
    evaluators: str,
    supernet: str,
    band: str,
    bootstrap: int,
    seed: int,
    device: str,
    data_dir: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """Audit under a progress bar, and print a table or one JSON object."""
    console = terminal.console(stderr=as_json)
    with terminal.progress(console) as progress:
        task = progress.add_task("reading", total=None)

        def scored(name: str, done: int, total: int) -> None:
            progress.update(task, description=name, completed=done, total=total)

        found = api.audit(
            runs,
            evaluators=[name.strip() for name in evaluators.split(",")] if evaluators else [],
            supernet=supernet,
            band=parse_band(band),
            bootstrap=bootstrap,
            seed=seed,
            device=device,
            data_dir=data_dir,
            out=out or "",
            on_score=scored,
        )
    if as_json:
        print(json.dumps(found.to_dict(), indent=2))
        return
    _print(console, found)
    for name in (FILE, PAGE):
        console.print(f"written   {folder(runs, out or '') / name}")


def _print(console: Console, found: Audit) -> None:
    for line in describe_basis(found):
        console.print(line)
    console.print()
    console.print(_table(found))
    console.print()
    for line in (*noise(found.ceiling), RULE, *remarks(found)):
        console.print(line)


def _table(found: Audit) -> Table:
    table = terminal.plain_table("Kendall's tau-b with the trained top-1")
    for heading in HEADINGS:
        table.add_column(heading, justify="left" if heading in LEFT else "right", no_wrap=True)
    for row in found.rows:
        table.add_row(
            row.name,
            figure_of(row.within.tau),
            span(row.within),
            figure_of(row.overall.tau),
            span(row.overall),
            str(row.scored),
            cost_of(row.each),
            cost_of(row.once),
            found.verdict(row),
            row.note,
        )
    return table
