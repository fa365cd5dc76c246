"""TensorBoard event files: with the figures of each epoch of a training, and with those of a search's trials."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
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
        self.writer = _writer(folder)
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
        figures = _figures(entry)
        last = entry.epoch * self.steps_per_epoch - 1
        figures["rate"] = self.recipe.learning_rate_at(last, self.steps_per_epoch)
        figures["images_per_second"] = self._speed()
        _write(self.writer, figures, entry.epoch)

    def _speed(self) -> float | None:
        """Images per second between the epoch's first and last recorded step; ``None`` for fewer than two steps."""
        if len(self.seen) < 2:
            return None
        (first, begun), (last, ended) = self.seen
        return (last - first) * self.images / self.steps_per_epoch / (ended - begun)

    def close(self) -> None:
        """Close the file."""
        self.writer.close()


class TrialEvents:
    """Writes event files of a search: its course in ``search``, and a folder for each trial, which has its epochs.

    Scalars by trial: ``search/top1`` of the trial, ``search/best`` of all so far, ``search/macs`` and
    ``search/seconds``. Scalars of a trial, by epoch: as of :class:`Events`, without rate and speed.
    """

    def __init__(self, folder: Path, best: float | None = None) -> None:
        """Begin; ``best`` is the highest top-1 of an earlier part of the search."""
        self.folder, self.best = folder, best
        self.writer = _writer(folder / "search")

    def epochs(self, number: int, curve: Sequence[Epoch]) -> None:
        """Write the epochs of one trial."""
        writer = _writer(self.folder / f"trial-{number:04d}")
        for entry in curve:
            _write(writer, _figures(entry), entry.epoch)
        writer.close()

    def trial(self, number: int, top1: float | None, macs: int | None, seconds: float) -> None:
        """Write the figures of a trial that has ended; ``top1`` is ``None`` for one that has none."""
        if top1 is not None:
            self.best = top1 if self.best is None else max(self.best, top1)
        figures = {"search/top1": top1, "search/best": self.best, "search/macs": macs, "search/seconds": seconds}
        _write(self.writer, figures, number)

    def close(self) -> None:
        """Close the files."""
        self.writer.close()


def _writer(folder: Path) -> SummaryWriter:
    number = len(list(folder.glob("*"))) + 1  # without it, files of the same second overwrite each other
    return SummaryWriter(str(folder), filename_suffix=f".{number}")


def _figures(entry: Epoch) -> dict[str, float | None]:
    return {"loss/train": entry.train_loss, "loss/validation": entry.loss, "top1/validation": entry.top1}


def _write(writer: SummaryWriter, figures: Mapping[str, float | None], step: int) -> None:
    """Write what there is of these figures to disk."""
    for name, value in figures.items():
        if value is not None:
            writer.add_scalar(name, value, step)
    writer.flush()
