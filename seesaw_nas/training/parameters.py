"""Parameters for an optimiser: the two flat vectors of a fast network, or the parameters of any other module."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from seesaw_nas.network.fast import FastNetwork
from seesaw_nas.training.recipes import Recipe


@dataclass(frozen=True, slots=True)
class Parameters:
    """The parameters of one training; made by :meth:`of`.

    Attributes:
        decayed: weights of convolutions and linear layers.
        spared: scales, offsets and biases, which a recipe may exempt from weight decay.
        whole: tensors that hold all parameters; averages and momentum have tensors of the same shapes.
        split_by_name: splits tensors shaped like ``whole`` into pieces, by the names of the model's parameters.
        split_by_parameter: splits such tensors into one piece per parameter of ``decayed`` and ``spared``.
    """

    decayed: list[nn.Parameter]
    spared: list[nn.Parameter]
    whole: list[Tensor]
    split_by_name: Callable[[Sequence[Tensor]], dict[str, Tensor]]
    split_by_parameter: Callable[[Sequence[Tensor]], list[tuple[nn.Parameter, Tensor]]]

    @classmethod
    def of(cls, forward: nn.Module) -> Parameters:
        """The parameters of a module that is to be trained."""
        if isinstance(forward, FastNetwork):
            flat, own = forward.flat, [forward.weights, forward.vectors]
            return cls(
                own[:1],
                own[1:],
                [flat.storage],
                lambda like: flat.views(like[0]),
                lambda like: list(zip(own, flat.halves(like[0]), strict=True)),
            )
        names, parameters = zip(*forward.named_parameters(), strict=True)
        return cls(
            [p for p in parameters if p.ndim > 1],
            [p for p in parameters if p.ndim <= 1],
            list(parameters),
            lambda like: dict(zip(names, like, strict=True)),
            lambda like: list(zip(parameters, like, strict=True)),
        )

    def optimizer(self, recipe: Recipe, rate: float | Tensor) -> tuple[torch.optim.SGD, list[Tensor]]:
        """Stochastic gradient descent with zero momentum, and the momentum's tensors; empty if the recipe has none.

        Weight decay applies to every parameter, as in the paper, or to those in ``decayed`` only.
        """
        groups: list[dict[str, Any]] = [{"params": self.decayed}, {"params": self.spared, "weight_decay": 0.0}]
        if recipe.decay_norms:
            groups = [{"params": [*self.decayed, *self.spared]}]
        optimizer = torch.optim.SGD(
            [group for group in groups if group["params"]],
            lr=rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.nesterov,
            fused=True,
        )
        return optimizer, self._momentum(optimizer) if recipe.momentum else []

    def _momentum(self, optimizer: torch.optim.SGD) -> list[Tensor]:
        """Zeros like ``whole``; each parameter's piece of them becomes its momentum in the optimiser."""
        momentum = [torch.zeros_like(tensor) for tensor in self.whole]
        for parameter, part in self.split_by_parameter(momentum):
            optimizer.state[parameter]["momentum_buffer"] = part
        return momentum
