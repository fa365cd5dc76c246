"""Training a network and scoring it: the same from run to run for one seed, on every device that torch has.

The process-wide generators are left as they were. On the CPU, with one number of threads, a seed gives the same bits;
CUDA does not promise that.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import sha256
from math import isfinite
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

from seesaw_nas import checkpoints
from seesaw_nas.allocator import keep_freed_memory
from seesaw_nas.data import Images, SearchData, normalise
from seesaw_nas.deploy import fuse
from seesaw_nas.device import find_device, laid_out
from seesaw_nas.errors import TrainingFailed
from seesaw_nas.models import Network
from seesaw_nas.recalibration import recalibrate
from seesaw_nas.recipes import Recipe
from seesaw_nas.records import Epoch
from seesaw_nas.sgd import OnStep, Trainer

OnEpoch = Callable[[Epoch], None]

# the CPU allocator and CUDA's libraries tell of exhausted memory by plain RuntimeErrors with these words in them
_NO_MEMORY = ("DefaultCPUAllocator", "ALLOC_FAILED")


@dataclass(frozen=True, slots=True)
class Trained:
    """What a training left.

    Attributes:
        curve: an entry an epoch.
        loss, top1: cross-entropy and accuracy (a fraction) on the validation images after the last epoch.
        seconds: training and evaluation, summed over interruptions.
        images_per_second: of the training steps alone.
    """

    curve: tuple[Epoch, ...]
    loss: float
    top1: float
    seconds: float
    images_per_second: float


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
    evaluate_each_epoch: bool = True,
) -> Trained:
    """Train ``model`` in place on ``data.train`` and score it on ``data.validation``; it is left on ``device``.

    The recipe's dropout is not applied here: it belongs to the model, which :func:`seesaw_nas.models.build` makes.

    Args:
        seed: 0 or more; of the order of images, augmentation and dropout, not of the initial weights.
        epochs: in place of the recipe's, as by :meth:`Recipe.with_epochs`.
        on_epoch: called after each epoch, when its checkpoint is on disk.
        checkpoint: a file replaced after each epoch; a training that finds its own there continues from it, on the CPU
            to the same bits as without an interruption. :func:`seesaw_nas.checkpoints.discard` deletes it.
        evaluate_each_epoch: without, only the last epoch is evaluated.

    Raises:
        TrainingFailed: the loss is not finite at the end of an epoch, or memory ran out.
        OptionError: no such device, or a negative seed.
        RunError: the checkpoint is of another training, or cannot be read or written.
    """
    recipe = recipe if epochs is None else recipe.with_epochs(epochs)
    if len(data.train) < 2:
        raise TrainingFailed(f"cannot train on {len(data.train)} image: batch norm wants at least 2")
    device = find_device(device)
    if device.type == "cpu":
        keep_freed_memory()
    with memory_failures_told(recipe, device):
        trainer = Trainer.of(model, data, recipe, seed, device)
        store = checkpoints.Store(checkpoint, trainer.model, trainer.optimizer, _identity(trainer))
        progress = store.resume()
        for number in range(len(progress.curve) + 1, recipe.epochs + 1):
            scored = evaluate_each_epoch or number == recipe.epochs
            progress = _epoch(trainer, progress, number, scored, on_step)
            store.save(progress)
            if on_epoch:
                on_epoch(progress.curve[-1])
    return _trained(progress, len(data.train))


@torch.inference_mode()
def evaluate(
    model: nn.Module,
    images: Images,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    device: torch.device | str = "cpu",
    batch_size: int = 256,
) -> tuple[float, float]:
    """Mean cross-entropy and top-1 accuracy (a fraction) of ``model`` on ``images``, in float32.

    The model must be on ``device``; its training mode is put back afterwards. A :class:`Network` is evaluated as it
    would be deployed, fused.
    """
    images = images.to(find_device(device))
    was_training = model.training
    ready = fuse(model) if isinstance(model, Network) else model.eval()
    loss = torch.zeros((), dtype=torch.float64, device=images.labels.device)
    correct = torch.zeros((), dtype=torch.int64, device=images.labels.device)
    for chosen, labels in images.in_order(batch_size):
        logits = ready(laid_out(normalise(chosen, mean, std)))  # (n, classes)
        loss += F.cross_entropy(logits, labels, reduction="sum")
        correct += (logits.argmax(1) == labels).sum()
    model.train(was_training)
    return loss.item() / len(images), correct.item() / len(images)


def _epoch(
    trainer: Trainer, progress: checkpoints.Progress, number: int, scored: bool, on_step: OnStep | None
) -> checkpoints.Progress:
    start = time.perf_counter()
    train_loss = trainer.epoch(number, on_step)
    _check_finite("loss", train_loss, number, trainer.recipe)
    trained = time.perf_counter()
    loss = top1 = None
    if scored:
        data = trainer.data
        if trainer.recipe.recalibration_images:
            chosen = data.train.first(trainer.recipe.recalibration_images)
            recalibrate(trainer.model, chosen, data.mean, data.std)
        size = 4 * trainer.recipe.batch_size  # no gradients: a quarter of the memory or less
        loss, top1 = evaluate(
            trainer.model, data.validation, data.mean, data.std, device=trainer.device, batch_size=size
        )
        _check_finite("validation loss", loss, number, trainer.recipe)
    entry = Epoch(number, train_loss, loss, top1, time.perf_counter() - start)
    return checkpoints.Progress((*progress.curve, entry), progress.train_seconds + trained - start)


def _check_finite(name: str, value: float, epoch: int, recipe: Recipe) -> None:
    if not isfinite(value):
        raise TrainingFailed(
            f"{name} is not finite in epoch {epoch} of {recipe.epochs} with a learning rate of up to "
            f"{recipe.learning_rate:g} (recipe '{recipe.name}'); try a lower one"
        )


def _trained(progress: checkpoints.Progress, n_train: int) -> Trained:
    last = progress.curve[-1]
    assert last.loss is not None, "the last epoch is always evaluated"
    assert last.top1 is not None, "the last epoch is always evaluated"
    seconds = sum(entry.seconds for entry in progress.curve)
    speed = n_train * len(progress.curve) / progress.train_seconds
    return Trained(progress.curve, last.loss, last.top1, seconds, speed)


@contextmanager
def memory_failures_told(recipe: Recipe, device: torch.device) -> Iterator[None]:
    """Turn exhausted memory into one line.

    Raises:
        TrainingFailed: the body ran out of memory.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        out = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if not out and not any(words in str(error) for words in _NO_MEMORY):
            raise
        raise TrainingFailed(
            f"out of memory on {device} with batches of {recipe.batch_size} images; take smaller batches, smaller "
            f"images or a smaller budget"
        ) from None


def _identity(trainer: Trainer) -> checkpoints.Identity:
    data = trainer.data
    return {
        "network": sha256(repr(trainer.model).encode()).hexdigest()[:16],  # torch's text of every layer and width
        "data": f"{data.name}, {len(data.train)} images of shape {data.input}",
        "channel means": list(data.mean),  # of the very images: another subset of the same size has others
        "seed": trainer.seed,
        **{f"recipe.{name}": value for name, value in asdict(trainer.recipe).items()},
    }
