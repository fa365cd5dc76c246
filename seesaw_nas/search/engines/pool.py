"""The worker processes of this machine, and how jobs are distributed among them.

If a worker dies, its training is started once more elsewhere; if it was scoring several jobs together, each of them is
started once more by itself. A training that ran out of memory beside others is tried once more alone: after all other
trainings on its device have ended, and the other workers have released their memory there.
"""

from __future__ import annotations

import contextlib
import signal as signals_of_system
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import TYPE_CHECKING, Any

from seesaw_nas.core import signals
from seesaw_nas.core.errors import OptionError, RunError, SeesawError
from seesaw_nas.evaluators import at_once
from seesaw_nas.search.engines.sharing import UNSENDABLE, Filed, unsendable
from seesaw_nas.search.engines.worker import Idle, Outcome, Place, Release, serve
from seesaw_nas.search.jobs import Job
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.proposer import Proposer

if TYPE_CHECKING:
    from seesaw_nas.evaluators import Evaluator

POLL_SECONDS = 0.5  # time until a signal is noticed while all workers are busy


class WorkerError(RuntimeError):
    """A bug in a worker; the text is its traceback."""


class WorkerStartError(WorkerError, RunError):
    """A worker that ended before it could work; it has printed why."""


class Worker:
    """A worker process and its jobs.

    Attributes:
        jobs: jobs that it was sent and has not reported yet; several if they are scored together.
        alone: whether no other worker may train on the device until the job is done.
        ready: whether it has started to serve.
        keeps: whether it may hold memory of earlier jobs.
        releasing: whether it was asked to release that memory and has not answered yet.
    """

    def __init__(self, sent: Evaluator | Filed, place: Place) -> None:
        import torch.multiprocessing  # shares the memory of tensors that are sent

        context = torch.multiprocessing.get_context("spawn")
        self.place = place
        self.jobs: list[Job] = []
        self.alone = self.ready = self.keeps = self.releasing = False
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, sent, place), daemon=True)
        try:
            with _without_interrupts():
                self.process.start()
        except UNSENDABLE as error:
            raise unsendable(error) from None
        theirs.close()

    def begin(self, jobs: list[Job], *, alone: bool = False) -> None:
        self.jobs, self.alone, self.keeps = list(jobs), alone, True
        self._send(jobs)

    def release(self) -> None:
        """Ask it to release the memory of earlier jobs."""
        self.releasing = True
        self._send(Release())

    def _send(self, what: list[Job] | Release) -> None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it died while idle, which is noticed later
            self.connection.send(what)

    def note_idle(self, idle: Idle) -> None:
        """Record that it is ready, or has released its memory.

        Raises:
            OptionError: it could not start.
            Exception: what it met with as it began, as this process would have.
        """
        if idle.error is not None:
            raise idle.error
        if idle.reason:
            raise OptionError(f"{self.place.name} cannot begin: {idle.reason}")
        if self.releasing:
            self.keeps = self.releasing = False
        self.ready = True

    def stop(self) -> None:
        self.connection.close()
        self.process.kill()  # it ignores signals that reach a whole group of processes
        self.process.join()

    def death(self) -> str:
        """The reason why the process ended.

        Raises:
            WorkerStartError: it could not start, so that a new worker could not start either.
        """
        self.process.join()
        self.connection.close()
        code = self.process.exitcode or 0
        if code >= 0 and not self.ready:
            raise WorkerStartError(f"{self.place.name} could not begin (exit code {code}); its own traceback says why")
        cause = signals_of_system.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"{self.place.name} died ({cause})"


@contextlib.contextmanager
def _without_interrupts() -> Iterator[None]:
    """Context in which new processes ignore signals that all of a terminal or job get; this one receives them later."""
    before = signals_of_system.pthread_sigmask(signals_of_system.SIG_BLOCK, signals.CAUGHT)
    try:
        resource_tracker.ensure_running()  # it must outlive a SIGHUP; the others it ignores, and unblocks here
        signals_of_system.pthread_sigmask(signals_of_system.SIG_BLOCK, signals.CAUGHT)
        yield
    finally:
        signals_of_system.pthread_sigmask(signals_of_system.SIG_SETMASK, before)


class Pool:
    """The workers, the jobs of dead workers, which are to be repeated, and the jobs that wait for a device alone."""

    def __init__(
        self,
        proposer: Proposer,
        evaluator: Evaluator,
        listener: Listener,
        workers: list[Worker],
        sent: Evaluator | Filed | None = None,
    ) -> None:
        """Take over workers; a new one gets what was ``sent`` to them, by default the evaluator itself."""
        self.workers = workers
        self._proposer, self._sent, self._listener = proposer, sent or evaluator, listener
        self._at_once = at_once(evaluator)
        self._retries: list[Job] = []
        self._waiting: list[tuple[str, Job]] = []  # device and job
        self._notified = False

    @property
    def busy(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.jobs]

    @property
    def _share(self) -> int:
        """Number of jobs that a worker gets together, limited so that all workers could get as many."""
        return max(1, min(self._at_once, self._proposer.wanted // len(self.workers)))

    def hand_out(self) -> None:
        """Give jobs to every idle worker, as long as there are any, except on devices that a job needs alone."""
        for device in {device for device, _ in self._waiting}:
            self._begin_alone(device)
        reserved = {device for device, _ in self._waiting} | {
            worker.place.device for worker in self.busy if worker.alone
        }
        most = self._share
        for worker in self.workers:
            if not worker.jobs and worker.place.device not in reserved:
                jobs = [self._retries.pop(0)] if self._retries else self._proposer.ask_several(most)
                if not jobs:
                    return
                self._begin(worker, jobs)

    def _begin(self, worker: Worker, jobs: list[Job], *, alone: bool = False) -> None:
        for job in jobs:
            self._listener.begun(job.number, job.architecture, job.macs)
        worker.begin(jobs, alone=alone)

    def _begin_alone(self, device: str) -> None:
        """Start the first job that waits for this device alone, once its workers are idle and have released memory."""
        workers = self._on(device)
        if any(worker.jobs for worker in workers):
            return
        for worker in workers:
            if worker.keeps and not worker.releasing:
                worker.release()
        if not any(worker.keeps for worker in workers):
            entry = next(entry for entry in self._waiting if entry[0] == device)
            self._waiting.remove(entry)
            self._begin(workers[0], [entry[1]], alone=True)

    def _on(self, device: str) -> list[Worker]:
        return [worker for worker in self.workers if worker.place.device == device]

    def collect(self) -> None:
        """Wait for messages of workers and record them."""
        expected = [worker for worker in self.workers if worker.jobs or worker.releasing]
        handles: dict[Any, Worker] = {worker.connection: worker for worker in expected}
        for ready in wait(list(handles), timeout=POLL_SECONDS):
            worker = handles[ready]
            assert isinstance(ready, Connection), "only connections are waited for"
            try:
                message: Outcome | Idle = ready.recv()
            except (EOFError, ConnectionResetError):
                self._bury(worker)
                continue
            if isinstance(message, Idle):
                worker.note_idle(message)
            else:
                self._record(worker, message)

    def _record(self, worker: Worker, outcome: Outcome) -> None:
        """Record the outcome of a worker's first job."""
        job, alone, worker.alone = worker.jobs.pop(0), worker.alone, False
        assert job.number == outcome.number, "a worker reports its jobs in order"
        device, name = worker.place.device, worker.place.name
        if outcome.error is not None:
            self._proposer.drop(job)
            raise outcome.error
        if outcome.fatal:
            self._proposer.drop(job)
            raise WorkerError(f"{name}, trial {job.number}: {outcome.fatal}")
        if outcome.score is not None:
            self._proposer.tell(job, outcome.score, worker=name)
        elif outcome.out_of_memory and not alone and len(self._on(device)) > 1:
            self._listener.postponed(job.number, outcome.reason, f"nothing else trains on {device}")
            self._waiting.append((device, job))
        else:
            reason = f"{outcome.reason} (nothing else was being trained there)" if alone else outcome.reason
            self._proposer.fail(job, reason, worker=name)

    def _bury(self, worker: Worker) -> None:
        """Replace a dead worker by a new one, and retry its jobs or record their failure."""
        cause = worker.death()
        self.workers[self.workers.index(worker)] = Worker(self._sent, worker.place)
        for job in worker.jobs:
            if not self._proposer.retry(job):
                reason = f"{cause} while training it, as another worker had"
                self._proposer.fail(job, reason, worker=worker.place.name)
            elif worker.alone:
                self._waiting.append((worker.place.device, job))
            else:
                self._retries.append(job)

    def salvage(self) -> None:
        """Record what workers have reported by now, as far as it can be recorded; for an ending with an error."""
        reported: Any = wait([worker.connection for worker in self.busy if not worker.connection.closed], timeout=0)
        for worker in [worker for worker in self.busy if worker.connection in reported]:
            with contextlib.suppress(EOFError, OSError, SeesawError):
                message = worker.connection.recv()
                if isinstance(message, Outcome) and message.score is not None:
                    self._record(worker, message)

    def tell_stopping(self) -> None:
        """Tell the listener, once, that the search waits for the running trainings."""
        if not self._notified:
            self._notified = True
            self._listener.stopping(sum(len(worker.jobs) for worker in self.workers))

    def drop(self) -> None:
        """Return all unfinished jobs to the proposer."""
        waiting = [job for _, job in self._waiting]
        for job in [*(job for worker in self.workers for job in worker.jobs), *self._retries, *waiting]:
            self._proposer.drop(job)
