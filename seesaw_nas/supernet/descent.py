"""Gradient descent on some entries of a flat vector; the others, and their momentum, stay as they are."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.sgd import sgd

from seesaw_nas.recipes import Recipe
from seesaw_nas.supernet.layout import Layout


class Descent:
    """Stochastic gradient descent by a recipe, with momentum, on the entries that a step names.

    Attributes:
        holder: a module with the weights as its one parameter, and ``optimizer`` one with the momentum, as a checkpoint
            keeps them.
    """

    def __init__(self, layout: Layout, weights: Tensor, recipe: Recipe) -> None:
        self._weights = nn.Parameter(weights, requires_grad=False)
        self.holder = nn.Module()
        self.holder.register_parameter("weights", self._weights)
        self.optimizer = torch.optim.SGD([self._weights], lr=recipe.learning_rate)
        self.optimizer.state[self._weights]["momentum_buffer"] = torch.zeros_like(weights)
        self._recipe = recipe
        self._spared = None if recipe.decay_norms else _vectors(layout).to(weights.device)

    @property
    def weights(self) -> Tensor:
        """(P,), which :meth:`move` changes in place."""
        return self._weights.data

    @property
    def momentum(self) -> Tensor:
        """(P,), likewise."""
        found: Tensor = self.optimizer.state[self._weights]["momentum_buffer"]
        return found

    def move(self, index: Tensor, gradient: Tensor, rate: float) -> None:
        """One step at learning rate ``rate`` along the ``gradient`` (n,) of the entries ``index`` (n,), none twice."""
        if self._spared is None:
            self._move(index, gradient, rate, self._recipe.weight_decay)
            return
        spared = self._spared[index]
        self._move(index[~spared], gradient[~spared], rate, self._recipe.weight_decay)
        self._move(index[spared], gradient[spared], rate, 0.0)

    def _move(self, index: Tensor, gradient: Tensor, rate: float, decay: float) -> None:
        weights, momentum = self.weights.index_select(0, index), self.momentum.index_select(0, index)
        sgd(
            [weights],
            [gradient],
            [momentum] if self._recipe.momentum else [None],
            fused=True,
            weight_decay=decay,
            momentum=self._recipe.momentum,
            lr=rate,
            dampening=0.0,
            nesterov=self._recipe.nesterov,
            maximize=False,
        )
        self.weights.index_copy_(0, index, weights)
        self.momentum.index_copy_(0, index, momentum)


def _vectors(layout: Layout) -> Tensor:
    """bool, (P,): the entries that multiply no channels, of batch norm and of the bias, which decay may spare."""
    found = torch.zeros(layout.size, dtype=torch.bool)
    for name, shape in layout.shapes.items():
        layout.view(found, name).fill_(len(shape) <= 1)
    return found
