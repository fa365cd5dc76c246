"""One model, its optimiser and its data on one device: a step, and the steps of an epoch.

Every step derives its augmentation, its blending and its dropout from (seed, epoch, step) alone, every epoch its order
of images from (seed, epoch). So no generator state outlives a step, and an epoch can begin in its middle. Nothing in a
step waits for the device.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from seesaw_nas.averaging import Average
from seesaw_nas.data import SearchData, normalise
from seesaw_nas.data.mixing import draw_cutout, draw_mixup
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
        average: of the weights, where the recipe wants one.
    """

    model: nn.Module
    forward: nn.Module
    optimizer: torch.optim.SGD
    data: SearchData
    recipe: Recipe
    seed: int
    device: torch.device
    average: Average | None

    @classmethod
    def of(cls, model: nn.Module, data: SearchData, recipe: Recipe, seed: int, device: torch.device) -> Trainer:
        """The model and the data moved to the device, and a fresh optimiser.

        Raises:
            OptionError: a negative seed.
        """
        if seed < 0:
            raise OptionError(f"a seed is a whole number of at least 0, got {seed}")
        place(model, device)
        steps = recipe.epochs * _steps_per_epoch(data, recipe)
        average = Average.of(model, recipe.ema * steps) if recipe.ema else None
        optimizer = _optimizer(model, recipe)
        return cls(model, fastest(model), optimizer, data.to(device), recipe, seed, device, average)

    @property
    def steps_per_epoch(self) -> int:
        return _steps_per_epoch(self.data, self.recipe)

    def epoch(self, number: int, begun: int = 0) -> Iterator[Tensor]:
        """Take the steps of epoch ``number``, from 1, after its first ``begun``; of each, its images' summed loss.

        The images are dealt evenly: each once an epoch, in batches that differ by one image at most. So nothing is
        dropped, and no last batch is a single image, which batch norm cannot take. The sums stay on the device.
        """
        steps = self.steps_per_epoch
        order_seed, *seeds = map(int, np.random.SeedSequence((self.seed, number)).generate_state(1 + 3 * steps))
        order = torch.randperm(len(self.data.train), generator=torch.Generator().manual_seed(order_seed))
        chosen = order.to(self.device).tensor_split(steps)[begun:]
        augment, blend, dropout = (seeds[i::3][begun:] for i in range(3))
        batches = self.data.dealt(chosen, augmented=self.recipe.augment, seeds=augment)
        self.model.train()
        for i, (images, labels) in enumerate(batches):
            done = (number - 1) * steps + begun + i
            with seeded(dropout[i], self.device):
                loss = self.step(done, images, labels, np.random.default_rng(blend[i]))
            yield loss * len(labels)

    def step(self, number: int, images: Tensor, labels: Tensor, generator: np.random.Generator | None = None) -> Tensor:
        """Step ``number``, from 0, on uint8 images (n, C, H, W); their mean loss, on the device.

        Args:
            generator: of what is hidden and blended, for a recipe that wants it; dropout draws from torch's global
                generators.
        """
        recipe = self.recipe
        for group in self.optimizer.param_groups:
            group["lr"] = recipe.learning_rate_at(number, self.steps_per_epoch)
        x, targets = self._blended(normalise(images, self.data.mean, self.data.std), labels, generator)
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device):
            logits = self.forward(laid_out(x))  # (n, classes)
        loss = F.cross_entropy(logits.float(), targets, label_smoothing=recipe.label_smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        if self.average:
            self.average.move(number)
        return loss.detach()

    def _blended(self, x: Tensor, labels: Tensor, generator: np.random.Generator | None) -> tuple[Tensor, Tensor]:
        """The images, and their labels (n,) or, blended, the chances of their classes (n, classes)."""
        recipe = self.recipe
        if not (recipe.cutout or recipe.mixup):
            return x, labels
        assert generator is not None, "this recipe hides or blends"
        if recipe.cutout:
            x = draw_cutout(x, recipe.cutout, generator)
        classes = len(self.data.classes)
        return draw_mixup(x, labels, classes, recipe.mixup, generator) if recipe.mixup else (x, labels)

    def averaged(self) -> AbstractContextManager[None]:
        """The model has the weights that count in the body: the averaged ones where there are such."""
        return self.average.in_place() if self.average else nullcontext()


def _steps_per_epoch(data: SearchData, recipe: Recipe) -> int:
    return math.ceil(len(data.train) / recipe.batch_size)


def _optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """Weight decay falls on every parameter, as in the paper, or on those alone that multiply channels."""
    spared = [] if recipe.decay_norms else [weight for weight in model.parameters() if weight.ndim <= 1]
    decayed = [weight for weight in model.parameters() if recipe.decay_norms or weight.ndim > 1]
    groups: list[dict[str, Any]] = [{"params": decayed}, {"params": spared, "weight_decay": 0.0}]
    return torch.optim.SGD(
        [group for group in groups if group["params"]],
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.nesterov,
        fused=True,
    )
