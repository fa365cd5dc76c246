"""Gradient descent on some entries of a flat vector; the others, and their momentum, stay as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.optim.sgd import sgd

from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.supernet.selection import Selection


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """Copies of what one architecture takes, in the order of its layers, to be learnt.

    Attributes:
        values: (wired,), of which ``weights`` and ``vectors`` are parts that gradients fall on.
        weights: of convolutions and the classifier, which decay falls on.
        vectors: scales, offsets and the classifier's bias, which it may spare.
    """

    selection: Selection
    values: Tensor
    weights: Tensor
    vectors: Tensor

    @property
    def gradients(self) -> list[Tensor]:
        """Of ``weights`` and ``vectors`` after a backward pass."""
        assert self.weights.grad is not None, "a backward pass reaches all weights"
        assert self.vectors.grad is not None, "a backward pass reaches all vectors"
        return [self.weights.grad, self.vectors.grad]


class Descent:
    """Stochastic gradient descent by a recipe, with momentum, on what a step takes.

    Both vectors have a zero behind their last entry, where all padding and whatever lies outside of a partition is read
    from and written to; it is put back after each step. So a step writes whole layers and looks for nothing.

    Attributes:
        weights: (P,), a copy of those that it was given, which :meth:`move` changes in place.
        momentum: (P,), likewise.
    """

    def __init__(self, weights: Tensor, recipe: Recipe) -> None:
        self._recipe, self._vectors = recipe, weights.new_zeros(2, len(weights) + 1)
        self._weights, self._momentum = self._vectors
        self.weights, self.momentum = self._weights[:-1], self._momentum[:-1]
        self.weights.copy_(weights)

    def take(self, selection: Selection) -> Taken:
        """Copies of the entries that an architecture takes."""
        values = self._weights.index_select(0, selection.index)
        weights, vectors = (part.detach().requires_grad_() for part in selection.layers.split(values))
        return Taken(selection, values, weights, vectors)

    @torch.no_grad()
    def move(self, taken: Sequence[Taken], rate: float) -> None:
        """One step at learning rate ``rate`` along the sum of the gradients that backward passes left.

        An entry that several architectures have is moved once: each computes the same new value for it.
        """
        gradients = [one.gradients for one in taken] if len(taken) == 1 else self._sums(taken)
        momenta = [self._momentum.index_select(0, one.selection.index) for one in taken]
        for one, gradient, momentum in zip(taken, gradients, momenta, strict=True):
            self._step(one.selection, one.values, gradient, momentum, rate)
        for one, momentum in zip(taken, momenta, strict=True):
            entries = one.selection.index.long()
            self._weights.index_copy_(0, entries, one.values)
            if self._recipe.momentum:
                self._momentum.index_copy_(0, entries, momentum)
        self._vectors[:, -1].zero_()

    def _sums(self, taken: Sequence[Taken]) -> list[list[Tensor]]:
        """Of each architecture the gradients of its entries, summed over all that have them.

        No entry but the last, where nothing counts, stands twice in one architecture: so sums need no scatter.
        """
        total = torch.zeros_like(self._weights)
        for one in taken:
            for entries, gradient in zip(one.selection.layers.split(one.selection.index), one.gradients, strict=True):
                total.index_copy_(0, entries.long(), total.index_select(0, entries).add_(gradient))
        return [list(one.selection.layers.split(total.index_select(0, one.selection.index))) for one in taken]

    def _step(self, of: Selection, values: Tensor, gradients: list[Tensor], momentum: Tensor, rate: float) -> None:
        """Move values (wired,) and their momentum in place."""
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
