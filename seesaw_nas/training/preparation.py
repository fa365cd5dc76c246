"""A training made ready: how its steps are executed and by which kernels, both settled before the first step."""

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
    """A training that can begin; :func:`prepare` makes it.

    Attributes:
        execution: what its steps are executed by, no longer automatic.
        note: why they are eager although it was left to choose, in a line; empty where there is nothing to say.
    """

    trainer: Trainer
    execution: Execution
    note: str = ""

    @property
    def conditions(self) -> dict[str, str]:
        """What a record says of how the steps were executed."""
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
    """The trainer of a model, with its kernels chosen, and recorded steps held against eager ones.

    Args:
        epochs: that will be trained now, for what pays in a long training alone; the recipe's where left out.

    Raises:
        OptionError: as for :meth:`Trainer.of`.
        TrainingFailed: recorded steps, which were asked for, do not agree with eager ones.
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
    """What a GPU computes such steps fastest by; nothing is measured elsewhere, nor what a compiler is to write."""
    if device.type != "cuda" or execution.compiles or not isinstance(model, Network):
        return USUAL

    drawn = cache(lambda: draw_inputs(data, recipe, 1)[0])  # none where it was measured before

    def runs(way: Kernels) -> Callable[[int], None]:
        trainer = Trainer.of(deepcopy(model), data, recipe, 0, device, execution=execution, kernels=way)
        trainer.model.train()
        return lambda count: _repeat(trainer, drawn(), count)

    key = (str(device), sizes_of_batches(data, recipe)[0], data.input, execution.kind)
    return kernels.choose(key, steps, runs)


def _repeat(trainer: Trainer, inputs: Inputs, count: int) -> None:
    """Take so many steps, and wait for them."""
    for number in range(count):
        with seed_generators(number, trainer.device):
            trainer.take(*inputs)
    synchronise(trainer.device)
