"""What ``train`` shows while it works, and at the end."""

from __future__ import annotations

import json
from pathlib import Path

from seesaw_nas import cost, final
from seesaw_nas.cli import terminal
from seesaw_nas.final import TrainSettings
from seesaw_nas.recipes import Recipe
from seesaw_nas.records import Epoch
from seesaw_nas.specfile import Named
from seesaw_nas.units import format_duration


def train(settings: TrainSettings, *, out: Path | None, resume: bool, as_json: bool) -> None:
    """Train one architecture under a progress bar, and print its test accuracy."""
    console = terminal.console(stderr=as_json)
    with terminal.progress(console) as progress:
        steps = progress.add_task("training", total=None)

        def begin(named: Named, recipe: Recipe, images: int) -> None:
            macs, params = cost.macs(named.architecture), cost.params(named.architecture)
            progress.console.print(f"network   {named.name}: {params:,} Params, {macs:,} Multi-Adds")
            progress.console.print(f"recipe    {recipe.name} ({recipe.source}): {recipe.summary}")
            progress.console.print(f"data      {images:,} images to train on")

        def epoch(entry: Epoch) -> None:
            top1 = "" if entry.top1 is None else f"  validation top-1 {entry.top1:.2%}"
            progress.console.print(
                f"epoch {entry.epoch:>4}  loss {entry.train_loss:.4f}{top1}  {format_duration(entry.seconds)}",
                highlight=False,
            )

        def step(done: int, total: int) -> None:
            progress.update(steps, completed=done, total=total)

        result = final.train(settings, out, resume=resume, on_begin=begin, on_epoch=epoch, on_step=step)
    if as_json:
        print(
            json.dumps(
                {
                    "folder": str(result.folder.path),
                    "weights": str(result.weights),
                    "top1": result.top1,
                    "split": "test",
                    "validation_top1": result.validation_top1,
                    "epochs": len(result.curve),
                    "seconds": result.seconds,
                },
                indent=2,
            )
        )
        return
    console.print(f"test top-1 {result.top1:.2%} (read once), validation top-1 {result.validation_top1:.2%}")
    console.print(f"weights {result.weights}")
