"""The verb ``train``."""

from __future__ import annotations

from dataclasses import asdict
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seesaw_nas.architecture import specfile
from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.command import typed_with
from seesaw_nas.cli.parts.declared import take_settings
from seesaw_nas.cli.parts.epochs import DRY, TrainingDisplay
from seesaw_nas.cli.parts.failures import remember
from seesaw_nas.cli.parts.parameters import DryRun, Json, Resume, verb
from seesaw_nas.cli.parts.threads import begun_in, settle_threads
from seesaw_nas.core.torchrun import leads
from seesaw_nas.training.options import CHECKPOINT_MINUTES, TrainSettings

if TYPE_CHECKING:
    from seesaw_nas.workflows.train import TrainResult


@verb
@take_settings(TrainSettings)
def train(
    settings: TrainSettings,
    *,
    out: Annotated[
        Path | None, typer.Option(help="Folder for weights and record. Default: runs/NAME-RECIPE-SEED.")
    ] = None,
    resume: Resume = False,
    checkpoint_minutes: Annotated[
        float, typer.Option(help="Minutes that a crash may cost; after each epoch there is a checkpoint anyway.")
    ] = CHECKPOINT_MINUTES,
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Write event files to the folder.")] = False,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Train one architecture, then read the test accuracy, once."""
    with terminal.loading():
        from seesaw_nas.workflows import train as workflow
        from seesaw_nas.workflows.preview import preview_training

    begun = begun_in(out or workflow.folder_of(settings, specfile.resolve(settings.spec))) if resume else None
    settle_threads(settings.training.device, settings.training.threads, begun)
    console = terminal.console(stderr=json)
    console.quiet = not leads()
    with terminal.progress(console) as progress:
        shown = TrainingDisplay(progress, progress.add_task("training", total=None), settings.training.fitted_recipe)
        shown.doing("reading images")
        if dry_run:
            seconds = preview_training(
                settings, out, resume=resume, on_begin=shown.begin, on_estimate=shown.estimate, on_note=shown.note
            )
            shown.line(DRY)
            if json:
                print(dumps({"seconds": seconds, "epochs": settings.training.fitted_recipe.epochs}, indent=2))
            return
        remember(typed_with({"resume": ""}))
        result = workflow.train(
            settings,
            out,
            resume=resume,
            checkpoint_minutes=checkpoint_minutes,
            tensorboard=tensorboard,
            on_begin=shown.begin,
            on_estimate=shown.estimate,
            on_epoch=shown.epoch,
            on_step=shown.step,
            on_note=shown.note,
        )
    if console.quiet:
        return
    if json:
        print(dumps(_as_json(result), indent=2))
        return
    console.print(f"test top-1 {result.top1:.2%} (read once), validation top-1 {result.validation_top1:.2%}")
    console.print(f"weights {result.weights}")


def _as_json(result: TrainResult) -> dict[str, Any]:
    return {
        "folder": str(result.folder.path),
        "weights": str(result.weights),
        "top1": result.top1,
        "split": "test",
        "validation_top1": result.validation_top1,
        "epochs": len(result.curve),
        "seconds": result.seconds,
        "passed_over": asdict(result.passed_over),
    }
