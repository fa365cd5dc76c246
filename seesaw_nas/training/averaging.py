"""Weights averaged along a training: less noisy than the last ones, for one more copy of them in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Average:
    """An exponential moving average of tensors that a training moves; :meth:`of` makes it.

    Its first ``window`` steps are averaged evenly, so the initial weights leave no trace in it.

    Attributes:
        values: the averages.
        weights: the tensors themselves, in the same order.
        window: steps after which a step's weights count 1/e of what they did.
    """

    values: list[Tensor]
    weights: list[Tensor]
    window: float

    @classmethod
    def of(cls, weights: Sequence[Tensor], window: float) -> Average:
        """An average that begins with the present weights; a window of less than a step keeps the last ones alone."""
        detached = [weight.detach() for weight in weights]
        return cls([weight.clone() for weight in detached], detached, max(window, 1.0))

    def move(self, step: int) -> None:
        """Take in the weights that step ``step``, from 0 over the whole training, has left."""
        share = max(1 / (step + 1), 1 / self.window)
        torch._foreach_lerp_(self.values, self.weights, share)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The weights are the averages in the body, and themselves again after it."""
        kept = [weight.clone() for weight in self.weights]
        self.keep()
        try:
            yield
        finally:
            torch._foreach_copy_(self.weights, kept)

    def keep(self) -> None:
        """Put the averages in the place of the weights for good."""
        torch._foreach_copy_(self.weights, self.values)
