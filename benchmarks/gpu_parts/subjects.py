"""What is measured, by the product's own interfaces: a training step in each form, a supernet's step, a score.

This file alone knows how the product is asked to train, so it alone changes when that does.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from gpu_parts.setting import Setting, random_images
from seesaw_nas import space
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.data import SearchData
from seesaw_nas.evaluators.inherited import InheritedEvaluator
from seesaw_nas.network.models import build
from seesaw_nas.space import Feasible
from seesaw_nas.training import recipes
from seesaw_nas.training.batches import draw_batches, prepare_batch, steps_per_epoch
from seesaw_nas.training.execution import Execution
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.step import Trainer
from seesaw_nas.training.supernet import Supernet
from seesaw_nas.training.supernet.trainer import SupernetTrainer

Step = Callable[[], object]  # takes the next step of a training without waiting for the device; returns its loss

FORMS = ("plain", "ours", "ours, graphs")
COMPILED = "compiled"
EXECUTIONS = {"ours": "eager", "ours, graphs": "graphs", COMPILED: "compile"}
TRAIN_OPTIONS = {form: ("--execution", EXECUTIONS[form]) for form in FORMS[1:]}  # of the verb train
ENDLESS = 100_000  # epochs: no measurement reaches the end of the schedule


def forms(setting: Setting) -> tuple[str, ...]:
    """Those that the device can be asked for; ``compiled`` has a part of its own."""
    return FORMS if setting.on_cuda else FORMS[:2]


def recipe_of(name: str, batch: int, **changes: Any) -> Recipe:
    return replace(recipes.recipe(name), **{"batch_size": batch, "epochs": ENDLESS, **changes})


def step_of(
    setting: Setting,
    form: str,
    recipe: Recipe,
    architecture: Architecture | None = None,
    data: SearchData | None = None,
) -> Step:
    """The steps of a fresh training of the setting's network, or another, on random images or others.

    Each returns its mean loss.
    """
    architecture = architecture or setting.architecture
    data = data or random_images(recipe.batch_size * (8 if setting.smoke else 32), architecture.input)
    if form == "plain":
        return plain_step(setting, recipe, architecture, data)
    execution = Execution(EXECUTIONS[form])
    model = build(architecture, dropout=recipe.dropout, seed=0)
    trainer = Trainer.of(model, data, recipe, 0, setting.device, execution=execution)
    return _endless(lambda number: (loss for loss, _ in trainer.epoch(number)))


def plain_step(
    setting: Setting,
    recipe: Recipe,
    architecture: Architecture,
    data: SearchData,
    layout: torch.memory_format = torch.contiguous_format,
) -> Step:
    """The paper's definition as a user would train it: eager, torch's own optimiser, autocast to bfloat16 on CUDA.

    It gets the same batches and rates as ours, and averages no weights, which is to its advantage.
    """
    device, data = setting.device, data.to(setting.device)
    model = build(architecture, dropout=recipe.dropout, seed=0)
    model.to(device).to(memory_format=layout).train()  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(
        model.parameters(), recipe.learning_rate, recipe.momentum, 0.0, recipe.weight_decay, recipe.nesterov
    )

    steps = steps_per_epoch(data, recipe)

    def train(number: int) -> Iterator[object]:
        for batch in draw_batches(data, recipe, 0, number):
            for group in optimizer.param_groups:
                group["lr"] = recipe.learning_rate_at(batch.number, steps)
            x, targets = prepare_batch(data, recipe, batch.images, batch.labels, batch.blend)
            x = x.contiguous(memory_format=layout)
            optimizer.zero_grad()
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                loss = F.cross_entropy(model(x), targets, label_smoothing=recipe.label_smoothing)
            loss.backward()
            optimizer.step()
            yield loss.detach()

    return _endless(train)


def _endless(epoch: Callable[[int], Iterator[object]]) -> Step:
    steps = (step for number in itertools.count(1) for step in epoch(number))
    return lambda: next(steps)


@dataclass(frozen=True)
class Shared:
    """A supernet in training, its space, and the scores that its weights give."""

    trainer: SupernetTrainer
    feasible: Feasible
    evaluator: InheritedEvaluator
    batch: int

    @classmethod
    def of(cls, setting: Setting, recipe: str) -> Shared:
        """By a recipe without averaged weights, which a supernet has none of."""
        searched = space.load("seesaw-digits" if setting.smoke else "seesaw-cifar")
        feasible = Feasible.of(searched, searched.default_budget)
        batch = 4 if setting.smoke else 64
        shape = (searched.input_channels, searched.input_size, searched.input_size)
        data = random_images(8 * batch if setting.smoke else 1000, shape)
        supernet = Supernet.build(searched, seed=0).to(setting.device)
        wanted = recipe_of(recipe, batch, ema=0.0)
        trainer = SupernetTrainer.of(supernet, feasible, data, wanted, 0, "single-path")
        evaluator = InheritedEvaluator(trainer.supernet, trainer.data, setting.device)
        return cls(trainer, feasible, evaluator, batch)

    def steps(self) -> Step:
        """A step trains an architecture that is drawn for it."""
        return _endless(self.trainer.epoch)

    def draw(self, count: int, seed: int) -> list[Architecture]:
        rng = np.random.default_rng(seed)
        return [self.feasible.draw_even(rng) for _ in range(count)]
