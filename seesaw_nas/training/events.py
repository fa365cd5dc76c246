"""A training's figures as TensorBoard event files, an entry an epoch."""

from __future__ import annotations

import time
from pathlib import Path

from tensorboardX import SummaryWriter

from seesaw_nas.training.epoch import Epoch
from seesaw_nas.training.recipes import Recipe


class Events:
    """Writes into a folder; a training that goes on adds a file there.

    Scalars, by epoch: ``loss/train``, ``loss/validation``, ``top1/validation``, ``rate`` (of the last step) and
    ``images_per_second`` (of the steps, evaluation left out).

    Args:
        images: that an epoch trains on.
    """

    def __init__(self, folder: Path, recipe: Recipe, images: int) -> None:
        number = len(list(folder.glob("*"))) + 1  # names differ otherwise in the second alone, and would overwrite
        self.writer = SummaryWriter(str(folder), filename_suffix=f".{number}")
        self.recipe, self.images = recipe, images
        self.seen: list[tuple[int, float]] = []  # steps of the epoch that are done, and when: the first and the last
        self.steps_per_epoch = 1

    def step(self, done: int, total: int) -> None:
        """After a step, as :data:`seesaw_nas.training.step.OnStep`."""
        self.steps_per_epoch = total // self.recipe.epochs
        entry = ((done - 1) % self.steps_per_epoch + 1, time.perf_counter())
        same_epoch = self.seen and self.seen[-1][0] < entry[0]
        self.seen = [self.seen[0], entry] if same_epoch else [entry]

    def epoch(self, entry: Epoch) -> None:
        """After an epoch; its figures are on the disk then."""
        figures = {"loss/train": entry.train_loss, "loss/validation": entry.loss, "top1/validation": entry.top1}
        last = entry.epoch * self.steps_per_epoch - 1
        figures["rate"] = self.recipe.learning_rate_at(last, self.steps_per_epoch)
        figures["images_per_second"] = self._speed()
        for name, value in figures.items():
            if value is not None:
                self.writer.add_scalar(name, value, entry.epoch)
        self.writer.flush()

    def _speed(self) -> float | None:
        """Between the first and the last step that were seen of the epoch; ``None`` of one step or none."""
        if len(self.seen) < 2:
            return None
        (first, begun), (last, ended) = self.seen
        return (last - first) * self.images / self.steps_per_epoch / (ended - begun)

    def close(self) -> None:
        """Nothing more is written."""
        self.writer.close()
