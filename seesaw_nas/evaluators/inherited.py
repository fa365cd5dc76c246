"""The evaluator that takes over a supernet's weights as they are.

Cai et al. 2020, arXiv:1908.09791, for taking over weights; Guo et al. 2020, arXiv:1904.00420, for recalibration.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import isfinite

import torch
from torch import Tensor

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import TrainingFailed
from seesaw_nas.data import Images, SearchData, check_fits
from seesaw_nas.evaluators.base import Evaluator, EvaluatorSetting, Request, Score
from seesaw_nas.network.fast import formulation_for
from seesaw_nas.network.fast.forward import Layers, measure
from seesaw_nas.network.folded import rule
from seesaw_nas.network.folded.folding import fold_wired
from seesaw_nas.network.folded.fused import classify
from seesaw_nas.training import accuracy, supernet
from seesaw_nas.training.memory import explain_out_of_memory
from seesaw_nas.training.recalibration import normalised_batches
from seesaw_nas.training.supernet import Supernet

RECALIBRATION_IMAGES = 500
BATCH = 500
AT_ONCE = 16  # scores for which images are normalised, and the device is waited for, once


@dataclass(frozen=True)
class InheritedEvaluator(Evaluator):
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

    def score(self, architecture: Architecture, request: Request) -> Score:
        """Validation top-1 of ``architecture`` with inherited weights, whatever the request.

        Raises:
            SpecError: the architecture is not in the supernet's space, or wants other images than the data have.
            TrainingFailed: the network's outputs are not finite, or memory ran out.
        """
        return self.scores([architecture])[0]

    def scores(self, architectures: Sequence[Architecture]) -> list[Score]:
        """Of each architecture, in order; a batch of images is made ready once for all of them.

        Raises:
            SpecError, TrainingFailed: as for :meth:`score`.
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


def make(setting: EvaluatorSetting) -> InheritedEvaluator:
    """Scores with the supernet in the setting's folder.

    Raises:
        RunError: there is none, or it is of another space.
    """
    assert setting.supernet is not None, "settings name the supernet"
    return InheritedEvaluator(supernet.load(setting.supernet / supernet.WEIGHTS, setting.space), setting.images)
