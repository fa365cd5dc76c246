"""A step of a supernet's training: the architectures that it draws learn, and only their weights move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from seesaw_nas.batches import Dealt, deal, readied, steps_per_epoch
from seesaw_nas.data import SearchData
from seesaw_nas.device import autocast, seeded
from seesaw_nas.errors import OptionError
from seesaw_nas.recipes import Recipe
from seesaw_nas.space import Feasible
from seesaw_nas.spec import Architecture
from seesaw_nas.supernet.descent import Descent
from seesaw_nas.supernet.sampling import Sample, check_recipe, sampler
from seesaw_nas.supernet.weights import Supernet
from seesaw_nas.supernet.workshop import Workshop

_DRAWS = 1  # ends the entropy of a step's architectures, which so differs from that of its images


@dataclass(frozen=True, slots=True, eq=False)
class SupernetTrainer:
    """Stochastic gradient descent on a supernet's weights by one recipe; :meth:`of` makes it.

    Attributes:
        supernet: whose weights move, in place.
        data: on the weights' device.
        sample: draws the architectures of a step.
    """

    supernet: Supernet
    data: SearchData
    recipe: Recipe
    seed: int
    sample: Sample
    workshop: Workshop
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
        sample, workshop = sampler(sampling, feasible), Workshop(supernet.device, recipe.dropout)
        descent = Descent(supernet.layout, supernet.weights, recipe)
        return cls(supernet, data.to(supernet.device), recipe, seed, sample, workshop, descent)

    @property
    def steps_per_epoch(self) -> int:
        return steps_per_epoch(self.data, self.recipe)

    def epoch(self, number: int, begun: int = 0) -> Iterator[Tensor]:
        """Take the steps of epoch ``number``, from 1, after its first ``begun``; of each, its images' summed loss.

        The images are dealt as to a single network; the architectures follow from seed and step alone.
        """
        for batch in deal(self.data, self.recipe, self.seed, number, begun):
            drawn = self.sample(np.random.default_rng((self.seed, number, batch.number, _DRAWS)))
            with seeded(batch.dropout, self.supernet.device):
                loss = self.step(batch, drawn)
            yield loss * len(batch.labels)

    def step(self, batch: Dealt, drawn: list[Architecture]) -> Tensor:
        """One step; the mean loss of the first architecture, on the device.

        The first learns from the labels, the others from the first one's answers; the gradients are added up.
        """
        x, targets = readied(self.data, self.recipe, batch.images, batch.labels, batch.blend)
        teacher, *others = drawn
        index, gradient, logits, loss = self._learnt(teacher, x, targets, self.recipe.label_smoothing)
        if others:
            answers = logits.softmax(1)  # (n, classes)
            found = [self._learnt(student, x, answers, 0.0)[:2] for student in others]
            index, gradient = _summed(len(self.descent.weights), [(index, gradient), *found])
        self.descent.move(index, gradient, self.recipe.learning_rate_at(batch.number, self.steps_per_epoch))
        return loss

    def _learnt(
        self, architecture: Architecture, x: Tensor, targets: Tensor, smoothing: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Forward and backward: the index of its weights, their gradient, its logits (n, classes) and mean loss."""
        index = self.supernet.index(architecture)
        ready = self.workshop.network(architecture, self.descent.weights.index_select(0, index))
        with autocast(self.supernet.device):
            logits = ready.forward(x).float()
        loss = F.cross_entropy(logits, targets, label_smoothing=smoothing)
        loss.backward()  # type: ignore[no-untyped-call]
        return index, ready.gradient(), logits.detach(), loss.detach()


def _summed(size: int, parts: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """The entries that any part has, ascending, and the sums of their gradients."""
    total = parts[0][1].new_zeros(size)
    touched = torch.zeros(size, dtype=torch.bool, device=total.device)
    for index, gradient in parts:
        total.index_add_(0, index, gradient)
        touched[index] = True
    index = touched.nonzero().flatten()
    return index, total[index]
