"""The verb ``supernet``."""

from __future__ import annotations

from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.command import typed_with
from seesaw_nas.cli.parts.declared import Change, take_settings
from seesaw_nas.cli.parts.epochs import DRY, SupernetView
from seesaw_nas.cli.parts.failures import remember
from seesaw_nas.cli.parts.images import images_as_json
from seesaw_nas.cli.parts.parameters import DryRun, Json, Resume, verb
from seesaw_nas.cli.parts.threads import begun_in, settle_threads
from seesaw_nas.core.units import format_duration
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.training.recipes import SAMPLINGS

if TYPE_CHECKING:
    from seesaw_nas.workflows.problem import Problem


@verb
@take_settings(
    SearchSettings,
    "training",
    "searched",
    "supernet_epochs",
    "sampling",
    without=("epochs",),
    space=Change(argument=True),
    supernet_epochs=Change(name="epochs", help="Epochs; 0 for three times the recipe's own."),
    sampling=Change(help=f"Sampling of the architectures in each step: {', '.join(SAMPLINGS)}."),
)
def supernet(
    settings: SearchSettings,
    *,
    out: Annotated[
        Path | None, typer.Option(help="Folder for weights and record. Default: runs/supernet-SPACE-RECIPE-SEED.")
    ] = None,
    resume: Resume = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Train one set of weights for a whole space, for search."""
    with terminal.loading():
        from seesaw_nas.workflows import supernets
        from seesaw_nas.workflows.preview import preview_supernet

    folder = out or supernets.folder_of(settings.training, settings.searched.space)
    begun = begun_in(folder) if resume else None
    settle_threads(settings.training.device, settings.training.threads, begun)

    console = terminal.console(stderr=json)
    problems: list[Problem] = []
    with terminal.progress(console) as progress:
        view = SupernetView(progress, supernets.fitted_recipe(settings))
        if dry_run:
            problem, seconds = preview_supernet(
                settings, on_begin=view.begin, on_estimate=view.shown.estimate, listener=view
            )
            view.shown.line(DRY)
            if json:
                print(dumps({"seconds": seconds, "data": images_as_json(problem)}, indent=2))
            return
        remember(typed_with({"resume": ""}))
        path, trained = supernets.supernet(
            settings,
            out,
            resume=resume,
            listener=view,
            on_begin=view.begin,
            on_estimate=view.shown.estimate,
            on_problem=problems.append,
        )
    found = {"folder": str(path), "epochs": len(trained.curve), "steps": trained.steps}
    if json:
        took = {"seconds": trained.seconds, "core_seconds": trained.core_seconds}
        loss = {"train_loss": trained.curve[-1].train_loss}
        print(dumps(found | took | loss | {"data": images_as_json(*problems)}, indent=2))
        return
    spent = f"{format_duration(trained.seconds)}, {format_duration(trained.core_seconds)} of CPU cores"
    console.print(f"trained   {trained.steps:,} steps in {spent}", highlight=False)
    console.print(f"supernet  {path}", highlight=False, soft_wrap=True)
