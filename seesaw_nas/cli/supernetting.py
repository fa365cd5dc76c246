"""What ``supernet`` shows while it works, and at the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from seesaw_nas.cli import terminal
from seesaw_nas.cli.training import TrainingDisplay
from seesaw_nas.core.errors import RunError
from seesaw_nas.core.units import format_duration, format_large
from seesaw_nas.search import SearchSettings
from seesaw_nas.search.listener import Listener
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.workflows import supernets
from seesaw_nas.workflows.problem import Problem, pose

if TYPE_CHECKING:
    from rich.progress import Progress


def supernet(settings: SearchSettings, *, out: Path | None, resume: bool, as_json: bool) -> None:
    """Train a supernet under a progress bar, and say where its weights are and what they took."""
    console, problem = terminal.console(stderr=as_json), pose(settings)
    path = out or Path("runs") / f"supernet-{problem.space.name}-{settings.recipe}-{settings.seed}"
    if path.exists() and not resume:
        raise RunError(f"{path} exists already; choose another --out, or go on with it by --resume")
    with terminal.progress(console) as progress:
        view = SupernetView(progress, supernets.fitted_recipe(settings))
        trained = supernets.train_in(
            path, settings, problem, listener=view, on_begin=view.begin, on_estimate=view.shown.estimate
        )
    found = {"folder": str(path), "epochs": len(trained.curve), "steps": trained.steps}
    if as_json:
        took = {"seconds": trained.seconds, "core_seconds": trained.core_seconds}
        print(json.dumps(found | took | {"train_loss": trained.curve[-1].train_loss}, indent=2))
        return
    spent = f"{format_duration(trained.seconds)}, {format_duration(trained.core_seconds)} of CPU cores"
    console.print(f"trained   {trained.steps:,} steps in {spent}", highlight=False)
    console.print(f"supernet  {path}", highlight=False, soft_wrap=True)


class SupernetView(Listener):
    """One bar over all steps, and a line an epoch."""

    def __init__(self, progress: Progress, recipe: Recipe) -> None:
        self.shown = TrainingDisplay(progress, progress.add_task("training", total=None), recipe)

    def begin(self, problem: Problem, recipe: Recipe, images: int) -> None:
        """Say what is trained, how and on what."""
        budget, fitting = problem.budget, format_large(problem.feasible.count)
        self.shown.line(f"space     {problem.space.name}: {fitting} architectures of {budget}")
        self.shown.line(f"recipe    {recipe.name} ({recipe.source}): {recipe.summary}")
        self.shown.line(f"data      {images:,} images to train on")

    def epoch(self, epoch: Epoch) -> None:
        """A line."""
        self.shown.epoch(epoch)

    def step(self, done: int, total: int) -> None:
        """The bar."""
        self.shown.step(done, total)
