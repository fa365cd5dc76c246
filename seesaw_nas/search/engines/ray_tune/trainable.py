"""The trainable of one's own Tuner: it trains an architecture an epoch at a time, and can be paused and resumed."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
from ray import tune

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import BudgetError, SpecError
from seesaw_nas.evaluators import Evaluator, Score, on_device
from seesaw_nas.search.engines.ray_tune.spelling import architecture_of
from seesaw_nas.search.engines.ray_tune.stepwise import Stepwise
from seesaw_nas.space import Feasible
from seesaw_nas.training.epoch import Epoch

WEIGHTS, ABOUT = "training.safetensors", "training.json"  # files of a checkpoint


def trainable(feasible: Feasible, evaluator: Evaluator, seed: int = 0) -> Any:
    """A trainable for ``tune.Tuner`` that trains the architecture of a trial's ``config``.

    It reports after each epoch that has a top-1, so that Ray's schedulers can stop or pause it:

    - ``top1``, and ``train_loss`` and ``loss`` where the evaluator trains;
    - ``macs``, and the ``digest`` of the architecture;
    - ``epoch``, the epochs trained, and ``complete``, whether these are all.

    A ``config`` that describes no architecture, or one outside the budget, reports nothing: the trial ends with an
    error, and neither a scheduler nor the best result sees a figure of it. So does a training that fails.

    A trial that was paused goes on from its checkpoint. One that gets the checkpoint of another architecture, as in
    population based training, begins with its first epoch, and so does its ``training_iteration``.

    Args:
        evaluator: is put on the GPU where a trial has one by ``tune.with_resources``.
        seed: of every training.
    """
    return tune.with_parameters(Seesaw, feasible=feasible, evaluator=evaluator, seed=seed)


class Seesaw(tune.Trainable):
    """An actor that trains one architecture; its name begins the names of trials."""

    def setup(  # type: ignore[override]
        self, config: dict[str, Any], feasible: Feasible, evaluator: Evaluator, seed: int
    ) -> None:
        self._feasible, self._seed = feasible, seed
        self._evaluator = on_device(evaluator, "cuda") if _has_gpu() else evaluator
        self._folder = Path(tempfile.mkdtemp(prefix="seesaw-nas-"))
        self._training: Stepwise | None = None
        self._begin(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._begin(new_config)
        return True

    def _begin(self, config: dict[str, Any]) -> None:
        """Be ready to train what ``config`` describes; nothing is trained before the first step."""
        self._end()
        self._weights.unlink(missing_ok=True)
        self._epoch = 0
        self._architecture: Architecture | None = None
        try:
            self._architecture = architecture_of(self._feasible.space, config)
            self._objection: SpecError | BudgetError | None = _outside(self._feasible, self._architecture)
        except SpecError as error:
            self._objection = error

    @property
    def _weights(self) -> Path:
        return self._folder / WEIGHTS

    def _end(self) -> None:
        if self._training is not None:
            self._training.end()
        self._training = None

    def step(self) -> dict[str, Any]:
        """Train an epoch, or as many as it takes to the next top-1.

        Raises:
            SpecError: the trial's parameters describe no architecture of the space.
            BudgetError: its Multi-Adds are outside the budget.
            TrainingFailed: the training broke.
        """
        if self._objection is not None or self._architecture is None:
            raise self._objection or AssertionError("without an architecture there is an objection")
        if self._training is None:
            self._training = Stepwise(self._evaluate(self._architecture))
        last: Epoch | None = None
        while isinstance(found := self._training.step(), Epoch):
            if found.epoch <= self._epoch:
                continue  # without a checkpoint of its own, the evaluator has begun again
            self._epoch, last = found.epoch, found
            if found.top1 is not None and found.epoch < self._evaluator.epochs:
                return self._report(found.top1, found, complete=False)
        self._epoch = max(self._epoch, self._evaluator.epochs)
        return self._report(found.top1, last, complete=True)

    def _evaluate(self, architecture: Architecture) -> Callable[[Callable[[Epoch], None]], Score]:
        return lambda on_epoch: self._evaluator.evaluate(
            architecture, seed=self._seed, checkpoint=self._weights, on_epoch=on_epoch
        )

    def _report(self, top1: float, epoch: Epoch | None, *, complete: bool) -> dict[str, Any]:
        assert self._architecture is not None, "only an architecture is trained"
        losses = {} if epoch is None else {"train_loss": epoch.train_loss, "loss": epoch.loss}
        return {
            "top1": top1,
            "macs": cost.macs(self._architecture),
            "digest": self._architecture.digest,
            "epoch": self._epoch,
            "complete": complete,
            "done": complete,
            **losses,
        }

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Keep the training as it stands after the last epoch; what the evaluator cannot keep is trained again."""
        assert self._architecture is not None, "only an architecture is trained"
        if self._weights.exists():
            shutil.copyfile(self._weights, Path(checkpoint_dir) / WEIGHTS)
        about = {"digest": self._architecture.digest, "seed": self._seed, "epoch": self._epoch}
        (Path(checkpoint_dir) / ABOUT).write_text(json.dumps(about), encoding="utf-8")

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Go on from a checkpoint; from the first epoch on if it is of another architecture or seed."""
        self._end()
        about = json.loads((Path(checkpoint) / ABOUT).read_text(encoding="utf-8"))
        own = self._architecture.digest if self._architecture is not None else ""
        if (about["digest"], about["seed"]) != (own, self._seed):
            self._iteration = 0  # Ray has set that of the checkpoint
            return
        self._epoch = int(about["epoch"])
        weights = Path(checkpoint) / WEIGHTS
        if weights.exists():
            shutil.copyfile(weights, self._weights)

    def cleanup(self) -> None:
        self._end()
        shutil.rmtree(self._folder, ignore_errors=True)


def _has_gpu() -> bool:
    """Whether Ray has set aside a GPU, or a share of one, for this process."""
    return bool(ray.is_initialized() and ray.get_gpu_ids())


def _outside(feasible: Feasible, architecture: Architecture) -> BudgetError | None:
    bound = feasible.budget.broken(architecture)
    if bound is None:
        return None
    objection = feasible.budget.objection(architecture)
    return BudgetError(f"{objection} of {bound.low:,} to {bound.high:,}; not trained")
