"""How good a network is on labelled images: cross-entropy, and how often its first guesses are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seesaw_nas.data import Split, normalise
from seesaw_nas.deploy import fuse
from seesaw_nas.device import find_device, full_precision
from seesaw_nas.models import Network

TOP = 5
Forward = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Of one network on some images.

    Attributes:
        n: images.
        loss: mean cross-entropy.
        top1, top5: shares of the images whose class has the highest logit, or one of the five highest.
    """

    n: int
    loss: float
    top1: float
    top5: float


def measure(
    model: nn.Module,
    images: Split,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    device: torch.device | str = "cpu",
    batch_size: int = 256,
) -> Accuracy:
    """The accuracy of ``model`` on ``images``, in float32 that is no TF32.

    The model must be on ``device``; its training mode is put back afterwards. A :class:`Network` is evaluated as it
    would be deployed, fused.
    """
    return measure_all([model], images, mean, std, device=device, batch_size=batch_size)[0]


@torch.inference_mode()
def measure_all(
    models: Sequence[nn.Module],
    images: Split,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    device: torch.device | str = "cpu",
    batch_size: int = 256,
) -> list[Accuracy]:
    """As :func:`measure`, of several models; each batch of images is read and normalised once for all of them."""
    modes = [model.training for model in models]
    forwards = [fuse(model) if isinstance(model, Network) else model.eval() for model in models]
    found = tally(forwards, images, mean, std, device=device, batch_size=batch_size)
    for model, was_training in zip(models, modes, strict=True):
        model.train(was_training)
    return found


@torch.inference_mode()
def tally(
    forwards: Sequence[Forward],
    images: Split,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    device: torch.device | str,
    batch_size: int,
) -> list[Accuracy]:
    """As :func:`measure_all`, of functions from normalised images (n, C, H, W) to logits (n, classes)."""
    device = find_device(device)
    images = images.to(device)
    tallies = [_Tally(forward, images.labels) for forward in forwards]
    with full_precision(device):
        for chosen, labels in images.in_order(batch_size):
            x = normalise(chosen, mean, std)
            for one in tallies:
                one.add(x, labels)
    return [one.accuracy for one in tallies]


class _Tally:
    """What one model has shown on the images so far; sums stay on the device."""

    def __init__(self, forward: Forward, labels: Tensor) -> None:
        self._forward, self._n = forward, 0  # images that could be read
        self._loss = torch.zeros((), dtype=torch.float64, device=labels.device)
        self._right = torch.zeros(2, dtype=torch.int64, device=labels.device)  # first guess, first five

    def add(self, images: Tensor, labels: Tensor) -> None:
        """Take in a normalised batch (n, C, H, W) and its labels (n,)."""
        logits = self._forward(images)  # (n, classes)
        self._n += len(labels)
        self._loss += F.cross_entropy(logits, labels, reduction="sum")
        self._right += _right(logits, labels)

    @property
    def accuracy(self) -> Accuracy:
        top1, top5 = (count / self._n for count in self._right.tolist())
        return Accuracy(self._n, self._loss.item() / self._n, top1, top5)


def _right(logits: Tensor, labels: Tensor) -> Tensor:
    """How many labels are the first guess and among the first five: int64 (2,)."""
    of_five = logits.topk(min(TOP, logits.shape[1]), dim=1).indices == labels[:, None]  # (n, up to 5)
    return torch.stack([(logits.argmax(1) == labels).sum(), of_five.sum()])
