"""Gradient descent on some entries of a flat vector; other entries and their momentum do not change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.sgd import sgd

from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.supernet.selection import Selection


@dataclass(frozen=True, slots=True, eq=False)
class WeightCopies:
    """Copies of the entries that one architecture uses, in the order of its layers, for a step.

    Attributes:
        values: all entries, (wired,); ``weights`` and ``vectors`` are its parts, which require gradients.
        weights: weights of convolutions and the classifier, which have weight decay.
        vectors: scales, offsets and the classifier's bias, which a recipe may exempt from weight decay.
    """

    selection: Selection
    values: Tensor
    weights: Tensor
    vectors: Tensor

    @property
    def gradients(self) -> list[Tensor]:
        """Gradients of ``weights`` and ``vectors``, after a backward pass."""
        assert self.weights.grad is not None, "a backward pass reaches all weights"
        assert self.vectors.grad is not None, "a backward pass reaches all vectors"
        return [self.weights.grad, self.vectors.grad]


class Descent:
    """Stochastic gradient descent by a recipe, with momentum, on the entries that the architectures of a step use.

    Both vectors have one more entry at their end, a zero. Padding, and weights outside of a partition, are read from
    and written to it; it is reset after each step. So a step can read and write whole layers without a mask.

    Attributes:
        weights: (P,), a copy of the given weights, which :meth:`move` changes in place.
        momentum: (P,), likewise.
    """

    def __init__(self, weights: Tensor, recipe: Recipe) -> None:
        self._recipe, self._vectors = recipe, weights.new_zeros(2, len(weights) + 1)
        self._weights, self._momentum = self._vectors
        self.weights, self.momentum = self._weights[:-1], self._momentum[:-1]
        self.weights.copy_(weights)

    def take(self, selection: Selection) -> WeightCopies:
        """Copies of the entries that an architecture uses."""
        values = self._weights.index_select(0, selection.index)
        weights, vectors = (part.detach().requires_grad_() for part in selection.layers.split(values))
        return WeightCopies(selection, values, weights, vectors)

    @torch.no_grad()
    def move(self, copies: Sequence[WeightCopies], rate: float) -> None:
        """Take one step with learning rate ``rate`` along the sum of the architectures' gradients.

        An entry that several architectures share is changed once: each computes the same new value for it.
        """
        gradients = [one.gradients for one in copies] if len(copies) == 1 else self._sums(copies)
        momenta = [self._momentum.index_select(0, one.selection.index) for one in copies]
        for one, gradient, momentum in zip(copies, gradients, momenta, strict=True):
            self._step(one.selection, one.values, gradient, momentum, rate)
        for one, momentum in zip(copies, momenta, strict=True):
            entries = one.selection.index.long()
            self._weights.index_copy_(0, entries, one.values)
            if self._recipe.momentum:
                self._momentum.index_copy_(0, entries, momentum)
        self._vectors[:, -1].zero_()

    def _sums(self, copies: Sequence[WeightCopies]) -> list[list[Tensor]]:
        """For each architecture, the gradients of its entries, summed over all architectures that share them.

        An architecture uses no entry twice, except for the last one, which does not matter; so no scatter is needed.
        """
        total = torch.zeros_like(self._weights)
        for one in copies:
            for entries, gradient in zip(one.selection.layers.split(one.selection.index), one.gradients, strict=True):
                total.index_copy_(0, entries.long(), total.index_select(0, entries).add_(gradient))
        return [list(one.selection.layers.split(total.index_select(0, one.selection.index))) for one in copies]

    def _step(self, of: Selection, values: Tensor, gradients: list[Tensor], momentum: Tensor, rate: float) -> None:
        """Update values (wired,) and their momentum in place."""
        recipe, parts = self._recipe, list(of.layers.split(values))
        momenta: list[Tensor | None] = list(of.layers.split(momentum)) if recipe.momentum else [None, None]
        groups = [(slice(0, 2), recipe.weight_decay)]
        if not recipe.decay_norms:
            groups = [(slice(0, 1), recipe.weight_decay), (slice(1, 2), 0.0)]
        for group, decay in groups:
            sgd(
                parts[group],
                gradients[group],
                momenta[group],
                fused=True,
                weight_decay=decay,
                momentum=recipe.momentum,
                lr=rate,
                dampening=0.0,
                nesterov=recipe.nesterov,
                maximize=False,
            )
