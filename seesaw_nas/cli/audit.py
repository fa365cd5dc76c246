"""The verb ``audit``."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import Annotated

import typer

from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.declared import DataDir, Device
from seesaw_nas.cli.parts.parameters import Json, Storage, verb
from seesaw_nas.workflows.audit import BAND, BOOTSTRAP


@verb
def audit(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="Folders of searches, and tables of `tabulate`, all trained alike."),
    ],
    evaluators: Annotated[
        str,
        typer.Option(
            help="Names, separated by commas, such as macs,synflow,epoch. Default: all that need no further file."
        ),
    ] = "",
    supernet: Annotated[
        str, typer.Option(help="Folder that `seesaw-nas supernet` wrote, for inherited and tuned.")
    ] = "",
    band: Annotated[str, typer.Option(help="Difference of the Multi-Adds within a band, at most.")] = f"{BAND:.0%}",
    bootstrap: Annotated[int, typer.Option(help="Resamples behind each interval.", min=1, max=1_000_000)] = BOOTSTRAP,
    seed: Annotated[int, typer.Option(help="Seed for the scores and the resamples.", min=0)] = 0,
    device: Device = "auto",
    data_dir: DataDir = "",
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for audit.json and audit.html. Default: audit, in a single run's folder."),
    ] = None,
    storage: Storage = "",
    json: Json = False,
) -> None:
    """Measure how well each evaluator ranks, against trainings.

    Called again after an interruption, it goes on where it was.
    """
    from seesaw_nas.cli.parts import auditing

    console = terminal.console(stderr=json)
    with terminal.progress(console) as progress:
        task = progress.add_task("reading", total=None)

        def scored(name: str, done: int, total: int) -> None:
            progress.update(task, description=name, completed=done, total=total)

        found = auditing.audit(
            runs,
            evaluators=[name.strip() for name in evaluators.split(",")] if evaluators else [],
            supernet=supernet,
            band=auditing.parse_band(band),
            bootstrap=bootstrap,
            seed=seed,
            device=device,
            data_dir=data_dir,
            out=out or "",
            storage=storage,
            on_score=scored,
        )
    if json:
        print(dumps(found.to_dict(), indent=2))
        return
    auditing.print_audit(console, found)
    for path in auditing.files(runs, out):
        console.print(f"written   {path}")
