"""One model, its optimiser and its data on one device: a step, and an epoch of steps.

Every epoch derives its order of images, its augmentation and its dropout from (seed, epoch) alone, so no generator
state outlives it. Nothing in an epoch waits for the device: the loss adds up there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seesaw_nas.data import SearchData, normalise
from seesaw_nas.device import autocast, laid_out, place, seeded
from seesaw_nas.errors import OptionError
from seesaw_nas.fast import fastest
from seesaw_nas.recipes import Recipe

OnStep = Callable[[int, int], None]
"""Called with the steps done and the steps there are; it must not wait for the device."""


@dataclass(frozen=True, slots=True)
class Trainer:
    """Stochastic gradient descent by one recipe; :meth:`of` makes it.

    Attributes:
        model: what is trained, evaluated and kept.
        forward: what a step calls: the same network in its fastest formulation, or ``model`` itself.
    """

    model: nn.Module
    forward: nn.Module
    optimizer: torch.optim.SGD
    data: SearchData
    recipe: Recipe
    seed: int
    device: torch.device

    @classmethod
    def of(cls, model: nn.Module, data: SearchData, recipe: Recipe, seed: int, device: torch.device) -> Trainer:
        """The model and the data moved to the device, and a fresh optimiser.

        Weight decay falls on every parameter, batch norm's and the bias included: the paper excepts none.

        Raises:
            OptionError: a negative seed.
        """
        if seed < 0:
            raise OptionError(f"a seed is a whole number of at least 0, got {seed}")
        place(model, device)
        optimizer = torch.optim.SGD(
            model.parameters(),
            lr=recipe.learning_rate,
            momentum=recipe.momentum,
            weight_decay=recipe.weight_decay,
            nesterov=recipe.nesterov,
            fused=True,
        )
        return cls(model, fastest(model), optimizer, data.to(device), recipe, seed, device)

    @property
    def steps_per_epoch(self) -> int:
        return math.ceil(len(self.data.train) / self.recipe.batch_size)

    def epoch(self, number: int, on_step: OnStep | None = None) -> float:
        """Train epoch ``number``, from 1; the mean loss over its images.

        The images are dealt evenly: each once an epoch, in batches that differ by one image at most. So nothing is
        dropped, and no last batch is a single image, which batch norm cannot take.
        """
        order_seed, augment_seed, dropout_seed = map(int, np.random.SeedSequence((self.seed, number)).generate_state(3))
        n, steps = len(self.data.train), self.steps_per_epoch
        order = torch.randperm(n, generator=torch.Generator().manual_seed(order_seed)).to(self.device)
        batches = self.data.dealt(order.tensor_split(steps), augmented=self.recipe.augment, seed=augment_seed)
        total = torch.zeros((), dtype=torch.float64, device=self.device)
        self.model.train()
        with seeded(dropout_seed, self.device):
            for done, (images, labels) in enumerate(batches, start=(number - 1) * steps):
                total += self.step(done, images, labels) * len(labels)
                if on_step:
                    on_step(done + 1, steps * self.recipe.epochs)
        return total.item() / n

    def step(self, number: int, images: Tensor, labels: Tensor) -> Tensor:
        """Step ``number``, from 0, on uint8 images (n, C, H, W); their mean loss, on the device."""
        data, recipe = self.data, self.recipe
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.learning_rate_at(number, self.steps_per_epoch)
        x = laid_out(normalise(images, data.mean, data.std))
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device):
            logits = self.forward(x)  # (n, classes)
        loss = F.cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return loss.detach()
