"""Moving averages of weights: less noisy than the last weights, at the cost of one more copy in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Average:
    """An exponential moving average of a model's weights; made by :meth:`of`.

    The first ``window`` steps are averaged evenly, so the initial weights have no influence.

    Attributes:
        values: the averages.
        weights: the weights themselves, in the same order.
        window: number of steps after which the influence of a step's weights has fallen to 1/e.
    """

    values: list[Tensor]
    weights: list[Tensor]
    window: float

    @classmethod
    def of(cls, weights: Sequence[Tensor], window: float) -> Average:
        """An average that starts at the present weights; with a window below one step it equals the last weights."""
        detached = [weight.detach() for weight in weights]
        return cls([weight.clone() for weight in detached], detached, max(window, 1.0))

    def move(self, step: int) -> None:
        """Update the averages after step ``step``, counted from 0 over the whole training."""
        share = max(1 / (step + 1), 1 / self.window)
        torch._foreach_lerp_(self.values, self.weights, share)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Context in which the weights are replaced by their averages; restores them afterwards."""
        originals = [weight.clone() for weight in self.weights]
        self.keep()
        try:
            yield
        finally:
            torch._foreach_copy_(self.weights, originals)

    def keep(self) -> None:
        """Replace the weights by their averages permanently."""
        torch._foreach_copy_(self.weights, self.values)
