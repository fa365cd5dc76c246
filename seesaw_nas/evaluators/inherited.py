"""Evaluators that begin with a supernet's weights: as they are, or trained on for a while.

Cai et al. 2020, arXiv:1908.09791, for taking over weights; Guo et al. 2020, arXiv:1904.00420, for recalibration.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import isfinite
from pathlib import Path

import torch
from torch import Tensor

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import TrainingFailed
from seesaw_nas.data import Images, SearchData, check_fits
from seesaw_nas.evaluators import Score
from seesaw_nas.network.fast import formulation_for
from seesaw_nas.network.fast.forward import Layers, measure
from seesaw_nas.network.folded import rule
from seesaw_nas.network.folded.folding import fold_wired
from seesaw_nas.network.folded.fused import classify
from seesaw_nas.training import accuracy
from seesaw_nas.training.loop import OnEpoch, train
from seesaw_nas.training.memory import explain_out_of_memory
from seesaw_nas.training.recalibration import normalised_batches
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.step import OnStep
from seesaw_nas.training.supernet import Supernet
from seesaw_nas.training.timing import step_seconds, trial_seconds

RECALIBRATION_IMAGES = 500
BATCH = 500
AT_ONCE = 16  # scores for which images are normalised, and the device is waited for, once
TUNING_RATE = 0.4  # of the recipe's learning rate, for weights that are trained already


@dataclass(frozen=True)
class InheritedEvaluator:
    """Top-1 with the weights that a supernet has for the architecture; batch norm is recalibrated on training images.

    Nothing is random: every seed gets the same score. The images that it takes are kept in memory.

    Attributes:
        data: on ``device``.
    """

    supernet: Supernet
    data: SearchData
    device: torch.device | str = "cpu"

    @property
    def epochs(self) -> int:
        return 1

    @property
    def at_once(self) -> int:
        return AT_ONCE

    def evaluate(
        self,
        architecture: Architecture,
        *,
        seed: int,
        until: int | None = None,
        checkpoint: Path | None = None,
        on_epoch: OnEpoch | None = None,
        on_step: OnStep | None = None,
    ) -> Score:
        """Validation top-1 of ``architecture`` with inherited weights; see :class:`seesaw_nas.evaluators.Evaluator`.

        Raises:
            SpecError: the architecture is not in the supernet's space, or wants other images than the data have.
            TrainingFailed: the network's outputs are not finite, or memory ran out.
        """
        return self.scores([architecture])[0]

    def scores(self, architectures: Sequence[Architecture]) -> list[Score]:
        """Of each architecture, in order; a batch of images is made ready once for all of them.

        Raises:
            SpecError, TrainingFailed: as for :meth:`evaluate`.
        """
        started, data = time.monotonic(), self.data
        with explain_out_of_memory(self.device, "for inherited scores", "take smaller images"):
            forwards = [self._forward(architecture) for architecture in architectures]
            found = accuracy.tally(
                forwards, self._validation, data.mean, data.std, device=self.device, batch_size=BATCH
            )
        seconds = (time.monotonic() - started) / max(1, len(forwards))
        if not all(isfinite(score.loss) for score in found):
            raise TrainingFailed("the inherited weights give no finite loss; train the supernet at a lower rate")
        return [Score(score.top1, "validation", seconds, note="inherited weights, untrained") for score in found]

    @torch.inference_mode()
    def _forward(self, architecture: Architecture) -> accuracy.Forward:
        """Its network for inference, with batch norm statistics of its own."""
        check_fits(architecture, self.data)
        selection, device = self.supernet.select(architecture), self._weights.device
        weights, vectors = selection.layers.split(self._weights.index_select(0, selection.index))
        statistics = weights.new_zeros(2, selection.layers.channels)
        layers = Layers.of(selection.layers, weights, vectors, selection.layers.split_statistics(statistics))
        measure(architecture, layers, self._calibration, formulation_for(device))
        folded = fold_wired(selection.layers, weights, vectors, statistics)
        return partial(classify, folded, rule.eager(device))

    @cached_property
    def _weights(self) -> Tensor:
        """(P + 1,): a copy of the supernet's weights, and a zero."""
        weights = self.supernet.weights.detach()
        return torch.cat([weights, weights.new_zeros(1)])

    @cached_property
    def _calibration(self) -> list[Tensor]:
        """Batches of images that batch norm is recalibrated on."""
        return list(normalised_batches(self.data.train.first(RECALIBRATION_IMAGES), self.data.mean, self.data.std))

    @cached_property
    def _validation(self) -> Images:
        return self.data.validation.in_memory()

    def on(self, device: torch.device | str) -> InheritedEvaluator:
        """The same on another device, which gets a copy of the weights and of the images."""
        return replace(self, supernet=self.supernet.to(device), data=self.data.to(device), device=device)

    def estimate(self, architecture: Architecture) -> float:
        """Seconds of one score: the second of two, which finds everything made ready."""
        self.evaluate(architecture, seed=0)
        return self.evaluate(architecture, seed=0).seconds


@dataclass(frozen=True, slots=True)
class TunedEvaluator:
    """Takes over a supernet's weights and trains the network on by itself, at a part of the recipe's learning rate.

    Attributes:
        data: on ``device``.
        recipe: with the epochs of this training on.
    """

    supernet: Supernet
    data: SearchData
    recipe: Recipe
    device: torch.device | str = "cpu"

    @property
    def epochs(self) -> int:
        return self.recipe.epochs

    def evaluate(
        self,
        architecture: Architecture,
        *,
        seed: int,
        until: int | None = None,
        checkpoint: Path | None = None,
        on_epoch: OnEpoch | None = None,
        on_step: OnStep | None = None,
    ) -> Score:
        """Validation top-1 after training on; see :class:`seesaw_nas.evaluators.Evaluator`.

        Raises:
            SpecError: the architecture is not in the supernet's space, or wants other images than the data have.
            TrainingFailed: the loss is not finite, or memory ran out.
        """
        check_fits(architecture, self.data)
        trained = train(
            self.supernet.extract(architecture),
            self.data,
            self._recipe,
            seed=seed,
            device=self.device,
            on_epoch=on_epoch,
            on_step=on_step,
            checkpoint=checkpoint,
            until=until,
        )
        return Score(trained.top1, "validation", trained.seconds, trained.curve, note="began with inherited weights")

    @property
    def _recipe(self) -> Recipe:
        return replace(self.recipe, learning_rate=TUNING_RATE * self.recipe.learning_rate)

    def on(self, device: torch.device | str) -> TunedEvaluator:
        """The same on another device, which gets a copy of the weights and of the images."""
        return replace(self, supernet=self.supernet.to(device), data=self.data.to(device), device=device)

    def estimate(self, architecture: Architecture) -> float:
        """Seconds of a whole training on, from a few timed steps."""
        return trial_seconds(step_seconds(architecture, self.data, self.recipe, self.device), self.data, self.recipe)
