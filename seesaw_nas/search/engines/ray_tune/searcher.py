"""A search algorithm for one's own Tuner: our strategies, which propose nothing but architectures within the budget."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ray import cloudpickle
from ray.tune.search import Searcher

from seesaw_nas.architecture import cost as arithmetic
from seesaw_nas.core.errors import SpecError
from seesaw_nas.evaluators import Score
from seesaw_nas.search import aims
from seesaw_nas.search.engines.ray_tune.spelling import KEY, read, spell
from seesaw_nas.search.history.file_history import FileHistory
from seesaw_nas.search.jobs import Job
from seesaw_nas.search.objectives import cost_of
from seesaw_nas.search.proposer import Proposer
from seesaw_nas.search.strategies.base import Setting
from seesaw_nas.search.strategies.resolver import resolve
from seesaw_nas.space import Feasible
from seesaw_nas.training.epoch import Epoch

UNLIMITED = 10**9  # trials; a Tuner's num_samples says how many


class SeesawSearch(Searcher):
    """Proposes legal architectures within the budget, none twice, until there are no more.

    For :func:`seesaw_nas.search.engines.ray_tune.trainable`. It learns from the ``top1`` of trials that were trained to
    their end. A trial that a scheduler stopped is never taken for a complete one; with ``epochs``, its top-1 after an
    epoch is compared with those of others after the same epoch. Ray saves and restores it with an experiment, and any
    ``ConcurrencyLimiter`` can wrap it.
    """

    def __init__(
        self, feasible: Feasible, strategy: Any = "random", *, objectives: str = "front", epochs: int = 1, seed: int = 0
    ) -> None:
        """Prepare the search.

        Args:
            strategy: a name, or what :func:`seesaw_nas.search.strategies.resolver.resolve` takes; ``random`` draws
                exactly, with Multi-Adds even over the budget.
            objectives: ``front``, ``top1``, or ``top1`` with a cost, such as ``top1,params``.
            epochs: of a whole training, where a scheduler stops trials.
            seed: for the proposals.

        Raises:
            OptionError: there is no such strategy or objective.
        """
        super().__init__(metric="top1", mode="max")
        objectives = aims.read(objectives)
        cost = cost_of(objectives)
        self._feasible = feasible
        self._history = FileHistory(None, feasible.space, feasible.budget, seed, objectives=objectives, cost=cost)
        setting = Setting(feasible, seed, objectives, tuple(range(1, epochs + 1)), cost=cost)
        name, given = (strategy, None) if isinstance(strategy, str) else ("", strategy)
        self._proposer = Proposer(self._history, resolve(name, given, setting), trials=UNLIMITED, epochs=epochs)
        self._jobs: dict[str, Job] = {}  # by Ray's name of the trial
        self._curves: dict[str, dict[int, Epoch]] = {}

    def suggest(self, trial_id: str) -> Any:
        job = self._proposer.ask()
        if job is None:
            return str(Searcher.FINISHED) if self._proposer.ended else None
        self._jobs[trial_id] = job
        return {KEY: spell(self._feasible.space, job.architecture)}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        if (epoch := _epoch(result)) is not None:
            self._curves.setdefault(trial_id, {})[epoch.epoch] = epoch

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        if result:
            self.on_trial_result(trial_id, result)
        job, curve = self._job_of(trial_id, result or {}), _whole(self._curves.pop(trial_id, {}))
        if job is None:
            return
        if error or not result or _epoch(result) is None:
            self._proposer.fail(job, f"its trial ended {'with an error' if error else 'without a top-1'}")
        elif result.get("complete"):
            seconds = float(result.get("time_total_s", 0.0))
            self._proposer.tell(job, Score(float(result["top1"]), "validation", seconds, curve))
        else:
            self._proposer.stop(job, curve)

    def _job_of(self, trial_id: str, result: Mapping[str, Any]) -> Job | None:
        """The job that a trial trained; a new one where that was another architecture than the one proposed.

        So it is after population based training has changed a trial, and after an experiment was restored from before
        the trial's proposal.
        """
        job, text = self._jobs.pop(trial_id, None), result.get("config", {}).get(KEY)
        space = self._feasible.space
        if text is None or (job is not None and spell(space, job.architecture) == text):
            return job
        if job is not None:
            self._proposer.fail(job, "its trial took up another architecture")
        try:
            architecture = read(space, text)
        except SpecError:
            return None
        if any(architecture.digest == record.digest for record in self._history.records()):
            return None
        number = self._history.add(architecture, "a trial of Ray's")
        return Job(
            number, architecture, arithmetic.macs(architecture), self._history[number].seed, self._proposer.epochs
        )

    def save(self, checkpoint_path: str) -> None:
        Path(checkpoint_path).write_bytes(cloudpickle.dumps(self.__dict__))  # type: ignore[no-untyped-call]

    def restore(self, checkpoint_path: str) -> None:
        """Take up a saved state, which is a pickle: never restore what you do not trust."""
        self.__dict__.update(cloudpickle.loads(Path(checkpoint_path).read_bytes()))


def _epoch(result: Mapping[str, Any]) -> Epoch | None:
    """The epoch of a report; ``None`` where it has no finite top-1."""
    number, top1 = result.get("epoch"), result.get("top1")
    if number is None or top1 is None or not math.isfinite(top1):
        return None
    return Epoch(int(number), float(result.get("train_loss") or 0.0), result.get("loss"), float(top1), 0.0)


def _whole(epochs: Mapping[int, Epoch]) -> tuple[Epoch, ...]:
    """The curve from the first epoch to the first that is missing."""
    curve: list[Epoch] = []
    while len(curve) + 1 in epochs:
        curve.append(epochs[len(curve) + 1])
    return tuple(curve)
