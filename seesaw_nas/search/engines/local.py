"""The search on worker processes of this machine: one process proposes and owns the history, the others train.

A worker that dies costs the training that it was at. That is begun once more elsewhere; when it dies there, too, the
trial has failed. The images lie in memory that all processes share; on GPUs every worker has its own copy.
"""

from __future__ import annotations

import contextlib
import pickle
import signal as signals_of_system
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from seesaw_nas import signals
from seesaw_nas.errors import OptionError
from seesaw_nas.search.engines.worker import Found, Place, serve
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.proposer import Job, Proposer

if TYPE_CHECKING:
    from seesaw_nas.evaluate import Evaluator

POLL_SECONDS = 0.5  # how soon a signal is noticed while all workers are busy


class WorkerError(RuntimeError):
    """A defect in a worker; the text is its traceback."""


class _Worker:
    """A process, and the job that it is at."""

    def __init__(self, evaluator: Evaluator, place: Place) -> None:
        import torch.multiprocessing  # which shares the memory of tensors that are sent

        context = torch.multiprocessing.get_context("spawn")
        self.place = place
        self.job: Job | None = None
        self.ready = False  # whether it has begun to serve
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, evaluator, place), daemon=True)
        try:
            with _without_interrupts():
                self.process.start()
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            raise OptionError(
                f"the evaluator cannot be sent to a worker ({error}); define it in a module, or use --engine serial"
            ) from None
        theirs.close()

    def begin(self, job: Job) -> None:
        self.job = job
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died idle, which is seen next
            self.connection.send(job)

    def stop(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.join()

    def death(self) -> str:
        """Why the process ended.

        Raises:
            WorkerError: it could not begin, as none in its place could.
        """
        self.process.join()
        self.connection.close()
        code = self.process.exitcode or 0
        if code >= 0 and not self.ready:
            raise WorkerError(f"{self.place.name} could not begin (exit code {code}); its own traceback says why")
        cause = signals_of_system.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"{self.place.name} died ({cause})"


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """A process begun in the body is deaf to the Ctrl-C that a terminal sends to all; here one comes afterwards."""
    resource_tracker.ensure_running()  # which it would begin now, and then let interrupts through
    before = signals_of_system.pthread_sigmask(signals_of_system.SIG_BLOCK, {signals_of_system.SIGINT})
    try:
        yield
    finally:
        signals_of_system.pthread_sigmask(signals_of_system.SIG_SETMASK, before)


def run(
    proposer: Proposer,
    evaluator: Evaluator,
    places: Sequence[Place],
    listener: Listener | None = None,
    *,
    time_limit: float | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Keep a worker busy at each place until the proposer has enough; returns what ended it.

    A first signal ends the proposing and lets the running trainings come to their end, a second drops them.

    Args:
        time_limit: seconds from now after which no further training begins.
        clock: what measures them.

    Raises:
        KeyboardInterrupt: a signal asked for the end, and what was running is finished or dropped.
        WorkerError: a defect in a worker.
        OptionError: the evaluator cannot be sent to another process.
    """
    end = clock() + time_limit if time_limit is not None else float("inf")
    workers = [_Worker(evaluator, place) for place in places]
    pool = _Pool(proposer, evaluator, listener or Listener(), workers)
    with signals.noted() as stop:
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
        finally:
            for worker in pool.workers:
                worker.stop()
            pool.drop()
        if stop():
            raise KeyboardInterrupt
    return proposer.ended or "the time limit is reached"


class _Pool:
    """The workers, and the jobs that a dead one left to be done again."""

    def __init__(self, proposer: Proposer, evaluator: Evaluator, listener: Listener, workers: list[_Worker]) -> None:
        self.workers = workers
        self._proposer, self._evaluator, self._listener = proposer, evaluator, listener
        self._again: list[Job] = []
        self._told = False

    @property
    def busy(self) -> list[_Worker]:
        return [worker for worker in self.workers if worker.job is not None]

    def hand_out(self) -> None:
        """Give every idle worker a job, as long as there are any."""
        for worker in self.workers:
            if worker.job is None:
                job = self._again.pop(0) if self._again else self._proposer.ask()
                if job is None:
                    return
                self._listener.begun(job.number, job.architecture, job.macs)
                worker.begin(job)

    def collect(self) -> None:
        """Wait for something to happen, and take it in."""
        handles: dict[Any, _Worker] = {worker.connection: worker for worker in self.busy}
        for ready in wait(list(handles), timeout=POLL_SECONDS):
            worker = handles[ready]
            assert isinstance(ready, Connection), "only connections are waited for"
            try:
                found: Found | None = ready.recv()
            except (EOFError, ConnectionResetError):
                self._bury(worker)
                continue
            if found is None:
                worker.ready = True
                continue
            job, worker.job = worker.job, None
            assert job is not None, "only busy workers are waited for"
            if found.fatal:
                self._proposer.drop(job)
                raise WorkerError(f"{worker.place.name}, trial {job.number}: {found.fatal}")
            if found.score is not None:
                self._proposer.tell(job, found.score, worker=worker.place.name)
            else:
                self._proposer.fail(job, found.reason, worker=worker.place.name)

    def _bury(self, worker: _Worker) -> None:
        """Put a new worker in the place of a dead one, and see to its job."""
        job, cause = worker.job, worker.death()
        self.workers[self.workers.index(worker)] = _Worker(self._evaluator, worker.place)
        assert job is not None, "only busy workers are waited for"
        if self._proposer.retry(job):
            self._again.append(job)
        else:
            self._proposer.fail(job, f"{cause} while training it, as another worker had", worker=worker.place.name)

    def tell_stopping(self) -> None:
        """Say once that the running trainings are waited for."""
        if not self._told:
            self._told = True
            self._listener.stopping(len(self.busy))

    def drop(self) -> None:
        """Take back all jobs that were begun and have not come to their end."""
        for job in [*(worker.job for worker in self.busy if worker.job), *self._again]:
            self._proposer.drop(job)
