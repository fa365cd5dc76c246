"""A search in worker processes of this machine: one process proposes and owns the history, the others train.

The images are in memory that all processes share, or in a file that all map; on GPUs every worker has its own copy. The
proposing process never sends tensors that are on a GPU.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from seesaw_nas.core import signals
from seesaw_nas.core.errors import SeesawError
from seesaw_nas.evaluators import on_device
from seesaw_nas.search.engines.pool import Pool, Worker, WorkerError
from seesaw_nas.search.engines.sharing import share
from seesaw_nas.search.engines.worker import Place
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.proposer import Proposer

if TYPE_CHECKING:
    from seesaw_nas.evaluators import Evaluator

__all__ = ["WorkerError", "run"]


def run(
    proposer: Proposer,
    evaluator: Evaluator,
    places: Sequence[Place],
    listener: Listener | None = None,
    *,
    time_limit: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Run a worker at each place until the proposer has enough; returns why it ended.

    After a first signal no training starts any more and running ones are finished; a second signal drops them.

    Args:
        time_limit: seconds from now after which no further training starts.
        clock: returns the time in seconds.

    Raises:
        KeyboardInterrupt: there was a signal; running trainings are finished or dropped.
        WorkerError: a bug in a worker.
        OptionError: the evaluator cannot be sent to another process, or a worker has too little memory to start.
        Exception: an error that a user can correct and that a worker met with, such as a full disk.
    """
    end = clock() + time_limit if time_limit is not None else float("inf")
    evaluator = on_device(evaluator, "cpu")
    with share(evaluator) as sent, signals.catch_signals() as stop:
        workers = [Worker(sent, place) for place in places]
        pool = Pool(proposer, evaluator, listener or Listener(), workers, sent)
        try:
            while True:
                stopping = stop() is not None
                if not stopping and clock() < end:
                    pool.hand_out()
                if not pool.busy and (stopping or proposer.ended or clock() >= end):
                    break
                if stopping:
                    pool.tell_stopping()
                pool.collect()
        except SeesawError:
            pool.salvage()
            raise
        finally:
            for worker in pool.workers:
                worker.stop()
            pool.drop()
        if stop():
            raise KeyboardInterrupt
    return proposer.ended or "the time limit is reached"
