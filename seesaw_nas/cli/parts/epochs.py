"""What ``train`` and ``supernet`` show while they work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.cli.parts.command import print_cheaper
from seesaw_nas.core import threads
from seesaw_nas.core.units import format_duration, format_large
from seesaw_nas.search.listener import Listener
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.shortening import LONG_SECONDS, of_training

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from seesaw_nas.workflows.problem import Problem


DRY = "dry run   nothing was trained, and nothing written"


class TrainingDisplay:
    """A training's progress on a terminal, and its lines."""

    def __init__(self, progress: Progress, task: TaskID, recipe: Recipe) -> None:
        self.progress, self.task, self.recipe = progress, task, recipe
        self.seconds: list[float] = []  # of the epochs that were seen
        self.images = 0  # to train on
        self.on_cpu = False

    def line(self, text: str) -> None:
        self.progress.console.print(text, highlight=False)

    def begin(self, named: Named, recipe: Recipe, images: int) -> None:
        macs, params = cost.macs(named.architecture), cost.params(named.architecture)
        self.line(f"network   {named.name}: {params:,} Params, {macs:,} Multi-Adds")
        self.line(f"recipe    {recipe.name} ({recipe.source}): {recipe.summary}")
        self.line(f"data      {images:,} images to train on")
        self.images = images
        self.tell_threads()
        self.doing("timing a step")

    def tell_threads(self) -> None:
        """Say with how many CPU threads, and why, where that was settled."""
        if (chosen := threads.current()).why:
            self.line(f"threads   {chosen}")

    def doing(self, what: str) -> None:
        """Show what is done before the first step."""
        self.progress.update(self.task, description=what, refresh=True)

    def estimate(self, seconds: float) -> None:
        self.line(f"estimate  {format_duration(seconds)} in all, by a few steps; after each epoch by the epochs")
        if seconds > LONG_SECONDS:
            found = list(of_training(self.images, 0, self.recipe, seconds))
            print_cheaper(self.progress.console, found, on_cpu=self.on_cpu)

    def note(self, text: str) -> None:
        self.line(f"note      {text}")

    def epoch(self, entry: Epoch) -> None:
        self.seconds.append(entry.seconds)
        left = (self.recipe.epochs - entry.epoch) * sum(self.seconds) / len(self.seconds)
        top1 = "" if entry.top1 is None else f"  validation top-1 {entry.top1:.2%}"
        still = f", {format_duration(left)} left" if entry.epoch < self.recipe.epochs else ""
        self.line(f"epoch {entry.epoch:>4}  loss {entry.train_loss:.4f}{top1}  {format_duration(entry.seconds)}{still}")

    def step(self, done: int, total: int) -> None:
        self.progress.update(self.task, completed=done, total=total, description="training")


class SupernetView(Listener):
    """One bar over all steps, and a line an epoch."""

    def __init__(self, progress: Progress, recipe: Recipe) -> None:
        self.shown = TrainingDisplay(progress, progress.add_task("training", total=None), recipe)

    def doing(self, what: str) -> None:
        """Show it in place of the training, which has not begun."""
        self.shown.doing(what)

    def remark(self, text: str) -> None:
        """A line."""
        self.shown.note(text)

    def begin(self, problem: Problem, recipe: Recipe, images: int) -> None:
        """Say what is trained, how and on what."""
        budget, fitting = problem.budget, format_large(problem.feasible.count)
        self.shown.line(f"space     {problem.space.name}: {fitting} architectures of {budget}")
        if problem.budget_origin:
            self.shown.line(f"          {problem.budget_origin}")
        if problem.budget_warning:
            self.shown.note(problem.budget_warning)
        self.shown.line(f"recipe    {recipe.name} ({recipe.source}): {recipe.summary}")
        self.shown.images, self.shown.on_cpu = images, problem.device.type == "cpu"
        unread = problem.passed_over
        self.shown.line(f"data      {images:,} images to train on" + (f"; {unread.sentence}" if unread.count else ""))
        self.shown.tell_threads()

    def epoch(self, epoch: Epoch) -> None:
        """A line."""
        self.shown.epoch(epoch)

    def step(self, done: int, total: int) -> None:
        """The bar."""
        self.shown.step(done, total)
