"""The evaluator that trusts nothing but training: from scratch, then scored on the validation images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.data import Images, SearchData, channel_means, check_fits
from seesaw_nas.data.checksum import checksums
from seesaw_nas.evaluators.base import Evaluator, EvaluatorSetting, Request, Score
from seesaw_nas.evaluators.subject import Subject
from seesaw_nas.network.models import build
from seesaw_nas.training.execution import AUTOMATIC, Execution
from seesaw_nas.training.loop import train
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.timing import image_seconds, step_seconds, trial_seconds

SAMPLE = 256  # streamed validation images that channel means are taken over


@dataclass(frozen=True, slots=True)
class TrainedEvaluator(Evaluator):
    """Trains each architecture by one recipe; one seed decides initial weights, order, augmentation and dropout.

    Attributes:
        data: kept where it lies; give it on ``device`` to move it once, not once a trial.
        curve: whether every epoch is validated; without, the last one is, and where a trial pauses.
        execution: of the steps.
    """

    data: SearchData
    recipe: Recipe
    device: torch.device | str = "cpu"
    curve: bool = True
    execution: Execution = AUTOMATIC

    @property
    def epochs(self) -> int:
        return self.recipe.epochs

    def score(self, architecture: Architecture, request: Request) -> Score:
        """Validation top-1 of ``architecture`` after training.

        Raises:
            SpecError: the architecture wants other images or another number of classes than the data have.
            TrainingFailed: the loss is not finite, or memory ran out.
        """
        check_fits(architecture, self.data)
        model = build(architecture, dropout=self.recipe.dropout, seed=request.seed)
        trained = train(
            model,
            self.data,
            self.recipe,
            seed=request.seed,
            device=self.device,
            on_epoch=request.on_epoch,
            on_step=request.on_step,
            checkpoint=request.checkpoint,
            until=request.until,
            evaluate_each_epoch=self.curve,
            execution=self.execution,
        )
        return Score(trained.top1, "validation", trained.seconds, trained.curve, trained.note)

    def on(self, device: torch.device | str) -> TrainedEvaluator:
        """The same on another device, which gets a copy of the images."""
        return replace(self, data=self.data.to(device), device=device)

    def with_epochs(self, epochs: int) -> TrainedEvaluator:
        """The same by the recipe fitted to so many epochs: rates fall as far, warm-up keeps its share."""
        return replace(self, recipe=self.recipe.with_epochs(epochs))

    def estimate(self, architecture: Architecture) -> float:
        """Seconds of a whole training, from a few timed steps."""
        step = step_seconds(architecture, self.data, self.recipe, self.device, self.execution)
        image = image_seconds(architecture, self.data, self.recipe, self.device)
        return trial_seconds(step, self.data, self.recipe, image=image, each_epoch=self.curve)


def make(setting: EvaluatorSetting) -> TrainedEvaluator:
    """Training by the recipe of the setting."""
    return TrainedEvaluator(setting.images, setting.recipe, curve=setting.curve)


def subject(data: SearchData, whole: SearchData | None = None) -> Subject:
    """What these images are, for those who need not load them.

    Args:
        whole: all images, where ``data`` are a part of them.
    """
    scored = data.validation if isinstance(data.validation, Images) else None
    shown = scored or Images(part := data.validation.first(SAMPLE), data.validation.labels[: len(part)])
    sums = checksums(whole or data)
    return Subject(
        data.name,
        data.input,
        len(data.classes),
        len(data.train),
        len(data.validation),
        class_names=data.classes,
        mean=_rounded(data.mean),
        validation_mean=_rounded(channel_means(shown)),
        streamed=scored is None,
        std=_rounded(data.std),
        augmentation=f"{'mirrored' if data.flip else 'not mirrored'}, padded by {data.padding}",
        labels=sums.labels,
        pixels=sums.pixels,
        decoder=sums.decoder,
    )


def _rounded(means: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(mean, 6) for mean in means)
