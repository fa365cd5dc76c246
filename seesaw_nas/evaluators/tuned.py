"""The evaluator that takes over a supernet's weights and trains on.

Cai et al. 2020, arXiv:1908.09791.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.data import SearchData, check_fits
from seesaw_nas.evaluators.base import Evaluator, EvaluatorSetting, Request, Score
from seesaw_nas.training import supernet
from seesaw_nas.training.loop import train
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.supernet import Supernet
from seesaw_nas.training.timing import image_seconds, step_seconds, trial_seconds

TUNING_RATE = 0.4  # of the recipe's learning rate, for weights that are trained already


@dataclass(frozen=True, slots=True)
class TunedEvaluator(Evaluator):
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

    def score(self, architecture: Architecture, request: Request) -> Score:
        """Validation top-1 after training on.

        Raises:
            SpecError: the architecture is not in the supernet's space, or wants other images than the data have.
            TrainingFailed: the loss is not finite, or memory ran out.
        """
        check_fits(architecture, self.data)
        trained = train(
            self.supernet.extract(architecture),
            self.data,
            self._recipe,
            seed=request.seed,
            device=self.device,
            on_epoch=request.on_epoch,
            on_step=request.on_step,
            checkpoint=request.checkpoint,
            until=request.until,
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
        step = step_seconds(architecture, self.data, self.recipe, self.device)
        image = image_seconds(architecture, self.data, self.recipe, self.device)
        return trial_seconds(step, self.data, self.recipe, image=image)


def make(setting: EvaluatorSetting) -> TunedEvaluator:
    """Training on by the recipe of the setting.

    Raises:
        RunError: there is no supernet in its folder, or it is of another space.
    """
    assert setting.supernet is not None, "settings name the supernet"
    shared = supernet.load(setting.supernet / supernet.WEIGHTS, setting.space)
    return TunedEvaluator(shared, setting.images, setting.recipe)
