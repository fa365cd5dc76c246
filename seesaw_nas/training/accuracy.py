"""Accuracy of networks on labelled images: cross-entropy, top-1 and top-5."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seesaw_nas.core.device import find_device, full_precision
from seesaw_nas.data import Split, normalise
from seesaw_nas.network.folded import fuse
from seesaw_nas.network.models import Network

TOP = 5
Forward = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The accuracy of one network on a set of images.

    Attributes:
        n: number of images.
        loss: mean cross-entropy.
        top1, top5: share of the images whose class has the highest logit, or one of the five highest; ``top5`` is
            ``None`` with up to five classes, of which it could only be 1.
    """

    n: int
    loss: float
    top1: float
    top5: float | None


def measure(
    model: nn.Module,
    images: Split,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    device: torch.device | str = "cpu",
    batch_size: int = 256,
) -> Accuracy:
    """The accuracy of ``model`` on ``images``, in float32 without TF32.

    The model must be on ``device``; its training mode is restored afterwards. A :class:`Network` is fused for the
    evaluation, as for deployment.
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
    """As :func:`measure`, for several models; each batch of images is read and normalised once for all of them."""
    modes = [model.training for model in models]
    forwards = [fuse(model) if isinstance(model, Network) else model.eval() for model in models]
    accuracies = tally(forwards, images, mean, std, device=device, batch_size=batch_size)
    for model, was_training in zip(models, modes, strict=True):
        model.train(was_training)
    return accuracies


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
    """As :func:`measure_all`, for functions from normalised images (n, C, H, W) to logits (n, classes)."""
    device = find_device(device)
    images = images.to(device)
    tallies = [_Tally(forward, images.labels) for forward in forwards]
    with full_precision(device):
        for chosen, labels in images.batches_in_order(batch_size):
            x = normalise(chosen, mean, std)
            for one in tallies:
                one.add(x, labels)
    sums = torch.stack([one.sums for one in tallies]).tolist() if tallies else []  # the only wait for the device
    return [one.accuracy(*own) for one, own in zip(tallies, sums, strict=True)]


class _Tally:
    """Sums over the images that one model has been evaluated on so far.

    Attributes:
        sums: float64 (3,), on the device: sum of losses, number of correct top-1 and of correct top-5 predictions.
    """

    def __init__(self, forward: Forward, labels: Tensor) -> None:
        self._forward, self._n, self._classes = forward, 0, 0  # images that could be read
        self.sums = torch.zeros(3, dtype=torch.float64, device=labels.device)

    def add(self, images: Tensor, labels: Tensor) -> None:
        """Evaluate a normalised batch (n, C, H, W) with labels (n,)."""
        logits = self._forward(images)  # (n, classes)
        self._n, self._classes = self._n + len(labels), logits.shape[1]
        of_five = logits.topk(min(TOP, logits.shape[1]), dim=1).indices == labels[:, None]  # (n, up to 5)
        loss = F.cross_entropy(logits, labels, reduction="sum")
        self.sums += torch.stack([loss, (logits.argmax(1) == labels).sum(), of_five.sum()])

    def accuracy(self, loss: float, first: float, first_five: float) -> Accuracy:
        """The accuracy from the sums, after they are read from the device."""
        top5 = first_five / self._n if self._classes > TOP else None
        return Accuracy(self._n, loss / self._n, first / self._n, top5)
