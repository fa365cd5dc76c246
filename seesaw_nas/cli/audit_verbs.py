"""The verb that audits evaluators, and its options. Nothing heavy is imported before it needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from seesaw_nas.cli.options import DataDir, Device, Json, app
from seesaw_nas.cli.searching_verbs import SEARCH
from seesaw_nas.workflows.audit import BAND, BOOTSTRAP


@app.command()
def audit(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Folders of searches, and tables by tabulate, trained alike.")
    ],
    evaluators: Annotated[
        str, typer.Option(help="Names with commas, such as macs,synflow,epoch. Default: all that need nothing further.")
    ] = "",
    supernet: Annotated[str, typer.Option(help="Folder of a trained one, for inherited and tuned.")] = "",
    band: Annotated[str, typer.Option(help="How much the Multi-Adds within a band differ.")] = f"{BAND:.0%}",
    bootstrap: Annotated[int, typer.Option(help="Resamples behind each interval.")] = BOOTSTRAP,
    seed: Annotated[int, typer.Option(help="Of the scores and the resamples.")] = SEARCH.seed,
    device: Device = SEARCH.device,
    data_dir: DataDir = SEARCH.data_dir,
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for audit.json and audit.html. Default: audit, in a single run's folder."),
    ] = None,
    json: Json = False,
) -> None:
    """Tell how well each evaluator ranks, against trainings.

    Called again after an interruption, it goes on where it was.
    """
    from seesaw_nas.cli import auditing

    auditing.audit(
        runs,
        evaluators=evaluators,
        supernet=supernet,
        band=band,
        bootstrap=bootstrap,
        seed=seed,
        device=device,
        data_dir=data_dir,
        out=out,
        as_json=json,
    )
