"""A training step, and the steps of an epoch, of one model with its optimiser and its data on one device.

Nothing in a step waits for the device. Its random numbers come from :mod:`seesaw_nas.training.batches`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from seesaw_nas.core.device import autocast, cudnn_benchmark, place, seed_generators
from seesaw_nas.core.errors import OptionError
from seesaw_nas.data import SearchData
from seesaw_nas.network.fast import FastNetwork, compile_forward, speed_up
from seesaw_nas.training.averaging import Average
from seesaw_nas.training.batches import draw_batches, prepare_batch, steps_per_epoch
from seesaw_nas.training.execution import EAGER, Execution
from seesaw_nas.training.graphs import GraphReplay
from seesaw_nas.training.kernels import USUAL, Kernels
from seesaw_nas.training.losses import cross_entropy
from seesaw_nas.training.parallel import ALONE, Ranks
from seesaw_nas.training.parameters import Parameters
from seesaw_nas.training.recipes import Recipe

OnStep = Callable[[int, int], None]
"""Called with the number of steps done and the total number of steps; must not wait for the device."""


@dataclass(frozen=True, slots=True)
class Trainer:
    """Stochastic gradient descent by one recipe; made by :meth:`of`.

    Attributes:
        model: the model that is trained, evaluated and kept. With a fast network its parameters are views of the fast
            network's vectors until :meth:`finish`; its running statistics are up to date after :meth:`settle`.
        forward: the module that a step calls: ``fast`` or ``model``, compiled or wrapped for several processes if
            requested.
        fast: the same network in its fastest formulation, if ``model`` is a :class:`seesaw_nas.network.models.Network`.
        optimizer: optimiser of the parameters of ``forward``.
        state: every tensor of a checkpoint, by name; momentum and averages use the names of the model's parameters.
        average: the averaged weights, if the recipe averages weights.
        ranks: rank of this process among those that share every batch.
        kernels: kernels that a GPU's libraries use in a step.
        recorded: :meth:`descend` with CUDA graphs, if they are used.
    """

    model: nn.Module
    forward: nn.Module
    fast: FastNetwork | None
    optimizer: torch.optim.SGD
    state: Mapping[str, Tensor]
    data: SearchData
    recipe: Recipe
    seed: int
    device: torch.device
    average: Average | None
    ranks: Ranks = ALONE
    kernels: Kernels = USUAL
    recorded: GraphReplay | None = None

    @classmethod
    def of(
        cls,
        model: nn.Module,
        data: SearchData,
        recipe: Recipe,
        seed: int,
        device: torch.device,
        ranks: Ranks = ALONE,
        execution: Execution = EAGER,
        kernels: Kernels = USUAL,
    ) -> Trainer:
        """Move the model and the data to the device and make a new optimiser.

        Args:
            execution: not ``auto``, see :meth:`Execution.resolve`.

        Raises:
            OptionError: a negative seed, batches too small to share, or an execution that is impossible.
        """
        assert execution.kind != "auto", "the caller has to resolve it"
        execution.check(device, ranks.world)
        if seed < 0:
            raise OptionError(f"a seed is a whole number of at least 0, got {seed}")
        place(model, device)
        steps = steps_per_epoch(data, recipe)
        ranks.check(len(data.train) // steps)
        fast = speed_up(model, replace(execution.formulation(device), depthwise=kernels.depthwise))
        forward = fast or model
        parameters = Parameters.of(forward)
        rate = torch.tensor(recipe.learning_rate, device=device) if execution.records else recipe.learning_rate
        optimizer, momentum = parameters.optimizer(recipe, rate)
        forward = ranks.wrap(compile_forward(forward, execution.compiler) if execution.compiles else forward)
        average = Average.of(parameters.whole, recipe.ema * recipe.epochs * steps) if recipe.ema else None
        if fast:
            fast.flat.link()  # last, so that a failure before it leaves the model unchanged
        state = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
        for what, like in (("momentum", momentum), ("average", average.values if average else [])):
            state |= (
                {f"{what}.{name}": tensor for name, tensor in parameters.split_by_name(like).items()} if like else {}
            )
        data = data.to(device)
        trainer = cls(model, forward, fast, optimizer, state, data, recipe, seed, device, average, ranks, kernels)
        recorded = GraphReplay(trainer.descend, execution.recorder(device)) if execution.records else None
        return replace(trainer, recorded=recorded)

    @property
    def steps_per_epoch(self) -> int:
        return steps_per_epoch(self.data, self.recipe)

    def epoch(self, number: int, begun: int = 0) -> Iterator[tuple[Tensor, int]]:
        """Take the steps of epoch ``number``, from 1, after its first ``begun``; yields mean loss and number of images.

        With several processes, each trains on its share of every batch, and yields the figures of its share. Losses
        stay on the device. The batches come from :func:`seesaw_nas.training.batches.draw_batches`.
        """
        self.model.train()
        for batch in draw_batches(self.data, self.recipe, self.seed, number, begun, self.ranks):
            with seed_generators(batch.dropout, self.device):
                weight = self.ranks.weight(len(batch.labels), batch.whole)
                loss = self.step(batch.number, batch.images, batch.labels, batch.blend, weight)
            yield loss, len(batch.labels)

    def step(
        self,
        number: int,
        images: Tensor,
        labels: Tensor,
        blend: Tensor | None = None,
        weight: float = 1.0,
    ) -> Tensor:
        """Take step ``number``, from 0, on uint8 images (n, C, H, W); returns their mean loss, on the device.

        Dropout draws from torch's global generators.

        Args:
            blend: result of :func:`seesaw_nas.training.batches.draw_blend`, for recipes with cutout or mixup.
            weight: factor of the gradient, see :meth:`Ranks.weight`.
        """
        self.set_rate(self.recipe.learning_rate_at(number, self.steps_per_epoch))
        x, targets = prepare_batch(self.data, self.recipe, images, labels, blend)
        loss = self.take(x, targets, weight)
        if self.fast:
            self.fast.batches += 1
        if self.average:
            self.average.move(number)
        return loss

    def take(self, images: Tensor, targets: Tensor, weight: float = 1.0) -> Tensor:
        """Run :meth:`descend`, with CUDA graphs if they are used; these ignore ``weight``, always 1 in one process."""
        with cudnn_benchmark(self.device, self.kernels.benchmark):
            return self.recorded(images, targets) if self.recorded else self.descend(images, targets, weight)

    def descend(self, images: Tensor, targets: Tensor, weight: float = 1.0) -> Tensor:
        """The part of a step that can be recorded: forward, backward and update; returns the mean loss.

        Args:
            images: normalised, (n, C, H, W).
            targets: labels (n,), or class probabilities (n, classes).
            weight: as in :meth:`step`.
        """
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device):
            logits = self.forward(images)  # (n, classes)
        loss, gradient = cross_entropy(logits.detach(), targets, self.recipe.label_smoothing, weight)
        logits.backward(gradient)
        self.optimizer.step()
        return loss

    def set_rate(self, rate: float) -> None:
        """Set the learning rate; in place if it is a tensor, because a recorded step reads it from there."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def use_average(self) -> AbstractContextManager[None]:
        """Context in which the model has the averaged weights, if the recipe averages weights."""
        return self.average.in_place() if self.average else nullcontext()

    def settle(self) -> None:
        """Update the model's running statistics after all steps so far, averaged over the processes."""
        if self.fast:
            self.fast.write_statistics()
        if not self.ranks.alone:
            self.ranks.average_statistics(self.model)
            self.restart()

    def restart(self) -> None:
        """Read the model's running statistics again, after they were changed outside of :meth:`step`."""
        if self.fast:
            self.fast.read_statistics()

    def finish(self) -> None:
        """End the training: give the model its averaged weights, if any, and tensors of its own."""
        if self.average:
            self.average.keep()
        self.release()

    def release(self) -> None:
        """Give the model the statistics of all steps, and tensors of its own."""
        if self.fast:
            self.fast.write_statistics()
            self.fast.flat.unlink()

    @contextmanager
    def release_on_failure(self) -> Iterator[None]:
        """Context that calls :meth:`release` if an exception or interruption ends it."""
        try:
            yield
        except BaseException:
            self.release()
            raise
