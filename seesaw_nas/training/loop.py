"""Training a network and scoring it: the same from run to run for one seed, on every device that torch has.

The process-wide generators are left as they were. On the CPU, with one number of threads, a seed gives the same bits;
CUDA does not promise that.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from signal import Signals
from typing import Any

import torch
from torch import nn

from seesaw_nas.core.allocator import keep_freed_memory
from seesaw_nas.core.device import find_device, use_device
from seesaw_nas.core.errors import Interrupted, RunError, TrainingFailed
from seesaw_nas.core.signals import Stop
from seesaw_nas.data import SearchData, Split
from seesaw_nas.training import accuracy, checkpoints
from seesaw_nas.training.batches import steps_per_epoch
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.training.execution import AUTOMATIC, Execution, explain_compiler_failures
from seesaw_nas.training.memory import explain_training_memory
from seesaw_nas.training.parallel import ALONE, Ranks
from seesaw_nas.training.preparation import Preparation, prepare
from seesaw_nas.training.recalibration import recalibrate
from seesaw_nas.training.recipes import Recipe, complete_recipe
from seesaw_nas.training.step import OnStep, Trainer

OnEpoch = Callable[[Epoch], None]
OnNote = Callable[[str], None]
CHECKPOINT_SECONDS = 600.0  # within an epoch
STEPS = "steps an epoch"  # of a checkpoint's identity; without, they were as few as the batch size allowed


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What a training left.

    Attributes:
        curve: an entry an epoch.
        loss, top1: cross-entropy and accuracy (a fraction) on the validation images after the last epoch.
        seconds: training and evaluation, summed over interruptions.
        images_per_second: of the training steps alone.
        conditions: how its steps were executed, see :attr:`seesaw_nas.training.preparation.Preparation.conditions`.
        note: what else is to be known, in a line; empty for nothing.
    """

    curve: tuple[Epoch, ...]
    loss: float
    top1: float
    seconds: float
    images_per_second: float
    conditions: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


def train(
    model: nn.Module,
    data: SearchData,
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    epochs: int | None = None,
    on_epoch: OnEpoch | None = None,
    on_step: OnStep | None = None,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    evaluate_each_epoch: bool = True,
    stop: Stop | None = None,
    until: int | None = None,
    ranks: Ranks = ALONE,
    execution: Execution = AUTOMATIC,
    on_note: OnNote | None = None,
) -> TrainingResult:
    """Train ``model`` in place on ``data.train`` and score it on ``data.validation``; it is left on ``device``.

    The recipe's dropout is not applied here: it belongs to the model, see :func:`seesaw_nas.network.models.build`.

    Args:
        seed: 0 or more; of the order of images, augmentation and dropout, not of the initial weights.
        epochs: in place of the recipe's, as by :meth:`Recipe.with_epochs`.
        on_epoch: called after each epoch, when its checkpoint is on disk.
        checkpoint: a file replaced after each epoch; a training that finds its own there continues from it, on the CPU
            to the same bits as without an interruption. :func:`seesaw_nas.training.checkpoints.discard` deletes it.
        checkpoint_seconds: after which the file is replaced within an epoch, too.
        evaluate_each_epoch: without, only the last epoch is evaluated.
        stop: asked after every step; a signal that it names ends the training when the checkpoint is on disk.
        until: the epoch, from 1, after which to pause; the schedule stays that of all of the epochs.
        ranks: this process among several that train one network, each of which calls this with the same arguments but
            for ``device``; process 0 alone evaluates, writes the checkpoint, and calls ``on_epoch`` and ``on_step``.
        execution: of the steps: eager, as CUDA graphs or by torch.compile; the checkpoint is the same.
        on_note: told what :attr:`TrainingResult.note` will say, before the first step.

    Raises:
        TrainingFailed: the loss is not finite at the end of an epoch, memory ran out, torch.compile failed, or CUDA
            graphs that were asked for do not do what eager steps do.
        OptionError: no such device, a negative seed, batches too small to share, or steps that cannot be executed so.
        RunError: the checkpoint is of another training, or cannot be read or written, or not all processes see it.
        Interrupted: ``stop`` named a signal.
    """
    recipe = recipe if epochs is None else recipe.with_epochs(epochs)
    if len(data.train) < 2:
        raise TrainingFailed(f"cannot train on {len(data.train)} image: batch norm wants at least 2")
    device = find_device(device)
    if device.type == "cpu":
        keep_freed_memory()
    last = recipe.epochs if until is None else min(until, recipe.epochs)
    with use_device(device), explain_training_memory(recipe, device), explain_compiler_failures():
        prepared = prepare(model, data, recipe, seed, device, ranks, execution, epochs=last)
        trainer = prepared.trainer
        if prepared.note and on_note:
            on_note(prepared.note)
        with trainer.release_on_failure():
            store = _store(checkpoint, trainer)
            watch = Watch(store, ranks, checkpoint_seconds, on_step, stop, time.perf_counter())
            progress = _resumed(store, ranks)
            trainer.restart()
            for number in range(len(progress.curve) + 1, last + 1):
                scored = evaluate_each_epoch or number == last
                progress = _epoch(trainer, progress, number, scored, watch)
                watch.keep(progress)
                if on_epoch and ranks.leads:
                    on_epoch(progress.curve[-1])
                watch.obey(progress, recipe)
        if last == recipe.epochs:
            trainer.finish()
        else:
            trainer.release()
    return _trained(progress, len(data.train), prepared)


def evaluate(
    model: nn.Module,
    images: Split,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    device: torch.device | str = "cpu",
    batch_size: int = 256,
) -> tuple[float, float]:
    """Mean cross-entropy and top-1 accuracy (a fraction), see :func:`seesaw_nas.training.accuracy.measure`."""
    measured = accuracy.measure(model, images, mean, std, device=device, batch_size=batch_size)
    return measured.loss, measured.top1


@dataclass(slots=True)
class Watch:
    """What happens between two steps: progress is told, now and then saved, and a signal obeyed.

    Several processes decide together: by the clock of process 0, and by a signal to any of them.
    """

    store: checkpoints.Store
    ranks: Ranks
    seconds: float
    on_step: OnStep | None
    stop: Stop | None
    saved: float

    def step(self, done: int, steps: int) -> bool:
        """After a step: whether the state is to be saved now."""
        if self.on_step and self.ranks.leads:
            self.on_step(done, steps)
        late = self.ranks.leads and time.perf_counter() - self.saved >= self.seconds
        return any(self.ranks.highest(late, self._asked()))

    def save(self, progress: checkpoints.Progress, recipe: Recipe) -> None:
        """Write the checkpoint, and obey.

        Raises:
            Interrupted: a signal had asked for the end.
        """
        self.keep(progress)
        self.obey(progress, recipe)

    def keep(self, progress: checkpoints.Progress) -> None:
        """Write the checkpoint."""
        if self.ranks.leads:
            self.store.save(progress)
        self.saved = time.perf_counter()

    def obey(self, progress: checkpoints.Progress, recipe: Recipe) -> None:
        """End where a signal asks for it; the checkpoint is on disk.

        Raises:
            Interrupted: it does.
        """
        if number := self.ranks.highest(self._asked())[0]:
            signal = Signals(number)
            point = (
                f"epoch {len(progress.curve) + 1}, step {progress.steps}" if progress.steps else "the end of an epoch"
            )
            kept = (
                "the checkpoint is written; the same command with --resume goes on" if self.store.path else "not kept"
            )
            raise Interrupted(f"stopped by {signal.name} at {point}, of {recipe.epochs} epochs; {kept}", signal)

    def _asked(self) -> int:
        """The signal that this process was sent; 0 for none."""
        return (self.stop and self.stop()) or 0


def _epoch(
    trainer: Trainer, progress: checkpoints.Progress, number: int, scored: bool, watch: Watch
) -> checkpoints.Progress:
    progress = _steps(trainer, progress, number, watch)
    train_loss, evaluated = progress.loss / len(trainer.data.train), time.perf_counter()
    check_finite("loss", train_loss, number, trainer.recipe)
    loss, top1 = _score(trainer, number) if scored else (None, None)
    seconds = progress.seconds + time.perf_counter() - evaluated
    entry = Epoch(number, train_loss, loss, top1, seconds)
    return checkpoints.Progress((*progress.curve, entry), progress.train_seconds + progress.seconds)


def _steps(trainer: Trainer, progress: checkpoints.Progress, number: int, watch: Watch) -> checkpoints.Progress:
    """The steps of an epoch that are not behind it yet."""
    start, steps, ranks = time.perf_counter() - progress.seconds, trainer.steps_per_epoch, trainer.ranks
    before = progress.loss if ranks.leads else 0.0
    total = torch.tensor(before, dtype=torch.float64, device=trainer.device)

    def behind(done: int) -> checkpoints.Progress:
        loss = ranks.total(total.item())  # waits for the device
        trainer.settle()
        return replace(progress, steps=done, loss=loss, seconds=time.perf_counter() - start)

    for done, (loss, n) in enumerate(trainer.epoch(number, progress.steps), start=progress.steps + 1):
        total.add_(loss, alpha=n)
        if watch.step((number - 1) * steps + done, steps * trainer.recipe.epochs):
            watch.save(behind(done), trainer.recipe)
    return behind(steps)


def _score(trainer: Trainer, number: int) -> tuple[float, float]:
    """Loss and top-1 on the validation images, of the weights that count."""
    loss, top1 = trainer.ranks.by_lead(lambda: _measured(trainer))
    trainer.ranks.spread_statistics(trainer.model)  # as recalibrated
    trainer.restart()
    check_finite("validation loss", loss, number, trainer.recipe)
    return loss, top1


def _measured(trainer: Trainer) -> tuple[float, float]:
    data, recipe = trainer.data, trainer.recipe
    size = 4 * recipe.batch_size  # no gradients: a quarter of the memory or less
    with trainer.use_average():
        if recipe.recalibration_images:
            images = data.train.first(recipe.recalibration_images)
            recalibrate(trainer.model, images, data.mean, data.std, trainer.fast)
        return evaluate(trainer.model, data.validation, data.mean, data.std, device=trainer.device, batch_size=size)


def check_finite(name: str, value: float, epoch: int, recipe: Recipe) -> None:
    """Refuse to go on with a value that says that the weights are lost.

    Raises:
        TrainingFailed: it is infinite or no number.
    """
    if not math.isfinite(value):
        raise TrainingFailed(
            f"{name} is not finite in epoch {epoch} of {recipe.epochs} with a learning rate of up to "
            f"{recipe.learning_rate:g} (recipe '{recipe.name}'); try a lower one"
        )


def _trained(progress: checkpoints.Progress, n_train: int, prepared: Preparation) -> TrainingResult:
    last = progress.curve[-1]
    assert last.loss is not None, "the last epoch is always evaluated"
    assert last.top1 is not None, "the last epoch is always evaluated"
    seconds = sum(entry.seconds for entry in progress.curve)
    speed = n_train * len(progress.curve) / progress.train_seconds
    return TrainingResult(progress.curve, last.loss, last.top1, seconds, speed, prepared.conditions, prepared.note)


def _resumed(store: checkpoints.Store, ranks: Ranks) -> checkpoints.Progress:
    progress = store.resume()
    if progress != ranks.by_lead(lambda: progress):
        raise RunError(
            f"process {ranks.rank} does not find the checkpoint {store.path} that process 0 finds; put the run's "
            f"folder on a file system that all machines share"
        )
    return progress


def _store(path: Path | None, trainer: Trainer) -> checkpoints.Store:
    network = sha256(repr(trainer.model).encode()).hexdigest()[:16]  # torch's text of every layer and width
    identity = {"network": network, **identity_of(trainer.data, trainer.recipe, trainer.seed)}
    meant = {STEPS: math.ceil(len(trainer.data.train) / trainer.recipe.batch_size), **_of_recipe(complete_recipe({}))}
    return checkpoints.Store(path, trainer.state, identity, meant)


def _of_recipe(values: Mapping[str, Any]) -> checkpoints.Identity:
    return {f"recipe.{name}": value for name, value in values.items()}


def identity_of(data: SearchData, recipe: Recipe, seed: int) -> checkpoints.Identity:
    """What any training is of, beside what is trained."""
    return {
        "data": f"{data.name}, {len(data.train)} images of shape {data.input}",
        "channel means": list(data.mean),  # of the very images: another subset of the same size has others
        "seed": seed,
        STEPS: steps_per_epoch(data, recipe),
        **_of_recipe(recipe.to_dict()),
    }
