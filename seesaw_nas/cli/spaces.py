"""The verb ``spaces``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seesaw_nas.architecture import cost
from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.parameters import Json, verb
from seesaw_nas.core.errors import SpaceError
from seesaw_nas.core.units import format_count, format_large
from seesaw_nas.search.topics import ACCEPT_SPREAD, BUDGET, LATENCY_PROFILE

if TYPE_CHECKING:
    from seesaw_nas.workflows.spaces import Counted


@verb
def spaces(
    file: Annotated[
        str, typer.Argument(help="Space file to check and count, or a name. Default: all shipped spaces.")
    ] = "",
    budget: Annotated[str, typer.Option(help=f"{BUDGET} Default: each space's own.")] = "",
    latency_profile: Annotated[str, typer.Option(help=LATENCY_PROFILE)] = "",
    accept_spread: Annotated[bool, typer.Option("--accept-spread", help=ACCEPT_SPREAD)] = False,
    write: Annotated[
        str,
        typer.Option(help="Name of a shipped space to write as FILE, to be edited. Default of FILE: NAME.toml here."),
    ] = "",
    json: Json = False,
) -> None:
    """List the search spaces, or check a file of your own."""
    from seesaw_nas.workflows import spaces as workflow

    if write:
        path = workflow.copy(write, file)
        print(dumps({"file": str(path)}) if json else _written(path))
        return
    try:
        rows = workflow.spaces(budget, file, latency_profile=latency_profile, accept_spread=accept_spread)
    except SpaceError as error:
        if len(error.mistakes) == 1:
            raise
        print(*error.mistakes, sep="\n", file=sys.stderr)
        raise SpaceError(f"{file} has {len(error.mistakes)} mistakes, each in a line above; correct them") from None
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
            _fitting(row),
            format_count(row.cheapest_macs),
            format_count(row.costliest_macs),
        )
    out = terminal.console()
    out.print(table)
    out.print(
        f"\nSizes and fitting architectures are exact counts (--json has every digit){_rounded(rows)}.\n"
        f"Budgets, cheapest, costliest: {cost.CONVENTION}, unless another cost is named."
    )
    for row in rows:
        if not row.fitting and row.budget.others:
            out.print(f"{row.name}: {row.why}")
        out.print(f"{row.name}: {row.description}{_choices(row)}")


def _rounded(rows: Sequence[Counted]) -> str:
    several = any(row.fitting_at_most > row.fitting for row in rows)
    return ", but where they go from one number to another: there several costs were rounded up" if several else ""


def _fitting(row: Counted) -> str:
    """How many fit; from how many to how many, where costs had to be rounded up."""
    if not row.fitting:
        return "none" if row.budget.others else f"none: {row.why}"
    few, many = format_large(row.fitting), format_large(row.fitting_at_most)
    return few if few == many else f"{few} to {many}"


def _choices(row: Counted) -> str:
    """What may be chosen besides widths, repeats and blocks; empty if nothing."""
    heads = f"heads of {' or '.join(map(str, row.heads))} channels" if len(row.heads) > 1 else ""
    optional = row.optional_stages
    numbers = f"{'stages' if len(optional) > 1 else 'stage'} {', '.join(map(str, optional))}"
    found = [text for text in (heads, f"{numbers} may be absent" if optional else "") if text]
    return f" ({'; '.join(found)})" if found else ""


def _written(path: Path) -> str:
    check, search = f"`seesaw-nas spaces {path}`", f"`seesaw-nas search --space {path}`"
    return f"wrote {path}; edit it, check it by {check}, search it by {search}"
