"""A step of a supernet's training: the architectures that it draws learn, and only their weights move."""

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
from seesaw_nas.training.supernet.descent import Descent, Taken
from seesaw_nas.training.supernet.sampling import Sample, check_recipe, sampler
from seesaw_nas.training.supernet.weights import Supernet

_DRAWS = 1  # ends the entropy of a step's architectures, which so differs from that of its images


@dataclass(frozen=True, slots=True, eq=False)
class SupernetTrainer:
    """Stochastic gradient descent on a supernet's weights by one recipe; :meth:`of` makes it.

    A step computes by functions of gathered weights and makes no module; batch norm keeps no statistics.

    Attributes:
        supernet: whose weights move, in place; a copy of the one that was given.
        data: on the weights' device.
        sample: draws the architectures of a step.
        formulation: in which their networks are computed.
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
        """With no momentum yet, and the data moved to the weights' device.

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
        """Take the steps of epoch ``number``, from 1, after its first ``begun``; of each, its mean loss and its images.

        The images are dealt as to a single network; the architectures follow from seed and step alone.
        """
        for batch in draw_batches(self.data, self.recipe, self.seed, number, begun):
            drawn = self.sample(np.random.default_rng((self.seed, number, batch.number, _DRAWS)))
            with seed_generators(batch.dropout, self.supernet.device):
                loss = self.step(batch, drawn)
            yield loss, len(batch.labels)

    def step(self, batch: TrainingBatch, drawn: list[Architecture]) -> Tensor:
        """One step; the mean loss of the first architecture, on the device.

        The first learns from the labels, the others from the first one's answers; the gradients are added up.
        """
        x, targets = prepare_batch(self.data, self.recipe, batch.images, batch.labels, batch.blend)
        teacher, *others = drawn
        first, logits, loss = self._learn(teacher, x, targets, self.recipe.label_smoothing)
        taken = [first]
        if others:
            answers = logits.softmax(1)  # (n, classes)
            taken += [self._learn(student, x, answers, 0.0)[0] for student in others]
        self.descent.move(taken, self.recipe.learning_rate_at(batch.number, self.steps_per_epoch))
        return loss

    def _learn(
        self, architecture: Architecture, x: Tensor, targets: Tensor, smoothing: float
    ) -> tuple[Taken, Tensor, Tensor]:
        """Forward and backward: its weights with their gradients, its logits (n, classes) and its mean loss."""
        taken = self.descent.take(self.supernet.select(architecture, self.formulation.multiple))
        with autocast(self.supernet.device):
            logits = self._logits(architecture, taken, x)
        loss, gradient = cross_entropy(logits.detach(), targets, smoothing)
        logits.backward(gradient)  # type: ignore[no-untyped-call]
        return taken, logits.detach(), loss

    def _logits(self, architecture: Architecture, taken: Taken, x: Tensor) -> Tensor:
        """(N, input_channels, H, W), normalised, to (N, classes)."""
        weights = taken.weights.to(working_dtype(taken.weights))
        layers = Layers.of(taken.selection.layers, weights, taken.vectors, None)
        pooled = features(architecture, layers, x, self.formulation, MOMENTUM)  # (N, head.channels)
        return logits_of(F.dropout(pooled, self.recipe.dropout), layers)
