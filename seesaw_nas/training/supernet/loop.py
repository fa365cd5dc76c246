"""Training a supernet: the same from run to run for one seed, to the same bits on a CPU, with and without a pause."""

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
    """What a supernet's training left.

    Attributes:
        curve: an entry an epoch, without a validation: there is no one network to validate.
        seconds: summed over interruptions.
        core_seconds: of this process on all CPU cores, likewise.
        steps: behind it.
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
    """Train a copy of a supernet's weights, which is left on ``device``, on ``data.train``.

    Each step trains architectures that ``feasible`` allows, their Multi-Adds even over the budget. What a step does not
    use it leaves as it is, momentum too.

    Args:
        seed: 0 or more; of the order of images, augmentation, dropout and architectures, not of the initial weights.
        sampling: one of :data:`seesaw_nas.training.supernet.SAMPLINGS`.
        on_epoch, on_step, checkpoint, checkpoint_seconds, stop: as for :func:`seesaw_nas.training.loop.train`.

    Raises:
        SpecError: ``feasible`` is of another space than the weights.
        TrainingFailed: the loss is not finite at the end of an epoch, or memory ran out.
        OptionError: no such device or sampling, a negative seed, or a recipe that averages weights.
        RunError: the checkpoint is of another training, or cannot be read or written.
        Interrupted: ``stop`` named a signal.
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
    trained = replace(supernet, weights=trainer.supernet.weights.clone())  # by themselves, without the momentum
    return TrainedSupernet(trained, progress.curve, progress.train_seconds, progress.core_seconds, steps)


def _epoch(trainer: SupernetTrainer, progress: checkpoints.Progress, number: int, watch: Watch) -> checkpoints.Progress:
    """The steps of an epoch that are not behind it yet."""
    start, cores = time.perf_counter() - progress.seconds, time.process_time() - progress.core_seconds
    total = torch.tensor(progress.loss, dtype=torch.float64, device=trainer.supernet.device)
    recipe, steps = trainer.recipe, trainer.steps_per_epoch

    def behind(done: int) -> checkpoints.Progress:
        loss = total.item()  # waits for the device
        seconds, core_seconds = time.perf_counter() - start, time.process_time() - cores
        return replace(progress, steps=done, loss=loss, seconds=seconds, core_seconds=core_seconds)

    for done, (loss, n) in enumerate(trainer.epoch(number, progress.steps), start=progress.steps + 1):
        total.add_(loss, alpha=n)
        if watch.step((number - 1) * steps + done, steps * recipe.epochs):
            watch.save(behind(done), recipe)
    ended = behind(steps)
    train_loss = ended.loss / len(trainer.data.train)
    check_finite("loss", train_loss, number, recipe)
    curve = (*progress.curve, Epoch(number, train_loss, None, None, ended.seconds))
    return checkpoints.Progress(curve, progress.train_seconds + ended.seconds, core_seconds=ended.core_seconds)


def _store(path: Path | None, trainer: SupernetTrainer, feasible: Feasible, sampling: str) -> checkpoints.Store:
    identity = {
        "space": trainer.supernet.space.digest,
        "budget": [feasible.budget.low, feasible.budget.high],
        "sampling": sampling,
        **identity_of(trainer.data, trainer.recipe, trainer.seed),
    }
    state = {"model.weights": trainer.descent.weights, "momentum.weights": trainer.descent.momentum}
    return checkpoints.Store(path, state, identity)
