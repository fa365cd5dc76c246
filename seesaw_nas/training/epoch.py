"""The figures of one epoch of a training. Loads without torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch of training left.

    Attributes:
        epoch: from 1.
        train_loss: mean cross-entropy over the epoch's images, as trained (augmented, regularised).
        loss, top1: cross-entropy and accuracy (a fraction) on ``split``; ``None`` where it was not evaluated.
        seconds: training and evaluation together.
    """

    epoch: int
    train_loss: float
    loss: float | None
    top1: float | None
    seconds: float
