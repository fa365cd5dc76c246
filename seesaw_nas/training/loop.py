"""The training loop: trains a network and evaluates it, reproducibly for one seed, on any device.

The process-wide random generators are not changed. On the CPU, with the same number of threads, a seed gives the same
bits; CUDA does not guarantee that.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
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
from seesaw_nas.data import SearchData
from seesaw_nas.training import accuracy, checkpoints
from seesaw_nas.training.batches import steps_per_epoch
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.training.execution import AUTOMATIC, Execution, explain_compiler_failures
from seesaw_nas.training.memory import explain_training_memory
from seesaw_nas.training.parallel import ALONE, Ranks
from seesaw_nas.training.preparation import Preparation, prepare
from seesaw_nas.training.recalibration import recalibrate
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.step import OnStep, Trainer

OnEpoch = Callable[[Epoch], None]
OnNote = Callable[[str], None]
CHECKPOINT_SECONDS = 600.0  # time between checkpoints within an epoch
STEPS = "steps an epoch"  # key in a checkpoint's identity


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """The result of a training.

    Attributes:
        curve: one entry per epoch.
        loss, top1: cross-entropy and accuracy (a fraction) on the validation images after the last epoch.
        seconds: time of training and evaluation, including the time before interruptions.
        images_per_second: speed of the training steps, without evaluation.
        conditions: execution of the steps, see :attr:`seesaw_nas.training.preparation.Preparation.conditions`.
        note: see :attr:`seesaw_nas.training.preparation.Preparation.note`.
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
    """Train ``model`` in place on ``data.train`` and evaluate it on ``data.validation``; it ends up on ``device``.

    The recipe's dropout is not applied here: it belongs to the model, see :func:`seesaw_nas.network.models.build`.

    Args:
        seed: seed for the order of images, augmentation and dropout, but not for the initial weights; 0 or more.
        epochs: number of epochs in place of the recipe's, see :meth:`Recipe.with_epochs`.
        on_epoch: called after each epoch, when its checkpoint is on disk.
        checkpoint: file that is replaced after each epoch. If it exists and belongs to this training, the training is
            resumed; on the CPU the result has the same bits as without an interruption.
            :func:`seesaw_nas.training.checkpoints.discard` deletes it.
        checkpoint_seconds: time after which the checkpoint is written within an epoch, too.
        evaluate_each_epoch: whether to evaluate after every epoch, or only after the last one.
        stop: called after every step; if it returns a signal, the training ends after writing the checkpoint.
        until: epoch, from 1, after which to pause; the learning rate still follows the schedule of all epochs.
        ranks: rank of this process if several train one network. Each calls this function with the same arguments
            except ``device``; only process 0 evaluates, writes the checkpoint, and calls ``on_epoch`` and ``on_step``.
        execution: execution of the steps: eager, as CUDA graphs or by torch.compile; checkpoints are the same.
        on_note: called with :attr:`TrainingResult.note` before the first step, unless it is empty.

    Raises:
        TrainingFailed: the loss is not finite at the end of an epoch, memory ran out, torch.compile failed, or CUDA
            graphs were requested and do not agree with eager steps.
        OptionError: no such device, a negative seed, batches too small to share, or an execution that is impossible.
        RunError: the checkpoint belongs to another training, cannot be read or written, or is not found by all ranks.
        Interrupted: ``stop`` returned a signal.
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
            progress = _resume(store, ranks)
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
    return _result(progress, len(data.train), prepared)


@dataclass(slots=True)
class Watch:
    """Actions between two steps: report progress, write checkpoints, and stop after a signal.

    Several processes decide together: by the clock of process 0, and by a signal to any of them.
    """

    store: checkpoints.Store
    ranks: Ranks
    seconds: float
    on_step: OnStep | None
    stop: Stop | None
    saved: float

    def step(self, done: int, steps: int) -> bool:
        """Report a step; returns whether to save the state now."""
        if self.on_step and self.ranks.leads:
            self.on_step(done, steps)
        late = self.ranks.leads and time.perf_counter() - self.saved >= self.seconds
        return any(self.ranks.highest(late, self._signal()))

    def save(self, progress: checkpoints.Progress, recipe: Recipe) -> None:
        """Write the checkpoint, then stop if there was a signal.

        Raises:
            Interrupted: there was a signal.
        """
        self.keep(progress)
        self.obey(progress, recipe)

    def keep(self, progress: checkpoints.Progress) -> None:
        """Write the checkpoint."""
        if self.ranks.leads:
            self.store.save(progress)
        self.saved = time.perf_counter()

    def obey(self, progress: checkpoints.Progress, recipe: Recipe) -> None:
        """Stop if there was a signal; the checkpoint is on disk already.

        Raises:
            Interrupted: there was a signal.
        """
        if number := self.ranks.highest(self._signal())[0]:
            signal = Signals(number)
            point = (
                f"epoch {len(progress.curve) + 1}, step {progress.steps}" if progress.steps else "the end of an epoch"
            )
            note = (
                "the checkpoint is written; the same command with --resume goes on" if self.store.path else "not kept"
            )
            raise Interrupted(f"stopped by {signal.name} at {point}, of {recipe.epochs} epochs; {note}", signal)

    def _signal(self) -> int:
        """The signal that this process has received; 0 for none."""
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
    """Take the remaining steps of an epoch."""
    start, steps, ranks = time.perf_counter() - progress.seconds, trainer.steps_per_epoch, trainer.ranks
    before = progress.loss if ranks.leads else 0.0
    total = torch.tensor(before, dtype=torch.float64, device=trainer.device)

    def progress_after(done: int) -> checkpoints.Progress:
        loss = ranks.total(total.item())  # waits for the device
        trainer.settle()
        return replace(progress, steps=done, loss=loss, seconds=time.perf_counter() - start)

    for done, (loss, n) in enumerate(trainer.epoch(number, progress.steps), start=progress.steps + 1):
        total.add_(loss, alpha=n)
        if watch.step((number - 1) * steps + done, steps * trainer.recipe.epochs):
            watch.save(progress_after(done), trainer.recipe)
    return progress_after(steps)


def _score(trainer: Trainer, number: int) -> tuple[float, float]:
    """Loss and top-1 on the validation images, with averaged weights if the recipe averages them."""
    loss, top1 = trainer.ranks.by_lead(lambda: _measure(trainer))
    trainer.ranks.spread_statistics(trainer.model)  # process 0 has recalibrated them
    trainer.restart()
    check_finite("validation loss", loss, number, trainer.recipe)
    return loss, top1


def _measure(trainer: Trainer) -> tuple[float, float]:
    data, recipe = trainer.data, trainer.recipe
    size = 4 * recipe.batch_size  # without gradients an image takes at most a quarter of the memory
    with trainer.use_average():
        if recipe.recalibration_images:
            images = data.train.first(recipe.recalibration_images)
            recalibrate(trainer.model, images, data.mean, data.std, trainer.fast)
        measured = accuracy.measure(
            trainer.model, data.validation, data.mean, data.std, device=trainer.device, batch_size=size
        )
        return measured.loss, measured.top1


def check_finite(name: str, value: float, epoch: int, recipe: Recipe) -> None:
    """Stop a training whose loss shows that it has diverged.

    Raises:
        TrainingFailed: the value is infinite or not a number.
    """
    if not math.isfinite(value):
        raise TrainingFailed(
            f"{name} is not finite in epoch {epoch} of {recipe.epochs} with a learning rate of up to "
            f"{recipe.learning_rate:g} (recipe '{recipe.name}'); try a lower one"
        )


def _result(progress: checkpoints.Progress, n_train: int, prepared: Preparation) -> TrainingResult:
    last = progress.curve[-1]
    assert last.loss is not None, "the last epoch is always evaluated"
    assert last.top1 is not None, "the last epoch is always evaluated"
    seconds = sum(entry.seconds for entry in progress.curve)
    speed = n_train * len(progress.curve) / progress.train_seconds
    return TrainingResult(progress.curve, last.loss, last.top1, seconds, speed, prepared.conditions, prepared.note)


def _resume(store: checkpoints.Store, ranks: Ranks) -> checkpoints.Progress:
    progress = store.resume()
    if progress != ranks.by_lead(lambda: progress):
        raise RunError(
            f"process {ranks.rank} does not find the checkpoint {store.path} that process 0 finds; put the run's "
            f"folder on a file system that all machines share"
        )
    return progress


def _store(path: Path | None, trainer: Trainer) -> checkpoints.Store:
    network = sha256(repr(trainer.model).encode()).hexdigest()[:16]  # torch's description of every layer
    identity = {"network": network, **identity_of(trainer.data, trainer.recipe, trainer.seed)}
    return checkpoints.Store(path, trainer.state, identity)


def _of_recipe(values: Mapping[str, Any]) -> checkpoints.Identity:
    return {f"recipe.{name}": value for name, value in values.items()}


def identity_of(data: SearchData, recipe: Recipe, seed: int) -> checkpoints.Identity:
    """The data, recipe and seed of a training, which identify its checkpoint beside the network or space."""
    return {
        "data": f"{data.name}, {len(data.train)} images of shape {data.input}",
        "channel means": list(data.mean),  # tell apart subsets of the same size
        "seed": seed,
        STEPS: steps_per_epoch(data, recipe),
        **_of_recipe(recipe.to_dict()),
    }
