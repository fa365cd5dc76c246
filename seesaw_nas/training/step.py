"""One model, its optimiser and its data on one device: a step, and the steps of an epoch.

Nothing in a step waits for the device. What is random in it, :mod:`seesaw_nas.training.batches` derives.
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
"""Called with the steps done and the steps there are; it must not wait for the device."""


@dataclass(frozen=True, slots=True)
class Trainer:
    """Stochastic gradient descent by one recipe; :meth:`of` makes it.

    Attributes:
        model: what is trained, evaluated and kept. In a fast network's training its parameters are views of that one's
            vectors until :meth:`finish`; its running statistics are up to date after :meth:`settle`.
        forward: what a step calls: ``fast``, by the compiler or shared among processes, or ``model`` itself.
        fast: the same network in its fastest formulation, if ``model`` is a :class:`seesaw_nas.network.models.Network`.
        optimizer: of the parameters of ``forward``.
        state: every tensor that a checkpoint holds, by name; the momentum and the average have those of the model.
        average: of the weights, where the recipe wants one.
        ranks: this process among those that share every batch.
        kernels: how a GPU's libraries compute a step.
        recorded: :meth:`descend` as it is recorded and replayed, where that is wanted.
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
        """The model and the data moved to the device, and a fresh optimiser.

        Args:
            execution: one that is chosen, see :meth:`Execution.resolve`.

        Raises:
            OptionError: a negative seed, batches too small to share, or steps that cannot be executed so.
        """
        assert execution.kind != "auto", "who makes a trainer has chosen"
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
            fast.flat.link()  # at last: whatever fails before leaves the model as it is
        state = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
        for what, like in (("momentum", momentum), ("average", average.values if average else [])):
            state |= {f"{what}.{name}": tensor for name, tensor in parameters.named(like).items()} if like else {}
        data = data.to(device)
        trainer = cls(model, forward, fast, optimizer, state, data, recipe, seed, device, average, ranks, kernels)
        recorded = GraphReplay(trainer.descend, execution.recorder(device)) if execution.records else None
        return replace(trainer, recorded=recorded)

    @property
    def steps_per_epoch(self) -> int:
        return steps_per_epoch(self.data, self.recipe)

    def epoch(self, number: int, begun: int = 0) -> Iterator[tuple[Tensor, int]]:
        """Take the steps of epoch ``number``, from 1, after its first ``begun``; of each, its mean loss and its images.

        Of several processes, each takes its share of every batch, and the means are over its images.

        :func:`seesaw_nas.training.batches.draw_batches` says how they are dealt. The losses stay on the device.
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
        """Step ``number``, from 0, on uint8 images (n, C, H, W); their mean loss, on the device.

        Args:
            blend: what is hidden and blended where a recipe wants it (:func:`seesaw_nas.training.batches.draw_blend`);
                dropout draws from torch's global generators.
            weight: of the loss in its gradient, see :meth:`Ranks.weight`.
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
        """:meth:`descend` as it is executed here; a recorded one takes no weight, for it is of one process alone."""
        with cudnn_benchmark(self.device, self.kernels.benchmark):
            return self.recorded(images, targets) if self.recorded else self.descend(images, targets, weight)

    def descend(self, images: Tensor, targets: Tensor, weight: float = 1.0) -> Tensor:
        """The part of a step that can be recorded: forward, backward, and the parameters moved; the mean loss.

        Args:
            images: normalised, (n, C, H, W).
            targets: labels (n,), or chances of the classes (n, classes).
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
        """In place where the rate is a tensor, for a recorded step reads it where it lies."""
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def use_average(self) -> AbstractContextManager[None]:
        """The model has the weights that count in the body: the averaged ones where there are such."""
        return self.average.in_place() if self.average else nullcontext()

    def settle(self) -> None:
        """Bring the model's running statistics up to date: those of all steps, and means over the processes."""
        if self.fast:
            self.fast.write_statistics()
        if not self.ranks.alone:
            self.ranks.average_statistics(self.model)
            self.restart()

    def restart(self) -> None:
        """Go on from the model's running statistics, which another than :meth:`step` has changed."""
        if self.fast:
            self.fast.read_statistics()

    def finish(self) -> None:
        """Leave the model with the weights that count, in tensors of its own."""
        if self.average:
            self.average.keep()
        self.release()

    def release(self) -> None:
        """Leave the model with the statistics of all steps, and with tensors of its own."""
        if self.fast:
            self.fast.write_statistics()
            self.fast.flat.unlink()

    @contextmanager
    def release_on_failure(self) -> Iterator[None]:
        """Where the body raises, an interruption too, :meth:`release` the model as its last step has left it."""
        try:
            yield
        except BaseException:
            self.release()
            raise
