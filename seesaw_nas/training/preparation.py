"""Prepares a training: chooses the execution of its steps and the kernels before the first step."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cache

from torch import device as Device
from torch import nn

from seesaw_nas.core.device import seed_generators, synchronise
from seesaw_nas.core.errors import TrainingFailed
from seesaw_nas.data import SearchData
from seesaw_nas.network.models import Network
from seesaw_nas.training import kernels
from seesaw_nas.training.batches import sizes_of_batches, steps_per_epoch
from seesaw_nas.training.execution import AUTOMATIC, EAGER, Execution
from seesaw_nas.training.kernels import USUAL, Kernels
from seesaw_nas.training.parallel import ALONE, Ranks
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.rehearsal import Inputs, compare, draw_inputs
from seesaw_nas.training.step import Trainer


@dataclass(frozen=True, slots=True)
class Preparation:
    """A training that is ready to start; made by :func:`prepare`.

    Attributes:
        execution: the chosen execution, never ``auto``.
        note: one line that says why automatic execution fell back to eager steps; usually empty.
    """

    trainer: Trainer
    execution: Execution
    note: str = ""

    @property
    def conditions(self) -> dict[str, str]:
        """The entries on execution and kernels for the record of a training."""
        on_gpu = self.trainer.device.type == "cuda"
        return self.execution.conditions | ({"kernels": str(self.trainer.kernels)} if on_gpu else {})


def prepare(
    model: nn.Module,
    data: SearchData,
    recipe: Recipe,
    seed: int,
    device: Device,
    ranks: Ranks = ALONE,
    execution: Execution = AUTOMATIC,
    *,
    epochs: int | None = None,
) -> Preparation:
    """Make the trainer of a model, choose its kernels, and compare recorded steps with eager ones.

    Args:
        epochs: epochs to train now, since some choices only pay in a long training; the recipe's by default.

    Raises:
        OptionError: see :meth:`Trainer.of`.
        TrainingFailed: CUDA graphs were requested and do not agree with eager steps.
    """
    steps = (recipe.epochs if epochs is None else epochs) * steps_per_epoch(data, recipe)
    execution.check(device, ranks.world)
    chosen, data = execution.resolve(device, ranks.world, steps), data.to(device)
    fitting = _choose_kernels(model, data, recipe, device, chosen, steps) if ranks.alone else USUAL
    trainer = Trainer.of(model, data, recipe, seed, device, ranks, chosen, fitting)
    with trainer.release_on_failure():
        difference = compare(trainer, draw_inputs(trainer.data, recipe)) if chosen.records else ""
        if difference and execution.records:
            raise TrainingFailed(
                f"CUDA graphs do not do what eager steps do: {difference}; train with --execution eager"
            )
    if not difference:
        return Preparation(trainer, chosen)
    note = f"steps are executed one operator after another, not as CUDA graphs: {difference}"
    return Preparation(replace(trainer, recorded=None), EAGER, note)


def _choose_kernels(
    model: nn.Module, data: SearchData, recipe: Recipe, device: Device, execution: Execution, steps: int
) -> Kernels:
    """The fastest kernels on a GPU; the usual ones, without measuring, on other devices and for compiled steps."""
    if device.type != "cuda" or execution.compiles or not isinstance(model, Network):
        return USUAL

    drawn = cache(lambda: draw_inputs(data, recipe, 1)[0])  # not drawn if a measurement is cached

    def runs(way: Kernels) -> Callable[[int], None]:
        trainer = Trainer.of(deepcopy(model), data, recipe, 0, device, execution=execution, kernels=way)
        trainer.model.train()
        return lambda count: _repeat(trainer, drawn(), count)

    key = (str(device), sizes_of_batches(data, recipe)[0], data.input, execution.kind)
    return kernels.choose(key, steps, runs)


def _repeat(trainer: Trainer, inputs: Inputs, count: int) -> None:
    """Take ``count`` steps and wait for the device."""
    for number in range(count):
        with seed_generators(number, trainer.device):
            trainer.take(*inputs)
    synchronise(trainer.device)
