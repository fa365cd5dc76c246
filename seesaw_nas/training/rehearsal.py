"""Compares recorded steps with eager ones before a training uses them, without any effect on the training."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from seesaw_nas.core.device import seed_generators
from seesaw_nas.data import Draw, SearchData
from seesaw_nas.training.batches import draw_blend, prepare_batch, sizes_of_batches
from seesaw_nas.training.graphs import WARM_UP
from seesaw_nas.training.recipes import Recipe
from seesaw_nas.training.step import Trainer

STEPS = 3  # eager steps, and as many replayed ones: later steps read the weights and momentum of earlier ones
# Share of the recipe's learning rate in the first step. It grows fourfold with each step, so that a rate that was
# recorded as a constant is noticed. With the recipe's own rate the third step would amplify rounding: 0.4% in the
# gradients becomes 39% of the change.
RATE = 1e-3
# Limits for the relative difference of losses and of changes. Even two eager runs differ, because kernels add up in
# another order. At worst, when every value of a forward pass in bfloat16 is rounded differently, losses of
# seesaw-shuffle-0.5d differ by 0.15% and the changes by 42%. Steps that read old inputs, keep a rate or draw another
# dropout differ by 90% to 130%, their losses by 1.2% to 3%.
OF_LOSS, OF_CHANGE = 0.01, 0.6

Inputs = tuple[Tensor, Tensor]
"""Normalised images (n, C, H, W) and their targets, the arguments of :meth:`Trainer.take`."""


def draw_inputs(data: SearchData, recipe: Recipe, count: int = STEPS) -> list[Inputs]:
    """Inputs for ``count`` steps like those of the training, with its largest batch size, on the data's device."""
    size = sizes_of_batches(data, recipe)[0]
    positions = torch.arange(count * size) % len(data.train)
    draws = [
        Draw(chosen, seed if recipe.augment else None, draw_blend(recipe, data.input, size, seed))
        for seed, chosen in enumerate(positions.chunk(count))
    ]
    return [prepare_batch(data, recipe, *batch) for batch in data.batches(draws)]


def compare(trainer: Trainer, inputs: Sequence[Inputs]) -> str:
    """The difference between recorded and eager steps, in words; empty if they agree.

    The trainer's tensors are restored afterwards. If the recording fails, the text says why.
    """
    trainer.model.train()
    eager, tensors = replace(trainer, recorded=None), _changed_tensors(trainer)
    with _restore_after(tensors) as put_back:
        eager_run = _run(eager, inputs, tensors)
        if not math.isfinite(eager_run.loss[-1]):
            return ""  # nothing to compare; the training itself will report the infinite loss
        put_back()
        try:
            _run(trainer, [inputs[0]] * WARM_UP, tensors)
            put_back()
            recorded = _run(trainer, inputs, tensors)
        except RuntimeError as error:
            return f"recording failed ({str(error).strip().partition(chr(10))[0]})"
    return _difference(eager_run, recorded)


@dataclass(frozen=True, slots=True)
class _Run:
    """The effect of several steps: their losses, and the changes of the tensors of each kind, as flat vectors."""

    loss: list[float]
    change: Mapping[str, Tensor]


def _run(trainer: Trainer, inputs: Sequence[Inputs], tensors: Mapping[str, list[Tensor]]) -> _Run:
    before, losses = {name: _flat(each) for name, each in tensors.items()}, []
    for number, (images, targets) in enumerate(inputs):
        trainer.set_rate(RATE * 4**number * trainer.recipe.learning_rate)
        with seed_generators(number, trainer.device):
            losses.append(trainer.take(images, targets))
    change = {name: _flat(each).sub_(before[name]) for name, each in tensors.items()}
    return _Run(torch.stack(losses).tolist(), change)


def _changed_tensors(trainer: Trainer) -> dict[str, list[Tensor]]:
    """All tensors that a step changes: weights, momentum and statistics."""
    weights = [parameter for group in trainer.optimizer.param_groups for parameter in group["params"]]
    momentum = [state.get("momentum_buffer") for state in trainer.optimizer.state.values()]
    statistics = [trainer.fast.running] if trainer.fast else list(trainer.model.buffers())
    groups = {"weights": weights, "momentum": [each for each in momentum if each is not None], "statistics": statistics}
    return {name: tensors for name, tensors in groups.items() if tensors}


@contextmanager
def _restore_after(tensors: Mapping[str, list[Tensor]]) -> Iterator[Callable[[], None]]:
    """Context that restores the tensors' content at its end, and whenever the function that it provides is called."""
    every = [tensor.detach() for each in tensors.values() for tensor in each]
    originals = [tensor.clone() for tensor in every]

    def put_back() -> None:
        for tensor, value in zip(every, originals, strict=True):
            tensor.copy_(value)

    try:
        yield put_back
    finally:
        put_back()


def _flat(tensors: Sequence[Tensor]) -> Tensor:
    return torch.cat([tensor.detach().flatten().to(torch.float32) for tensor in tensors])


def _difference(eager_run: _Run, recorded_run: _Run) -> str:
    for step, (eager, recorded) in enumerate(zip(eager_run.loss, recorded_run.loss, strict=True), start=1):
        if not abs(recorded - eager) <= OF_LOSS * abs(eager):
            return f"the loss of step {step} is {recorded:.4g} recorded, {eager:.4g} eager"
    for name, change in eager_run.change.items():
        size, apart = change.norm().item(), (recorded_run.change[name] - change).norm().item()
        if not apart <= OF_CHANGE * size:
            return f"{STEPS} recorded steps change the {name} otherwise than eager ones, by {apart:.3g} of {size:.3g}"
    return ""
