"""The figures of one epoch of a training. Loads without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Epoch:
    """The figures of one epoch.

    Attributes:
        epoch: number of the epoch, from 1.
        train_loss: mean cross-entropy over the epoch's images, as trained (augmented, regularised).
        loss, top1: cross-entropy and accuracy (a fraction) on the validation images; ``None`` if not evaluated.
        seconds: time of training and evaluation.
    """

    epoch: int
    train_loss: float
    loss: float | None
    top1: float | None
    seconds: float
