"""Work on image files in processes of their own, by torch's DataLoader: results come in the order of the requests."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from seesaw_nas.core.conditions import cores
from seesaw_nas.core.errors import DataError
from seesaw_nas.core.torchrun import processes_here

MOST = 16
AHEAD = 2  # results that each worker keeps ready

Asked = TypeVar("Asked")
Done = TypeVar("Done")


def default_workers() -> int:
    """One for each core but one, which trains; at least one and at most 16. Processes of torchrun share the cores."""
    return max(1, min(MOST, cores() // processes_here() - 1))


def run_in_workers(
    work: Callable[[Asked], Done], requests: Sequence[Asked], workers: int, pin_memory: bool = False
) -> Iterator[Done]:
    """``work`` done on every request, ahead of the reader by :data:`AHEAD` results a worker at most.

    Args:
        work: what a worker process does; it and all that it holds can be pickled.
        workers: processes; 0 does the work in this one.
        pinned: whether tensors of the results are put where a GPU fetches them without waiting.

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
        worker_init_fn=_start_worker,
        generator=torch.Generator(),  # it would draw from the global one otherwise, which decides the dropout
    )
    try:
        yield from loader
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise DataError(
            f"a process that decodes images died ({' '.join(str(error).split())}); it wants more memory, or in a "
            f"container more shared memory, such as docker's --shm-size 8g"
        ) from None


class _RequestDataset(Dataset[Any]):
    """A request is what DataLoader takes for an index, its result for the item there."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self._work = work

    def __getitem__(self, request: Any) -> Any:
        return self._work(request)


def _start_worker(_: int) -> None:
    # Pillow warns of damaged metadata in good images; what matters of an image comes back as a result
    warnings.simplefilter("ignore")
    # Ctrl-C reaches every process of a terminal: whoever trains decides what it means and finishes a step first, for
    # which the batch must come. SIGTERM stays as it is: by that the parent ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
