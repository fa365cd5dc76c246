"""A worker process: it holds the evaluator, carries out the jobs that it is sent, and reports their outcomes."""

from __future__ import annotations

import os
import pickle
import threading
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

from seesaw_nas.core import signals
from seesaw_nas.core.errors import OutOfMemory, RunError, SeesawError
from seesaw_nas.evaluators import Failure, Score, attempt, attempt_together, on_device
from seesaw_nas.search.engines.sharing import Filed, receive
from seesaw_nas.search.jobs import Job, by_schedule
from seesaw_nas.training import memory

if TYPE_CHECKING:
    from seesaw_nas.evaluators import Evaluator


@dataclass(frozen=True, slots=True)
class Place:
    """The device and threads of a worker.

    Attributes:
        name: name of the worker, such as ``cpu worker 0``.
        device: torch's name of the device.
        threads: CPU threads; 0 for torch's own choice.
    """

    name: str
    device: str
    threads: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A worker's report on a job: its score, or the reason why there is none.

    Attributes:
        reason: the failure in one line; empty if there is a score.
        error: what ends the search, if a user can correct it: a full disk, a damaged checkpoint.
        fatal: traceback if the failure is a bug; else empty.
        out_of_memory: whether memory ran out, so that the job may succeed while nothing else runs there.
    """

    number: int
    score: Score | None = None
    reason: str = ""
    error: Exception | None = None
    fatal: str = ""
    out_of_memory: bool = False


@dataclass(frozen=True, slots=True)
class Idle:
    """Report that a worker is idle and holds no memory of earlier jobs.

    Attributes:
        reason: why there is too little memory for it to start; empty if it could.
        error: another error that kept it from starting, and that a user can correct.
    """

    reason: str = ""
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Release:
    """Request to a worker to release the memory that it keeps for its next training."""


def places(
    device: str, workers: int, per_gpu: int, gpus: int, cores: int, threads: int = 0, most: int = 0
) -> list[Place]:
    """Assign workers to the GPUs in turn, or give each an equal share of the CPU's cores.

    Args:
        device: ``cpu``, ``cuda`` for all GPUs, or ``cuda:1`` for that one.
        workers: number of workers; 0 for ``per_gpu`` on each GPU, or one for every core.
        per_gpu: workers that share a GPU.
        gpus, cores: numbers of GPUs and cores of this machine.
        threads: of each worker on the CPU, in place of its share of the cores; 0 for that.
        most: threads of such a share; 0 for no limit.
    """
    if device.startswith("cuda"):
        devices = [device] if ":" in device else [f"cuda:{i}" for i in range(gpus)]
        count = workers or len(devices) * per_gpu
        return [Place(f"{devices[i % len(devices)]} worker {i}", devices[i % len(devices)]) for i in range(count)]
    count = workers or cores
    share = max(1, cores // count)
    return [Place(f"cpu worker {i}", "cpu", threads or min(share, most or share)) for i in range(count)]


def serve(connection: Connection, sent: Evaluator | Filed, place: Place) -> None:
    """Report :class:`Idle` when ready, then carry out requests. Only the proposing process handles signals."""
    signals.leave_to_parent()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        own_evaluator = _move_to_place(receive(sent), place)
    except OutOfMemory as failure:
        connection.send(Idle(str(failure)))
        return
    except Exception as error:
        if (passed_on := correctable(error)) is None:
            raise
        connection.send(Idle(error=passed_on))
        return
    try:
        connection.send(Idle())
        while True:
            request = connection.recv()
            if isinstance(request, Release):
                memory.release()
                connection.send(Idle())
            else:
                for outcome in carry_out(own_evaluator, request):
                    connection.send(outcome)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(0)  # the proposing process has ended, so nobody needs the results


def _end_with_parent() -> None:
    """End this process, even during a training, when the proposing one is killed: nobody waits for the score."""
    parent = parent_process()
    assert parent is not None, "a worker is started by a proposing process"
    wait([parent.sentinel])
    os._exit(0)


def _move_to_place(evaluator: Evaluator, place: Place) -> Evaluator:
    """The worker's own copy of the evaluator, on its own device.

    Raises:
        OutOfMemory: there is too little memory for the images.
    """
    with memory.explain_out_of_memory(place.device, "for the images", "take fewer or smaller ones"):
        if place.device.startswith("cuda"):
            import torch

            torch.cuda.set_device(place.device)  # before any other use of CUDA, which would allocate memory on GPU 0
        if place.threads:
            import torch

            torch.set_num_threads(place.threads)
        return on_device(evaluator, place.device)


def carry_out(evaluator: Evaluator, jobs: Sequence[Job]) -> Iterator[Outcome]:
    """Yield the outcomes of jobs, in order; they are scored together if the evaluator can, else one after another."""
    try:
        scores = attempt_together(evaluator, [job.architecture for job in jobs])
    except Exception:  # a bug; evaluating each job by itself shows which one has it
        scores = []
    for i, job in enumerate(jobs):
        yield Outcome(job.number, score=scores[i]) if scores else train(evaluator, job)


def train(evaluator: Evaluator, job: Job) -> Outcome:
    """The outcome of one job; never raises, because the outcome is sent to another process."""
    try:
        scheduled = by_schedule(evaluator, job)
        result = attempt(
            lambda: scheduled.evaluate(job.architecture, seed=job.seed, until=job.until, checkpoint=job.checkpoint)
        )
    except Exception as error:  # the proposing process raises it
        if (passed_on := correctable(error)) is not None:
            return Outcome(job.number, reason=str(error), error=passed_on)
        return Outcome(job.number, reason=f"{type(error).__name__}: {error}", fatal=traceback.format_exc())
    if isinstance(result, Failure):
        return Outcome(job.number, reason=result.reason, out_of_memory=result.out_of_memory)
    return Outcome(job.number, score=result)


def correctable(error: Exception) -> Exception | None:
    """The error as it may be sent to another process, if it is one that a user can correct; ``None`` for a bug."""
    if not isinstance(error, SeesawError | OSError | ImportError | MemoryError) and not memory.is_exhaustion(error):
        return None
    try:
        same = pickle.loads(pickle.dumps(error))
    except Exception:  # its class wants other arguments than its text
        same = None
    return error if type(same) is type(error) and str(same) == str(error) else RunError(str(error))
