"""The verb ``reference``: the paper's tables beside our exact figures."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from csv import DictWriter
from json import dumps
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.reference import SOURCE, family_of
from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.parameters import Json, verb
from seesaw_nas.core.cells import mark_formula
from seesaw_nas.core.errors import OptionError
from seesaw_nas.workflows.reference import TOLERANCE, Compared, compare

if TYPE_CHECKING:
    from rich.table import Table

TOP1 = "top-1 as published, not ours"
LEFT, RIGHT = ("table", "network", "name"), ("top-1", "Params", "ours", "diff", "Multi-Adds", "ours", "diff", "notes")


@verb
def reference(
    table: Annotated[int | None, typer.Option(help="One table of the paper, 3 to 7. Default: all.")] = None,
    dataset: Annotated[str, typer.Option(help="One data set: cifar10, cifar100 or imagenet. Default: all.")] = "",
    json: Json = False,
    csv: Annotated[bool, typer.Option("--csv", help="Print the rows as CSV on standard output.")] = False,
) -> None:
    """Compare the paper's printed figures with exact ones."""
    if json and csv:
        raise OptionError("--json and --csv are two forms of the same rows; leave one away")
    rows = compare(table, dataset)
    if json:
        head = {"unit": cost.CONVENTION, "top1": TOP1, "source": f"{SOURCE}, tables 3 to 7"}
        print(dumps(head | {"rows": [_record(row) for row in rows]}, indent=2))
    elif csv:
        _write_csv([_record(row) | {"unit": f"{cost.CONVENTION}; {TOP1}"} for row in rows])
    else:
        _print(rows)


def _record(row: Compared) -> dict[str, Any]:
    """A row as flat fields; differences are shares of the printed figure."""
    printed = row.published
    by_params = row.params_difference
    return {
        "table": printed.table,
        "label": printed.label,
        "dataset": printed.dataset,
        "network": printed.network,
        "top1_published": printed.top1,
        "params_printed": printed.params,
        "params": row.params,
        "params_difference": None if by_params is None else round(by_params, 4),
        "macs_printed": printed.macs,
        "macs": row.macs,
        "macs_difference": round(row.macs_difference, 4),
        "stand_in": row.stand_in,
        "source": printed.source,
        "reading": row.reading,
        "why": row.why,
    }


def _write_csv(records: Sequence[dict[str, Any]]) -> None:
    writer = DictWriter(sys.stdout, fieldnames=list(records[0]), lineterminator="\n")
    writer.writeheader()
    for record in records:
        writer.writerow(
            {key: mark_formula(value) if isinstance(value, str) else value for key, value in record.items()}
        )


def _print(rows: Sequence[Compared]) -> None:
    notes = _notes(rows)
    out = terminal.console()
    out.print(_table(rows, notes))
    out.print(
        f"\nPrinted: {SOURCE}, tables 3 to 7, also what it quotes from others (--csv names each source); {TOP1}.\n"
        f"Ours: exact. {cost.CONVENTION}. Params: all that is trained, batch norm included.\n"
        f"What differs by more than {TOLERANCE:.0%} and by more than the printed rounding has a note that says why.\n"
    )
    for text, number in notes.items():
        out.print(f"{number:>2}  {text}")


def _notes(rows: Sequence[Compared]) -> dict[str, int]:
    """Every text once, numbered in the order of the rows."""
    return {text: number for number, text in enumerate(dict.fromkeys(t for row in rows for t in _texts(row)), start=1)}


def _texts(row: Compared) -> list[str]:
    reading = f"{family_of(row.published.network)}: {row.reading}" if row.reading else ""
    return [text for text in (reading, f"why: {row.why}" if row.why else "") if text]


def _table(rows: Sequence[Compared], notes: dict[str, int]) -> Table:
    table = terminal.plain_table()
    for heading in LEFT + RIGHT:
        table.add_column(heading, justify="left" if heading in LEFT[1:] else "right", no_wrap=True)
    for row in rows:
        printed = row.published
        table.add_row(
            str(printed.table),
            printed.label,
            printed.network,
            f"{printed.top1:.2%}",
            _millions(printed.params, printed.params_step),
            f"{row.params:,}",
            _difference(row.params_difference, row.stand_in),
            f"{printed.macs // 10**6:,}M",
            f"{row.macs:,}",
            _difference(row.macs_difference, row.stand_in),
            " ".join(str(notes[text]) for text in _texts(row)),
        )
    return table


def _difference(share: float | None, stand_in: bool) -> str:
    if share is None:
        return ""
    return "fitted" if stand_in else f"{share:+.2%}"


def _millions(params: int | None, step: int) -> str:
    """As the paper prints it: 1.4M, or 0.33M where its last digit is worth 10,000."""
    if params is None:
        return ""
    return f"{params / 1e6:.{2 if step < 10**5 else 1}f}M"
