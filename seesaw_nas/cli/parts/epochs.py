"""What ``train`` and ``supernet`` show while they work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.units import format_duration, format_large
from seesaw_nas.search.listener import Listener
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.training.recipes import Recipe

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from seesaw_nas.workflows.problem import Problem


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


class SupernetView(Listener):
    """One bar over all steps, and a line an epoch."""

    def __init__(self, progress: Progress, recipe: Recipe) -> None:
        self.shown = TrainingDisplay(progress, progress.add_task("training", total=None), recipe)

    def begin(self, problem: Problem, recipe: Recipe, images: int) -> None:
        """Say what is trained, how and on what."""
        budget, fitting = problem.budget, format_large(problem.feasible.count)
        self.shown.line(f"space     {problem.space.name}: {fitting} architectures of {budget}")
        self.shown.line(f"recipe    {recipe.name} ({recipe.source}): {recipe.summary}")
        unread = problem.passed_over
        self.shown.line(f"data      {images:,} images to train on" + (f"; {unread.sentence}" if unread.count else ""))

    def epoch(self, epoch: Epoch) -> None:
        """A line."""
        self.shown.epoch(epoch)

    def step(self, done: int, total: int) -> None:
        """The bar."""
        self.shown.step(done, total)
