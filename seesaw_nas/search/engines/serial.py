"""A search in this process: one training after another; scores without training are computed several at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from seesaw_nas.core import signals
from seesaw_nas.evaluators import Failure, Score, at_once, attempt, attempt_together
from seesaw_nas.search.jobs import Job, by_schedule
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.proposer import Proposer

if TYPE_CHECKING:
    from seesaw_nas.evaluators import Evaluator

POLL_SECONDS = 0.5  # time between two checks whether other processes have finished the last trials


def run(
    proposer: Proposer,
    evaluator: Evaluator,
    listener: Listener | None = None,
    *,
    time_limit: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Train the proposer's jobs until it has enough; returns why it ended.

    After a first signal the running training is finished; a second signal drops it.

    Args:
        time_limit: seconds from now after which no further training starts.
        clock: returns the time in seconds.

    Raises:
        KeyboardInterrupt: there was a signal; the running training is finished or dropped.
    """
    end = clock() + time_limit if time_limit is not None else float("inf")
    listener = listener or Listener()
    with signals.catch_signals() as stop:
        while clock() < end:
            if stop():
                raise KeyboardInterrupt
            jobs = proposer.ask_several(at_once(evaluator))
            if not jobs and proposer.ended:
                return proposer.ended
            if not jobs:
                time.sleep(POLL_SECONDS)
                continue
            _carry_out(jobs, proposer, evaluator, listener, stop)
    return "the time limit is reached"


def _carry_out(
    jobs: Sequence[Job], proposer: Proposer, evaluator: Evaluator, listener: Listener, stop: signals.Stop
) -> None:
    """Score several jobs together if the evaluator can do that; otherwise train one after another."""
    left = list(jobs)
    for job in jobs:
        listener.begun(job.number, job.architecture, job.macs)
    try:
        scores = attempt_together(evaluator, [job.architecture for job in jobs])
        while left:
            job, started = left[0], time.monotonic()
            result = scores.pop(0) if scores else _train(job, evaluator, listener, stop)
            del left[0]
            if isinstance(result, Failure):  # also out of memory: nothing else runs here that could free some
                proposer.fail(job, result.reason, time.monotonic() - started)
            else:
                proposer.tell(job, result)
    except KeyboardInterrupt:
        for job in left:
            proposer.drop(job)
        raise


def _train(job: Job, evaluator: Evaluator, listener: Listener, stop: signals.Stop) -> Score | Failure:
    notified, scheduled = False, by_schedule(evaluator, job)

    def step(done: int, total: int) -> None:
        nonlocal notified
        listener.step(done, total)
        if stop() and not notified:
            notified = True
            listener.stopping(1)

    return attempt(
        lambda: scheduled.evaluate(
            job.architecture,
            seed=job.seed,
            until=job.until,
            checkpoint=job.checkpoint,
            on_epoch=listener.epoch,
            on_step=step,
        )
    )
