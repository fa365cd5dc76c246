"""The verb ``tabulate``."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.declared import Change, take_settings
from seesaw_nas.cli.parts.parameters import Json, verb
from seesaw_nas.cli.parts.tabulating import TabulateView
from seesaw_nas.search.settings import SearchSettings


@verb
@take_settings(
    SearchSettings,
    "training",
    "searched",
    "trials",
    "validation_size",
    space=Change(argument=True),
    trials=Change(name="n", default=300),
    seed=Change(help="Seed for the draws; those of the trainings count up from it."),
)
def tabulate(
    settings: SearchSettings,
    *,
    out: Annotated[Path, typer.Option(help="The Parquet file to make.")],
    seeds: Annotated[int, typer.Option(help="Trainings of each architecture.", min=1, max=1000)] = 3,
    json: Json = False,
) -> None:
    """Record trainings in a table, to compare strategies on.

    The architectures are drawn evenly in Multi-Adds. Called again after an interruption, it goes on where it was.
    """
    from seesaw_nas.workflows.tabulate import tabulate as train_all

    console = terminal.console(stderr=json)
    with terminal.progress(console) as progress:
        view = TabulateView(progress, settings.proposals.trials * seeds)
        table = train_all(settings, out, seeds=seeds, listener=view)
    trainings = sum(len(entry.curves) for entry in table.entries)
    found = {"table": str(out), "architectures": len(table.entries), "trainings": trainings, "epochs": table.epochs}
    if json:
        print(dumps(found | {"failed": table.about["failed"]}, indent=2))
        return
    failed = f"; {table.about['failed']} failed" if table.about["failed"] else ""
    console.print(f"{len(table.entries)} architectures, {trainings} trainings of {table.epochs} epochs{failed}: {out}")
