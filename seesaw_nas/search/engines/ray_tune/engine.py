"""A search on Ray: the engine that ``--engine ray`` names.

Every training, or every rung of successive halving, is a trial of Ray's. Ray places it, retries it once if its actor
dies, and returns its result; the proposer, which owns the history, decides what to train next and for how long. So a
stopped trial is never taken for a complete one, and an interrupted run can be resumed like any other.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ray
from ray import tune
from ray.tune.search import Searcher

from seesaw_nas.core import signals
from seesaw_nas.core.errors import OptionError
from seesaw_nas.evaluators import on_device
from seesaw_nas.search.engines.reservation import Reservation, reserve
from seesaw_nas.search.engines.worker import Outcome, train
from seesaw_nas.search.jobs import Job
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.proposer import Proposer

if TYPE_CHECKING:
    from seesaw_nas.evaluators import Evaluator
    from seesaw_nas.search.settings import SearchSettings

QUIET = {  # disables Ray's own reports, since the run's folder has all results
    "RAY_USAGE_STATS_ENABLED": "0",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_AIR_NEW_OUTPUT": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
}
MAX_FAILURES = 1  # retries of a training whose actor dies


def run(
    settings: SearchSettings,
    proposer: Proposer,
    evaluator: Evaluator,
    folder: Path,
    listener: Listener | None = None,
    *,
    time_limit: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Train on a cluster until the proposer has enough; returns why it ended.

    Args:
        folder: folder for Ray's own files.
        time_limit: seconds from now after which no further training starts.
        clock: returns the time in seconds.

    Raises:
        KeyboardInterrupt: there was a signal; running trainings are finished or dropped.
        OptionError: the cluster does not have the resources that a trial reserves.
    """
    end = clock() + time_limit if time_limit is not None else float("inf")
    with connect(settings.placement.ray_address), signals.catch_signals() as stop:
        share = reservation(settings).gpus
        trainable = tune.with_parameters(_Training, evaluator=on_device(evaluator, "cpu"), gpu=share > 0)
        searcher = _Searcher(proposer, listener or Listener(), lambda: bool(stop()) or clock() >= end, share)
        tuner = tune.Tuner(
            tune.with_resources(trainable, _resources),
            tune_config=tune.TuneConfig(
                search_alg=searcher,
                num_samples=-1,
                max_concurrent_trials=settings.placement.workers or None,
                reuse_actors=True,
            ),
            run_config=tune.RunConfig(
                name="trials",
                storage_path=str(folder.resolve()),
                failure_config=tune.FailureConfig(max_failures=MAX_FAILURES),
                callbacks=[_Beginnings(searcher)],
                verbose=0,
            ),
        )
        try:
            tuner.fit()
        except KeyboardInterrupt:
            searcher.drop()
            raise
        if stop():
            searcher.drop()
            raise KeyboardInterrupt
    return proposer.ended or "the time limit is reached"


@contextmanager
def connect(address: str) -> Iterator[None]:
    """Context with a connection to a cluster; a local cluster that it starts is shut down afterwards.

    Raises:
        OptionError: there is no cluster at the address.
    """
    before = {name: os.environ.get(name) for name in QUIET}
    os.environ.update(QUIET)
    begun = not ray.is_initialized()
    try:
        with signals.keep_handlers():  # Ray leaves its own for SIGTERM behind: findings/ray-sigterm-handler-stays.sh
            if begun:
                _start(address)
            yield
    finally:
        if begun:
            ray.shutdown()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _start(address: str) -> None:
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, include_dashboard=False)
    except ConnectionError as error:
        raise OptionError(f"no Ray cluster at '{address}': {' '.join(str(error).split())}") from None


def reservation(settings: SearchSettings) -> Reservation:
    """Resources that a trial reserves on the connected cluster.

    Raises:
        OptionError: see :func:`seesaw_nas.search.engines.reservation.reserve`.
    """
    nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]
    return reserve(settings, nodes)


def _resources(config: dict[str, Any]) -> tune.PlacementGroupFactory:
    return tune.PlacementGroupFactory([Reservation(config["gpus"]).bundle])


class _Training(tune.Trainable):
    """An actor that trains one job after another."""

    def setup(self, config: dict[str, Any], evaluator: Evaluator, gpu: bool) -> None:  # type: ignore[override]
        self._job: Job = config["job"]
        self._evaluator = on_device(evaluator, "cuda" if gpu else "cpu")  # Ray hides other GPUs from an actor

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self._job = new_config["job"]
        return True

    def step(self) -> dict[str, Any]:
        outcome = train(self._evaluator, self._job)
        return {"found": outcome, "done": True, "top1": outcome.score.top1 if outcome.score else 0.0}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Do nothing: a training that pauses writes its own checkpoint."""

    def load_checkpoint(self, checkpoint: Any) -> None:
        """Do nothing, see :meth:`save_checkpoint`."""


class _Searcher(Searcher):
    """Adapts the proposer to Ray's interface.

    A job that ran out of memory on a share of a GPU is tried once more with a whole GPU. Until it has started, no other
    job is handed out, because trials with a share would always find room first.
    """

    def __init__(self, proposer: Proposer, listener: Listener, stopping: Callable[[], bool], share: float) -> None:
        super().__init__(metric="top1", mode="max")
        self._proposer, self._listener, self._stopping, self._share = proposer, listener, stopping, share
        self._jobs: dict[str, Job] = {}
        self._waiting: list[Job] = []  # jobs that need a whole GPU
        self._whole: set[str] = set()  # Ray's trials that have a whole GPU or wait for one
        self._pending = ""  # the trial that waits for a whole GPU

    def __getstate__(self) -> dict[str, Any]:
        """Pickle nothing: Ray pickles searchers to restore them, for which the run's journal is used here.

        The history and the terminal could not be pickled.
        """
        return {}

    def suggest(self, trial_id: str) -> Any:
        if self._stopping():
            return str(Searcher.FINISHED)
        if self._pending:
            return None
        gpus = 1.0 if self._waiting else self._share
        job = self._waiting.pop(0) if self._waiting else self._proposer.ask()
        if job is None:
            return str(Searcher.FINISHED) if self._proposer.ended else None
        if gpus != self._share:
            self._pending = trial_id
            self._whole.add(trial_id)
        self._jobs[trial_id] = job
        self._listener.begun(job.number, job.architecture, job.macs)
        return {"job": job, "gpus": gpus}

    def note_begun(self, trial_id: str) -> None:
        """Record that Ray has started a trial."""
        if trial_id == self._pending:
            self._pending = ""

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Do nothing: a job has only one result, which :meth:`on_trial_complete` records."""

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        job = self._jobs.pop(trial_id, None)
        self.note_begun(trial_id)
        if job is None:
            return
        outcome: Outcome | None = (result or {}).get("found")
        worker = f"ray {(result or {}).get('hostname', '')}:{(result or {}).get('pid', '')}"
        if outcome is None:
            self._proposer.fail(job, f"its worker died {MAX_FAILURES + 1} times while training it", worker=worker)
        elif outcome.score is not None:
            self._proposer.tell(job, outcome.score, worker=worker)
        elif outcome.out_of_memory and 0 < self._share < 1 and trial_id not in self._whole:
            self._listener.postponed(job.number, outcome.reason, "a whole GPU is free")
            self._waiting.append(job)
        else:
            whole = " (with a whole GPU)" if trial_id in self._whole else ""
            self._proposer.fail(job, outcome.reason + whole, worker=worker)

    def drop(self) -> None:
        """Return all unfinished jobs to the proposer."""
        for job in [*self._jobs.values(), *self._waiting]:
            self._proposer.drop(job)
        self._jobs.clear()
        self._waiting.clear()

    def save(self, checkpoint_path: str) -> None:
        """Do nothing: the state is in the run's journal."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing, see :meth:`save`."""


class _Beginnings(tune.Callback):
    """Tells the searcher which trials Ray has started."""

    def __init__(self, searcher: _Searcher) -> None:
        self._searcher = searcher

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        self._searcher.note_begun(trial.trial_id)
