"""Recipes: optimiser settings and learning rate schedules, as values that do not need torch.

A recipe does not depend on the network or the data. Every duration in it is a share of the training, so a recipe can be
used with any number of epochs.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, get_args

from seesaw_nas.core.errors import OptionError, known

Schedule = Literal["step", "exponential", "cosine", "one-cycle"]
SCHEDULES: tuple[str, ...] = get_args(Schedule)
SMALLEST_BATCH = 3  # with batches of up to 3 images that differ by at most one, no batch has a single image


@dataclass(frozen=True, slots=True)
class Recipe:
    """Stochastic gradient descent with momentum, on cross-entropy.

    Attributes:
        source: paper or measurement that the numbers come from.
        batch_size: the most images of a step; the images of an epoch are distributed evenly over its steps.
        learning_rate: the highest learning rate.
        weight_decay: weight decay of every parameter, including batch norm and the bias as in the paper, unless
            ``decay_norms`` is false.
        schedule: ``step`` multiplies the rate by ``gamma`` at each milestone; ``exponential`` multiplies it by the same
            factor after every epoch, by ``gamma`` from the first epoch to the end; ``cosine`` falls along half a cosine
            wave to 0; ``one-cycle`` rises in a straight line and falls in a straight line to 0.
        milestones: shares of the training, between 0 and 1; for ``step`` only.
        warm_up: share of the steps in which the rate rises in a straight line; for ``cosine`` and ``one-cycle``.
        dropout: probability that an input of the classifier is dropped.
        augment: whether to crop at random and, if the data set allows it, flip.
        recalibration_images: training images on which batch norm's statistics are measured again before an evaluation;
            0 keeps the running averages.
        decay_norms: whether weight decay applies to batch norm's parameters and the bias, too.
        cutout: side of a square that is hidden in each training image, as a share of the image's longer side; 0 hides
            nothing.
        mixup: both parameters of the beta distribution that the shares of two blended training images come from; 0
            blends nothing.
        ema: share of the steps over which the weights are averaged; the averages are evaluated and kept, with batch
            norm recalibrated, since its running averages belong to other weights. 0 for no averaging.

    Raises:
        OptionError: a field is out of range.
    """

    name: str
    source: str
    epochs: int
    batch_size: int
    learning_rate: float
    momentum: float
    weight_decay: float
    schedule: Schedule
    milestones: tuple[float, ...] = ()
    gamma: float = 0.1
    warm_up: float = 0.0
    nesterov: bool = False
    dropout: float = 0.0
    label_smoothing: float = 0.0
    augment: bool = True
    recalibration_images: int = 0
    decay_norms: bool = True
    cutout: float = 0.0
    mixup: float = 0.0
    ema: float = 0.0

    def __post_init__(self) -> None:
        self._check_whole("epochs", 1)
        self._check_whole("batch_size", SMALLEST_BATCH)
        self._check_whole("recalibration_images", 0)
        self._check(math.isfinite(self.learning_rate) and self.learning_rate > 0, "learning_rate", "above 0")
        self._check(math.isfinite(self.weight_decay) and self.weight_decay >= 0, "weight_decay", "at least 0")
        self._check(math.isfinite(self.mixup) and self.mixup >= 0, "mixup", "at least 0")
        for name in ("momentum", "warm_up", "dropout", "label_smoothing", "cutout", "ema"):
            self._check(0 <= getattr(self, name) < 1, name, "at least 0 and below 1")
        self._check(0 < self.gamma <= 1, "gamma", "above 0 and at most 1")
        self._check(self.momentum > 0 or not self.nesterov, "momentum", "above 0 with nesterov")
        self._check(self.recalibration_images > 0 or not self.ema, "recalibration_images", "above 0 with ema")
        self._check_schedule()

    def _check_schedule(self) -> None:
        if self.schedule not in SCHEDULES:
            raise OptionError(known("schedule", self.schedule, SCHEDULES))
        inside = all(0 < share < 1 for share in self.milestones)
        rising = list(self.milestones) == sorted(set(self.milestones))
        self._check(inside and rising, "milestones", "rising shares of the training, between 0 and 1")
        if self.schedule in ("step", "exponential"):
            self._check(self.warm_up == 0, "warm_up", f"0 with schedule '{self.schedule}'")
        if self.schedule != "step":
            self._check(not self.milestones, "milestones", f"empty with schedule '{self.schedule}'")
        if self.schedule == "one-cycle":
            self._check(self.warm_up > 0, "warm_up", "above 0 with schedule 'one-cycle'")

    def _check_whole(self, name: str, minimum: int) -> None:
        value = getattr(self, name)
        self._check(type(value) is int and value >= minimum, name, f"a whole number of at least {minimum}")

    def _check(self, holds: bool, name: str, requirement: str) -> None:
        if not holds:
            raise OptionError(f"recipe '{self.name}': {name} must be {requirement}, got {getattr(self, name)!r}")

    def with_epochs(self, epochs: int) -> Recipe:
        """The same recipe for another number of epochs: milestones and warm-up keep their shares of the training."""
        return replace(self, epochs=epochs)

    def to_dict(self) -> dict[str, Any]:
        """Every field as JSON values, so that a run can check whether the recipe of this name is still the same."""
        return asdict(self) | {"milestones": list(self.milestones)}

    def learning_rate_at(self, step: int, steps_per_epoch: int) -> float:
        """The rate of step ``step``, counted from 0 over the whole training; it is never 0.

        Raises:
            OptionError: the step lies outside the training.
        """
        steps = self.epochs * steps_per_epoch
        if not 0 <= step < steps:
            raise OptionError(f"recipe '{self.name}' has steps 0 to {steps - 1}, got step {step}")
        if self.schedule == "step":
            return self.learning_rate * self.gamma ** sum(step >= share * steps for share in self.milestones)
        if self.schedule == "exponential":
            return self.learning_rate * math.pow(self.gamma, step // steps_per_epoch / self.epochs)
        rising = round(self.warm_up * steps)
        if step < rising:
            return self.learning_rate * (step + 1) / (rising + 1)
        done = (step - rising) / (steps - rising)
        fall = 1 - done if self.schedule == "one-cycle" else (1 + math.cos(math.pi * done)) / 2
        return self.learning_rate * fall

    @property
    def summary(self) -> str:
        """One line for people, milestones in epochs: ``..., learning rate 0.1, times 0.1 at epochs 2, 3, 3.5``."""
        parts = [
            f"{self.epochs} epoch{'s' if self.epochs > 1 else ''}, batch {self.batch_size}",
            f"SGD with {'Nesterov ' if self.nesterov else ''}momentum {self.momentum:g}",
            f"weight decay {self.weight_decay:g}{'' if self.decay_norms else ' (none on batch norm and bias)'}",
            self._rate_summary(),
        ]
        if self.dropout:
            parts.append(f"dropout {self.dropout:g}")
        if self.label_smoothing:
            parts.append(f"label smoothing {self.label_smoothing:g}")
        if self.recalibration_images:
            parts.append(f"batch norm recalibrated on {self.recalibration_images:,} images")
        if self.ema:
            parts.append(f"weights averaged over {100 * self.ema:g}% of the steps")
        parts.append("augmented" if self.augment else "not augmented")
        if self.cutout:
            parts.append(f"cutout of {self.cutout:.0%} of the side")
        if self.mixup:
            parts.append(f"mixup {self.mixup:g}")
        return ", ".join(parts)

    def _rate_summary(self) -> str:
        text = f"learning rate {self.learning_rate:g}"
        if self.schedule == "step":
            epochs = ", ".join(f"{share * self.epochs:g}" for share in self.milestones)
            return f"{text}, times {self.gamma:g} at epochs {epochs}" if epochs else f"{text} throughout"
        if self.schedule == "exponential":
            return f"{text}, times {self.gamma ** (1 / self.epochs):.4g} every epoch"
        rise = f" after a warm-up over {self.warm_up:.0%} of the steps" if self.warm_up else ""
        return f"{text}, {self.schedule}{rise}"


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            name="paper",
            source="Zhang 2019, arXiv:1905.03672, CIFAR",
            epochs=400,
            batch_size=64,
            learning_rate=0.1,
            momentum=0.9,
            weight_decay=1e-4,
            schedule="step",
            milestones=(200 / 400, 300 / 400, 350 / 400),
            dropout=0.5,
        ),
        Recipe(
            name="paper-imagenet",
            source="Zhang 2019, arXiv:1905.03672, ImageNet",
            epochs=400,
            batch_size=96,
            learning_rate=0.045,
            momentum=0.9,
            weight_decay=4e-5,
            schedule="exponential",
            gamma=0.98**400,
        ),
        Recipe(
            name="modern",
            source="benchmarks/modern.py: a longer training of what a search found",
            epochs=200,
            batch_size=128,
            learning_rate=0.2,
            momentum=0.9,
            weight_decay=5e-4,
            schedule="cosine",
            warm_up=0.05,
            nesterov=True,
            label_smoothing=0.1,
            recalibration_images=5000,
            decay_norms=False,
            cutout=0.25,
            ema=0.02,
        ),
        Recipe(
            name="quick",
            source="benchmarks/schedules.py and recalibration.py: for the 1 to 10 epochs of a search's trial",
            epochs=4,
            batch_size=64,
            learning_rate=0.05,
            momentum=0.9,
            weight_decay=1e-4,
            schedule="one-cycle",
            warm_up=0.2,
            recalibration_images=1000,
        ),
    )
}

# how a step of a supernet's training chooses architectures
SAMPLINGS = {
    "single-path": "each step trains one architecture",
    "sandwich": "each step trains the costliest within the budget, and by its outputs the cheapest and two draws",
}

# how the steps of a training are executed, see seesaw_nas.training.execution
EXECUTIONS = {
    "auto": "CUDA graphs on a GPU if they agree with eager steps, else eager",
    "eager": "one operator after another",
    "graphs": "a step is recorded and replayed; wants a CUDA device",
    "compile": "by torch.compile, which takes minutes first: for long trainings; no gain on a CPU",
}


def recipe(name: str, epochs: int = 0) -> Recipe:
    """The recipe called ``name``, for its own number of epochs or another.

    Raises:
        OptionError: no such recipe; the known ones are listed.
    """
    if name not in RECIPES:
        raise OptionError(known("recipe", name, RECIPES))
    return RECIPES[name].with_epochs(epochs) if epochs else RECIPES[name]
