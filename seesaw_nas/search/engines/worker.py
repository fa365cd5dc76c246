"""One worker process: it holds the evaluator, trains what it is sent, and says what became of it."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from dataclasses import dataclass
from multiprocessing import parent_process
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from seesaw_nas.errors import TrainingFailed
from seesaw_nas.evaluate import Score
from seesaw_nas.search.proposer import Job

if TYPE_CHECKING:
    from seesaw_nas.evaluate import Evaluator


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
class Found:
    """What a worker has to say of a job: a score; or why there is none, in one line (``fatal`` with a traceback)."""

    number: int
    score: Score | None = None
    reason: str = ""
    fatal: str = ""


def places(device: str, workers: int, per_gpu: int, gpus: int, cores: int) -> list[Place]:
    """Where so many workers compute: the GPUs in turn, or an even share of the CPU's cores each.

    Args:
        device: ``cpu``, ``cuda`` for all GPUs, or ``cuda:1`` for that one.
        workers: 0 for as many as the GPUs take, or one for every core.
        per_gpu: workers that share a GPU.
        gpus, cores: how many there are.
    """
    if device.startswith("cuda"):
        found = [device] if ":" in device else [f"cuda:{i}" for i in range(gpus)]
        count = workers or len(found) * per_gpu
        return [Place(f"{found[i % len(found)]} worker {i}", found[i % len(found)]) for i in range(count)]
    count = workers or cores
    return [Place(f"cpu worker {i}", "cpu", max(1, cores // count)) for i in range(count)]


def serve(connection: Connection, evaluator: Evaluator, place: Place) -> None:
    """Say ``None`` when ready, then train every job that comes. Ctrl-C is the proposing process's affair."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    mine = _placed(evaluator, place)
    try:
        connection.send(None)
        while True:
            connection.send(train(mine, connection.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(0)  # the proposing process is gone, and whatever was begun with it


def _end_with_parent() -> None:
    """End this process in the middle of a training when the proposing one is killed: no one waits for the score."""
    parent = parent_process()
    assert parent is not None, "a worker is begun by a proposing process"
    wait([parent.sentinel])
    os._exit(0)


def _placed(evaluator: Evaluator, place: Place) -> Evaluator:
    if place.threads:
        import torch

        torch.set_num_threads(place.threads)
    move: Any = getattr(evaluator, "on", None)
    return move(place.device) if move else evaluator


def train(evaluator: Evaluator, job: Job) -> Found:
    """What an evaluator makes of a job; it raises nothing, since what it finds goes to another process."""
    try:
        score = evaluator.evaluate(job.architecture, seed=job.seed, until=job.until, checkpoint=job.checkpoint)
    except TrainingFailed as failure:
        return Found(job.number, reason=str(failure))
    except Exception as error:  # a defect, which the proposing process raises
        return Found(job.number, reason=f"{type(error).__name__}: {error}", fatal=traceback.format_exc())
    return Found(job.number, score=score)
