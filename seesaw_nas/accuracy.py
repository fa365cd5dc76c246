"""How good a network is on labelled images: cross-entropy, and how often its first guesses are right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seesaw_nas.data import Split, normalise
from seesaw_nas.deploy import fuse
from seesaw_nas.device import find_device, laid_out
from seesaw_nas.models import Network

TOP = 5


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


@torch.inference_mode()
def measure(
    model: nn.Module,
    images: Split,
    mean: Sequence[float],
    std: Sequence[float],
    *,
    device: torch.device | str = "cpu",
    batch_size: int = 256,
) -> Accuracy:
    """The accuracy of ``model`` on ``images``, in float32.

    The model must be on ``device``; its training mode is put back afterwards. A :class:`Network` is evaluated as it
    would be deployed, fused.
    """
    images = images.to(find_device(device))
    was_training = model.training
    ready = fuse(model) if isinstance(model, Network) else model.eval()
    loss = torch.zeros((), dtype=torch.float64, device=images.labels.device)
    right = torch.zeros(2, dtype=torch.int64, device=images.labels.device)  # first guess, first five
    n = 0  # those that can be read
    for chosen, labels in images.in_order(batch_size):
        n += len(labels)
        logits = ready(laid_out(normalise(chosen, mean, std)))  # (n, classes)
        loss += F.cross_entropy(logits, labels, reduction="sum")
        right += _right(logits, labels)
    model.train(was_training)
    top1, top5 = (count / n for count in right.tolist())
    return Accuracy(n, loss.item() / n, top1, top5)


def _right(logits: Tensor, labels: Tensor) -> Tensor:
    """How many labels are the first guess and among the first five: int64 (2,)."""
    of_five = logits.topk(min(TOP, logits.shape[1]), dim=1).indices == labels[:, None]  # (n, up to 5)
    return torch.stack([(logits.argmax(1) == labels).sum(), of_five.sum()])
