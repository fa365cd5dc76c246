"""Runs work on image files in worker processes, with torch's DataLoader; results come in the order of the requests."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeVar

import torch
from torch import multiprocessing
from torch.utils.data import DataLoader, Dataset

from seesaw_nas.core import signals
from seesaw_nas.core.conditions import cores
from seesaw_nas.core.errors import DataError
from seesaw_nas.core.torchrun import processes_here
from seesaw_nas.data.pictures import Turns

MOST = 16
AHEAD = 2  # results that each worker prepares in advance

Asked = TypeVar("Asked")
Done = TypeVar("Done")


def default_workers() -> int:
    """One worker per core, except one core for training: 1 to 16. Processes of torchrun share the cores."""
    return max(1, min(MOST, cores() // processes_here() - 1))


def run_in_workers(
    work: Callable[[Asked], Done], requests: Sequence[Asked], workers: int, pin_memory: bool = False
) -> Iterator[Done]:
    """Yield the result of ``work`` for every request; each worker prepares at most :data:`AHEAD` results in advance.

    Args:
        work: called in a worker process; must be picklable.
        workers: number of processes; 0 works in this process.
        pin_memory: whether to put tensors of the results into pinned memory, from which copies to a GPU do not wait.

    Raises:
        DataError: a worker process died.
    """
    workers = min(workers, len(requests))
    loader: DataLoader[Any] = DataLoader(
        _RequestDataset(work),
        batch_size=None,
        sampler=requests,
        num_workers=workers,
        prefetch_factor=AHEAD if workers else None,
        pin_memory=pin_memory,
        worker_init_fn=partial(_start_worker, multiprocessing.get_context().Lock()),
        generator=torch.Generator(),  # otherwise DataLoader draws from the global one, on which dropout depends
    )
    results = iter(loader)
    try:
        yield from results
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        said = str(error).strip()
        reason = said.splitlines()[-1] if "Traceback" in said else " ".join(said.split())  # the error without its path
        raise DataError(
            f"a process that decodes images died ({reason}); give it more memory, or in a "
            f"container more shared memory, such as docker's --shm-size 8g"
        ) from None
    finally:
        _end_workers(results)


def _end_workers(results: Any) -> None:
    """End the worker processes now, which ignore signals: an error's traceback may keep ``results`` alive for long.

    While one lives, Python waits for it when it ends.
    """
    if workers := getattr(results, "_shutdown_workers", None):  # which a loader without workers lacks
        workers()


class _RequestDataset(Dataset[Any]):
    """Lets DataLoader take requests as indices and results as items."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._work = work

    def __getitem__(self, request: Any) -> Any:
        return self._work(request)


def _start_worker(lock: AbstractContextManager[Any], _: int) -> None:
    Turns.lock = lock  # all workers together decode one large picture at a time
    # Pillow warns of damaged metadata in good images; real failures come back as results
    warnings.simplefilter("ignore")
    # Signals reach every process of a terminal or a job. The training process handles them and finishes its step first,
    # for which it still needs the batch. Workers end when that closes their queues, or has ended itself.
    signals.leave_to_parent()
