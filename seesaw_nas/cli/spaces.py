"""The verb ``spaces``."""

from __future__ import annotations

from json import dumps
from typing import Annotated

import typer

from seesaw_nas.architecture import cost
from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.parameters import Json, verb
from seesaw_nas.core.units import format_count, format_large


@verb
def spaces(
    budget: Annotated[str, typer.Option(help="Budget to count under. Default: each space's own.")] = "",
    json: Json = False,
) -> None:
    """List the search spaces, and count what fits a budget."""
    from seesaw_nas.workflows.spaces import spaces as count_spaces

    rows = count_spaces(budget)
    if json:
        print(dumps({"unit": cost.CONVENTION, "spaces": [row.to_dict() for row in rows]}, indent=2))
        return
    table = terminal.plain_table()
    for heading in ("space", "input", "size", "budget", "fitting", "cheapest", "costliest"):
        table.add_column(heading, justify="left" if heading == "space" else "right", no_wrap=True)
    for row in rows:
        channels, side, _ = row.input
        table.add_row(
            row.name,
            f"{channels}x{side}x{side}",
            format_large(row.architectures),
            str(row.budget),
            f"none: {row.why}" if row.fitting == 0 else format_large(row.fitting),
            format_count(row.cheapest_macs),
            format_count(row.costliest_macs),
        )
    out = terminal.console()
    out.print(table)
    out.print(
        f"\nSizes and fitting architectures are exact counts (--json has every digit).\nBudgets: {cost.CONVENTION}."
    )
    for row in rows:
        out.print(f"{row.name}: {row.description}")
