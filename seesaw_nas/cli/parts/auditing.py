"""What ``audit`` works with, which its options do without, and what it prints at the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from seesaw_nas.cli.parts import terminal
from seesaw_nas.evaluators.ranking.bands import parse_band
from seesaw_nas.evaluators.ranking.result import RULE, Audit
from seesaw_nas.evaluators.ranking.wording import cost_of, describe_basis, figure_of, noise, remarks, span
from seesaw_nas.workflows.audit.audit import FILE, PAGE, audit, folder

__all__ = ["audit", "files", "parse_band", "print_audit"]

HEADINGS = ("evaluator", "within bands", "95%", "overall", "95%", "scored", "each costs", "once", "earns", "note")
LEFT = ("evaluator", "earns", "note")


def files(runs: Sequence[Path], out: Path | None) -> list[Path]:
    """What an audit of these runs writes."""
    return [folder(runs, out or "") / name for name in (FILE, PAGE)]


def print_audit(console: Console, found: Audit) -> None:
    """The runs, a row an evaluator, and remarks."""
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
