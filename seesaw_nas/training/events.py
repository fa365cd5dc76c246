"""TensorBoard event files with the figures of each epoch of a training."""

from __future__ import annotations

import time
from pathlib import Path

from tensorboardX import SummaryWriter

from seesaw_nas.training.epoch import Epoch
from seesaw_nas.training.recipes import Recipe


class Events:
    """Writes event files into a folder; a resumed training adds a file there.

    Scalars, by epoch: ``loss/train``, ``loss/validation``, ``top1/validation``, ``rate`` (of the last step) and
    ``images_per_second`` (of training steps, without evaluation).

    Args:
        images: number of training images per epoch.
    """

    def __init__(self, folder: Path, recipe: Recipe, images: int) -> None:
        number = len(list(folder.glob("*"))) + 1  # without it, files of the same second overwrite each other
        self.writer = SummaryWriter(str(folder), filename_suffix=f".{number}")
        self.recipe, self.images = recipe, images
        self.seen: list[tuple[int, float]] = []  # (steps done, time) of the epoch's first and last step so far
        self.steps_per_epoch = 1

    def step(self, done: int, total: int) -> None:
        """Record the time of a step; a :data:`seesaw_nas.training.step.OnStep`."""
        self.steps_per_epoch = total // self.recipe.epochs
        entry = ((done - 1) % self.steps_per_epoch + 1, time.perf_counter())
        same_epoch = self.seen and self.seen[-1][0] < entry[0]
        self.seen = [self.seen[0], entry] if same_epoch else [entry]

    def epoch(self, entry: Epoch) -> None:
        """Write the figures of a finished epoch to disk."""
        figures = {"loss/train": entry.train_loss, "loss/validation": entry.loss, "top1/validation": entry.top1}
        last = entry.epoch * self.steps_per_epoch - 1
        figures["rate"] = self.recipe.learning_rate_at(last, self.steps_per_epoch)
        figures["images_per_second"] = self._speed()
        for name, value in figures.items():
            if value is not None:
                self.writer.add_scalar(name, value, entry.epoch)
        self.writer.flush()

    def _speed(self) -> float | None:
        """Images per second between the epoch's first and last recorded step; ``None`` for fewer than two steps."""
        if len(self.seen) < 2:
            return None
        (first, begun), (last, ended) = self.seen
        return (last - first) * self.images / self.steps_per_epoch / (ended - begun)

    def close(self) -> None:
        """Close the file."""
        self.writer.close()
