"""What ``train`` shows while it works, and at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.torchrun import leads
from seesaw_nas.core.units import format_duration
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.training.recipes import EXECUTIONS, Recipe
from seesaw_nas.workflows import train as workflow
from seesaw_nas.workflows.train import TrainResult, TrainSettings

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

Executed = Annotated[
    str,
    typer.Option(help="How steps are executed. " + " ".join(f"{name}: {what}." for name, what in EXECUTIONS.items())),
]


def train(
    settings: TrainSettings,
    *,
    out: Path | None,
    resume: bool,
    checkpoint_minutes: float,
    tensorboard: bool,
    as_json: bool,
) -> None:
    """Train one architecture under a progress bar, and print its test accuracy."""
    from seesaw_nas.cli import terminal

    console = terminal.console(stderr=as_json)
    console.quiet = not leads()
    with terminal.progress(console) as progress:
        shown = TrainingDisplay(progress, progress.add_task("training", total=None), settings.fitted_recipe)
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
    if as_json:
        print(json.dumps(_as_json(result), indent=2))
        return
    console.print(f"test top-1 {result.top1:.2%} (read once), validation top-1 {result.validation_top1:.2%}")
    console.print(f"weights {result.weights}")


class TrainingDisplay:
    """A training's progress on a terminal, and its lines."""

    def __init__(self, progress: Progress, task: TaskID, recipe: Recipe) -> None:
        self.progress, self.task, self.recipe = progress, task, recipe
        self.seconds: list[float] = []  # of the epochs that were seen

    def line(self, text: str) -> None:
        self.progress.console.print(text, highlight=False)

    def begin(self, named: Named, recipe: Recipe, images: int) -> None:
        macs, params = cost.macs(named.architecture), cost.params(named.architecture)
        self.line(f"network   {named.name}: {params:,} Params, {macs:,} Multi-Adds")
        self.line(f"recipe    {recipe.name} ({recipe.source}): {recipe.summary}")
        self.line(f"data      {images:,} images to train on")

    def estimate(self, seconds: float) -> None:
        self.line(f"estimate  {format_duration(seconds)} in all, by a few steps; after each epoch by the epochs")

    def note(self, text: str) -> None:
        self.line(f"note      {text}")

    def epoch(self, entry: Epoch) -> None:
        self.seconds.append(entry.seconds)
        left = (self.recipe.epochs - entry.epoch) * sum(self.seconds) / len(self.seconds)
        top1 = "" if entry.top1 is None else f"  validation top-1 {entry.top1:.2%}"
        still = f", {format_duration(left)} left" if entry.epoch < self.recipe.epochs else ""
        self.line(f"epoch {entry.epoch:>4}  loss {entry.train_loss:.4f}{top1}  {format_duration(entry.seconds)}{still}")

    def step(self, done: int, total: int) -> None:
        self.progress.update(self.task, completed=done, total=total)


def _as_json(result: TrainResult) -> dict[str, Any]:
    return {
        "folder": str(result.folder.path),
        "weights": str(result.weights),
        "top1": result.top1,
        "split": "test",
        "validation_top1": result.validation_top1,
        "epochs": len(result.curve),
        "seconds": result.seconds,
    }
