"""The training loop of a supernet: reproducible for one seed, on a CPU to the bit, with and without interruptions."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from seesaw_nas.core.allocator import keep_freed_memory
from seesaw_nas.core.device import find_device
from seesaw_nas.core.errors import TrainingFailed
from seesaw_nas.core.signals import Stop
from seesaw_nas.data import SearchData
from seesaw_nas.space import Feasible
from seesaw_nas.training import checkpoints
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.training.loop import CHECKPOINT_SECONDS, OnEpoch, Watch, check_finite, identity_of
from seesaw_nas.training.memory import explain_training_memory
from seesaw_nas.training.parallel import ALONE
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.step import OnStep
from seesaw_nas.training.supernet.trainer import SupernetTrainer
from seesaw_nas.training.supernet.weights import Supernet


@dataclass(frozen=True, slots=True)
class TrainedSupernet:
    """The result of a supernet's training.

    Attributes:
        curve: one entry per epoch, without validation figures, since there is no single network to validate.
        seconds: time of the training, including the time before interruptions.
        core_seconds: CPU time of this process, summed over all cores, likewise.
        steps: number of steps.
    """

    supernet: Supernet
    curve: tuple[Epoch, ...]
    seconds: float
    core_seconds: float
    steps: int


def train(
    supernet: Supernet,
    feasible: Feasible,
    data: SearchData,
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    sampling: str = "single-path",
    on_epoch: OnEpoch | None = None,
    on_step: OnStep | None = None,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    stop: Stop | None = None,
) -> TrainedSupernet:
    """Train a copy of a supernet's weights on ``data.train``; it ends up on ``device``.

    Each step trains architectures of ``feasible``, whose Multi-Adds spread evenly over the budget. Weights that a step
    does not use, and their momentum, do not change.

    Args:
        seed: seed for the order of images, augmentation, dropout and architectures, but not for the initial weights; 0
            or more.
        sampling: one of :data:`seesaw_nas.training.supernet.SAMPLINGS`.
        on_epoch, on_step, checkpoint, checkpoint_seconds, stop: as for :func:`seesaw_nas.training.loop.train`.

    Raises:
        SpecError: ``feasible`` and the weights belong to different spaces.
        TrainingFailed: the loss is not finite at the end of an epoch, or memory ran out.
        OptionError: no such device or sampling, a negative seed, or a recipe that averages weights.
        RunError: the checkpoint belongs to another training, or cannot be read or written.
        Interrupted: ``stop`` returned a signal.
    """
    if len(data.train) < 2:
        raise TrainingFailed(f"cannot train on {len(data.train)} image: batch norm wants at least 2")
    device = find_device(device)
    if device.type == "cpu":
        keep_freed_memory()
    with explain_training_memory(recipe, device):
        trainer = SupernetTrainer.of(supernet.to(device), feasible, data, recipe, seed, sampling)
        store = _store(checkpoint, trainer, feasible, sampling)
        watch = Watch(store, ALONE, checkpoint_seconds, on_step, stop, time.perf_counter())
        progress = store.resume()
        for number in range(len(progress.curve) + 1, recipe.epochs + 1):
            progress = _epoch(trainer, progress, number, watch)
            watch.keep(progress)
            if on_epoch:
                on_epoch(progress.curve[-1])
            watch.obey(progress, recipe)
    steps = len(progress.curve) * trainer.steps_per_epoch
    trained = replace(supernet, weights=trainer.supernet.weights.clone())  # a tensor of their own, without the momentum
    return TrainedSupernet(trained, progress.curve, progress.train_seconds, progress.core_seconds, steps)


def _epoch(trainer: SupernetTrainer, progress: checkpoints.Progress, number: int, watch: Watch) -> checkpoints.Progress:
    """Take the remaining steps of an epoch."""
    start, cores = time.perf_counter() - progress.seconds, time.process_time() - progress.core_seconds
    total = torch.tensor(progress.loss, dtype=torch.float64, device=trainer.supernet.device)
    recipe, steps = trainer.recipe, trainer.steps_per_epoch

    def progress_after(done: int) -> checkpoints.Progress:
        loss = total.item()  # waits for the device
        seconds, core_seconds = time.perf_counter() - start, time.process_time() - cores
        return replace(progress, steps=done, loss=loss, seconds=seconds, core_seconds=core_seconds)

    for done, (loss, n) in enumerate(trainer.epoch(number, progress.steps), start=progress.steps + 1):
        total.add_(loss, alpha=n)
        if watch.step((number - 1) * steps + done, steps * recipe.epochs):
            watch.save(progress_after(done), recipe)
    ended = progress_after(steps)
    train_loss = ended.loss / len(trainer.data.train)
    check_finite("loss", train_loss, number, recipe)
    curve = (*progress.curve, Epoch(number, train_loss, None, None, ended.seconds))
    return checkpoints.Progress(curve, progress.train_seconds + ended.seconds, core_seconds=ended.core_seconds)


def _store(path: Path | None, trainer: SupernetTrainer, feasible: Feasible, sampling: str) -> checkpoints.Store:
    identity = {
        "space": trainer.supernet.space.digest,
        "budget": feasible.budget.key,
        "sampling": sampling,
        **identity_of(trainer.data, trainer.recipe, trainer.seed),
    }
    state = {"model.weights": trainer.descent.weights, "momentum.weights": trainer.descent.momentum}
    return checkpoints.Store(path, state, identity)
