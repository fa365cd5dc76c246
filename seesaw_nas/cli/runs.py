"""The verb ``runs``."""

from __future__ import annotations

from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import Annotated, Any

import typer

from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.parameters import Json, verb
from seesaw_nas.core.units import format_duration, format_top1
from seesaw_nas.workflows import runs as workflow
from seesaw_nas.workflows.runs import Listed, RunList

LEFT = ("run", "state", "data set", "space")


@verb
def runs(
    folder: Annotated[Path, typer.Argument(help="Folder with runs.")] = Path("runs"),
    json: Json = False,
) -> None:
    """List the runs in a folder, the latest first."""
    listing = workflow.runs(folder)
    if json:
        print(dumps(_as_json(listing), indent=2))
        return
    out = terminal.console()
    if listing.runs:
        table = terminal.plain_table()
        for heading in ("run", "state", "trials", "best", "budget", "data set", "space", "age"):
            table.add_column(heading, justify="left" if heading in LEFT else "right", no_wrap=True)
        for run in listing.runs:
            table.add_row(*_row(run))
        out.print(table)
    else:
        out.print(f"no runs in {folder}")
    for run in listing.runs:
        if run.note:
            out.print(f"{run.name}: {run.note}")
    for name, reason in listing.damaged.items():
        out.print(f"{name} cannot be listed: {reason}")
    if listing.foreign:
        out.print(f"no runs: {', '.join(listing.foreign)}")


def _row(run: Listed) -> tuple[str, ...]:
    trials = "-" if run.counts is None else f"{run.begun:,} of {max(run.trials, run.begun):,}"
    return (
        run.name,
        run.state,
        trials if run.kind == workflow.SEARCH else run.kind,
        _best(run),
        run.budget or "-",
        Path(run.dataset).name,
        run.space,
        format_duration(run.age),
    )


def _best(run: Listed) -> str:
    if run.best is None:
        return "-"
    return format_top1(run.best) if run.is_accuracy else f"{run.best:.6g}"


def _as_json(listing: RunList) -> dict[str, Any]:
    rows = [asdict(run) | {"path": str(run.path), "age_seconds": round(run.age, 1)} for run in listing.runs]
    return {
        "folder": str(listing.folder),
        "runs": rows,
        "damaged": dict(listing.damaged),
        "foreign": list(listing.foreign),
    }
