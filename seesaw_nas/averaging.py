"""Weights averaged along a training: less noisy than the last ones, for one more copy of them in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Average:
    """An exponential moving average of a model's parameters; :meth:`of` makes it.

    Its first ``window`` steps are averaged evenly, so the initial weights leave no trace in it.

    Attributes:
        values: the average, by the parameter's name.
        weights: the model's own parameters, by the same names.
        window: steps after which a step's weights count 1/e of what they did.
    """

    values: dict[str, Tensor]
    weights: dict[str, Tensor]
    window: float

    @classmethod
    def of(cls, model: nn.Module, window: float) -> Average:
        """An average that begins with the present weights; a window of less than a step keeps the last ones alone."""
        weights = {name: weight.detach() for name, weight in model.named_parameters()}
        return cls({name: weight.clone() for name, weight in weights.items()}, weights, max(window, 1.0))

    def move(self, step: int) -> None:
        """Take in the weights that step ``step``, from 0 over the whole training, has left."""
        share = max(1 / (step + 1), 1 / self.window)
        torch._foreach_lerp_(list(self.values.values()), list(self.weights.values()), share)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model has the averaged weights in the body, and its own again after it."""
        kept = {name: weight.clone() for name, weight in self.weights.items()}
        self.keep()
        try:
            yield
        finally:
            _copy(kept, self.weights)

    def keep(self) -> None:
        """Give the model the averaged weights for good."""
        _copy(self.values, self.weights)


def _copy(source: dict[str, Tensor], target: dict[str, Tensor]) -> None:
    for name, weight in target.items():
        weight.copy_(source[name])
