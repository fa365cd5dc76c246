"""Training steps of a supernet: each step draws architectures, and changes only the weights that they use."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.device import autocast, seed_generators
from seesaw_nas.core.errors import OptionError
from seesaw_nas.data import SearchData
from seesaw_nas.network.fast import Formulation, formulation_for
from seesaw_nas.network.fast.forward import Layers, features, logits_of
from seesaw_nas.network.fast.network import working_dtype
from seesaw_nas.network.models import MOMENTUM
from seesaw_nas.space import Feasible
from seesaw_nas.training.batches import TrainingBatch, draw_batches, prepare_batch, steps_per_epoch
from seesaw_nas.training.losses import cross_entropy
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.supernet.descent import Descent, WeightCopies
from seesaw_nas.training.supernet.sampling import Sample, check_recipe, sampler
from seesaw_nas.training.supernet.weights import Supernet

_DRAWS = 1  # last number of the seed for a step's architectures, so that it differs from the seed for its images


@dataclass(frozen=True, slots=True, eq=False)
class SupernetTrainer:
    """Stochastic gradient descent on a supernet's weights by one recipe; made by :meth:`of`.

    A step computes with functions of gathered weights and makes no module; batch norm keeps no statistics.

    Attributes:
        supernet: a copy of the given supernet, whose weights are trained in place.
        data: the data set, on the weights' device.
        sample: draws the architectures of a step.
        formulation: formulation in which their networks are computed.
    """

    supernet: Supernet
    data: SearchData
    recipe: Recipe
    seed: int
    sample: Sample
    formulation: Formulation
    descent: Descent

    @classmethod
    def of(
        cls, supernet: Supernet, feasible: Feasible, data: SearchData, recipe: Recipe, seed: int, sampling: str
    ) -> SupernetTrainer:
        """A trainer with zero momentum; moves the data to the weights' device.

        Raises:
            OptionError: a negative seed, no such sampling, or a recipe that averages weights.
        """
        if seed < 0:
            raise OptionError(f"a seed is a whole number of at least 0, got {seed}")
        check_recipe(recipe)
        sample, descent = sampler(sampling, feasible), Descent(supernet.weights, recipe)
        moved = replace(supernet, weights=descent.weights)
        formulation = formulation_for(supernet.device)
        return cls(moved, data.to(supernet.device), recipe, seed, sample, formulation, descent)

    @property
    def steps_per_epoch(self) -> int:
        return steps_per_epoch(self.data, self.recipe)

    def epoch(self, number: int, begun: int = 0) -> Iterator[tuple[Tensor, int]]:
        """Take the steps of epoch ``number``, from 1, after its first ``begun``; yields mean loss and number of images.

        Batches are the same as for a single network; the architectures depend on the seed and the step only.
        """
        for batch in draw_batches(self.data, self.recipe, self.seed, number, begun):
            drawn = self.sample(np.random.default_rng((self.seed, number, batch.number, _DRAWS)))
            with seed_generators(batch.dropout, self.supernet.device):
                loss = self.step(batch, drawn)
            yield loss, len(batch.labels)

    def step(self, batch: TrainingBatch, drawn: list[Architecture]) -> Tensor:
        """Take one step; returns the mean loss of the first architecture, on the device.

        The first architecture learns from the labels, the others from its outputs; all gradients are added up.
        """
        x, targets = prepare_batch(self.data, self.recipe, batch.images, batch.labels, batch.blend)
        teacher, *others = drawn
        first, logits, loss = self._learn(teacher, x, targets, self.recipe.label_smoothing)
        copies = [first]
        if others:
            answers = logits.softmax(1)  # (n, classes)
            copies += [self._learn(student, x, answers, 0.0)[0] for student in others]
        self.descent.move(copies, self.recipe.learning_rate_at(batch.number, self.steps_per_epoch))
        return loss

    def _learn(
        self, architecture: Architecture, x: Tensor, targets: Tensor, smoothing: float
    ) -> tuple[WeightCopies, Tensor, Tensor]:
        """Forward and backward pass; returns the weights with gradients, the logits (n, classes) and the mean loss."""
        copies = self.descent.take(self.supernet.select(architecture, self.formulation.multiple))
        with autocast(self.supernet.device):
            logits = self._logits(architecture, copies, x)
        loss, gradient = cross_entropy(logits.detach(), targets, smoothing)
        logits.backward(gradient)  # type: ignore[no-untyped-call]
        return copies, logits.detach(), loss

    def _logits(self, architecture: Architecture, copies: WeightCopies, x: Tensor) -> Tensor:
        """(N, input_channels, H, W), normalised, to (N, classes)."""
        weights = copies.weights.to(working_dtype(copies.weights))
        layers = Layers.of(copies.selection.layers, weights, copies.vectors, None)
        pooled = features(architecture, layers, x, self.formulation, MOMENTUM)  # (N, head.channels)
        return logits_of(F.dropout(pooled, self.recipe.dropout), layers)
