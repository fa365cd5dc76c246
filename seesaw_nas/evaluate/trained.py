"""The evaluator that trusts nothing but training: from scratch, then scored on the validation images."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from seesaw_nas.data import SearchData
from seesaw_nas.errors import SpecError
from seesaw_nas.evaluate import Score
from seesaw_nas.models import build
from seesaw_nas.recipes import Recipe
from seesaw_nas.sgd import OnStep
from seesaw_nas.spec import Architecture
from seesaw_nas.training import OnEpoch, train


@dataclass(frozen=True, slots=True)
class TrainedEvaluator:
    """Trains each architecture by one recipe; one seed decides initial weights, order, augmentation and dropout.

    Attributes:
        data: kept where it lies; give it on ``device`` to move it once, not once a trial.
        epochs: in place of the recipe's.
    """

    data: SearchData
    recipe: Recipe
    epochs: int | None = None
    device: torch.device | str = "cpu"

    def evaluate(
        self,
        architecture: Architecture,
        *,
        seed: int,
        on_epoch: OnEpoch | None = None,
        on_step: OnStep | None = None,
    ) -> Score:
        """Validation top-1 of ``architecture`` after training; see :class:`seesaw_nas.evaluate.Evaluator`.

        Raises:
            SpecError: the architecture wants other images or another number of classes than the data have.
            TrainingFailed: the loss is not finite, or memory ran out.
        """
        check_fits(architecture, self.data)
        model = build(architecture, dropout=self.recipe.dropout, seed=seed)
        trained = train(
            model,
            self.data,
            self.recipe,
            seed=seed,
            device=self.device,
            epochs=self.epochs,
            on_epoch=on_epoch,
            on_step=on_step,
        )
        return Score(
            top1=trained.top1,
            loss=trained.loss,
            split="validation",
            seconds=trained.seconds,
            n_train=len(self.data.train),
            n_validation=len(self.data.validation),
            curve=trained.curve,
        )


def check_fits(architecture: Architecture, data: SearchData) -> None:
    """Refuse an architecture that these images cannot train.

    Raises:
        SpecError: it wants other images or another number of classes than the data have.
    """
    if architecture.input != data.input:
        raise SpecError(f"images of {data.name} have shape {data.input}, the architecture reads {architecture.input}")
    if architecture.classes != len(data.classes):
        raise SpecError(f"{data.name} has {len(data.classes)} classes, the architecture {architecture.classes}")
