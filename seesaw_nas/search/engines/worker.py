"""One worker process: it holds the evaluator, trains what it is sent, and says what became of it."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING

from seesaw_nas.core.errors import OutOfMemory
from seesaw_nas.evaluators import Failure, Score, attempt, attempt_together, on_device
from seesaw_nas.search.proposer import Job
from seesaw_nas.training import memory

if TYPE_CHECKING:
    from seesaw_nas.evaluators import Evaluator


@dataclass(frozen=True, slots=True)
class Place:
    """Where a worker computes.

    Attributes:
        name: such as ``cpu 0`` or ``cuda:1``.
        device: as torch calls it.
        threads: of the CPU; 0 for torch's own choice.
    """

    name: str
    device: str
    threads: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a worker has to say of a job: a score; or why there is none, in one line (``fatal`` with a traceback).

    Attributes:
        out_of_memory: whether that is because memory ran out, so that the job may succeed where nothing else runs.
    """

    number: int
    score: Score | None = None
    reason: str = ""
    fatal: str = ""
    out_of_memory: bool = False


@dataclass(frozen=True, slots=True)
class Idle:
    """A worker waits for a job and holds no memory of earlier ones; or, with a ``reason``, it could not begin."""

    reason: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """What a worker is sent to make it give back the memory that it keeps for its next training."""


def places(device: str, workers: int, per_gpu: int, gpus: int, cores: int) -> list[Place]:
    """Where so many workers compute: the GPUs in turn, or an even share of the CPU's cores each.

    Args:
        device: ``cpu``, ``cuda`` for all GPUs, or ``cuda:1`` for that one.
        workers: 0 for as many as the GPUs take, or one for every core.
        per_gpu: workers that share a GPU.
        gpus, cores: how many there are.
    """
    if device.startswith("cuda"):
        devices = [device] if ":" in device else [f"cuda:{i}" for i in range(gpus)]
        count = workers or len(devices) * per_gpu
        return [Place(f"{devices[i % len(devices)]} worker {i}", devices[i % len(devices)]) for i in range(count)]
    count = workers or cores
    return [Place(f"cpu worker {i}", "cpu", max(1, cores // count)) for i in range(count)]


def serve(connection: Connection, evaluator: Evaluator, place: Place) -> None:
    """Say :class:`Idle` when ready, then do what comes. Ctrl-C is the proposing process's affair."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        mine = _placed(evaluator, place)
    except OutOfMemory as failure:
        connection.send(Idle(str(failure)))
        return
    try:
        connection.send(Idle())
        while True:
            asked = connection.recv()
            if isinstance(asked, Release):
                memory.release()
                connection.send(Idle())
            else:
                for outcome in carry_out(mine, asked):
                    connection.send(outcome)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(0)  # the proposing process is gone, and whatever was begun with it


def _end_with_parent() -> None:
    """End this process in the middle of a training when the proposing one is killed: no one waits for the score."""
    parent = parent_process()
    assert parent is not None, "a worker is begun by a proposing process"
    wait([parent.sentinel])
    os._exit(0)


def _placed(evaluator: Evaluator, place: Place) -> Evaluator:
    """The worker's own copy of the evaluator, on its own device.

    Raises:
        OutOfMemory: there is no room for the images.
    """
    with memory.explain_out_of_memory(place.device, "for the images", "take fewer or smaller ones"):
        if place.device.startswith("cuda"):
            import torch

            torch.cuda.set_device(place.device)  # first of all: whatever asks CUDA before begins to work on GPU 0
        if place.threads:
            import torch

            torch.set_num_threads(place.threads)
        return on_device(evaluator, place.device)


def carry_out(evaluator: Evaluator, jobs: Sequence[Job]) -> Iterator[Outcome]:
    """What an evaluator makes of jobs, in order: scored together where that can be, else one after another."""
    try:
        scores = attempt_together(evaluator, [job.architecture for job in jobs])
    except Exception:  # a defect: which job has it, trying each by itself shows
        scores = []
    for i, job in enumerate(jobs):
        yield Outcome(job.number, score=scores[i]) if scores else train(evaluator, job)


def train(evaluator: Evaluator, job: Job) -> Outcome:
    """What an evaluator makes of a job; it raises nothing, since what it finds goes to another process."""
    try:
        result = attempt(
            lambda: evaluator.evaluate(job.architecture, seed=job.seed, until=job.until, checkpoint=job.checkpoint)
        )
    except Exception as error:  # a defect, which the proposing process raises
        return Outcome(job.number, reason=f"{type(error).__name__}: {error}", fatal=traceback.format_exc())
    if isinstance(result, Failure):
        return Outcome(job.number, reason=result.reason, out_of_memory=result.out_of_memory)
    return Outcome(job.number, score=result)
