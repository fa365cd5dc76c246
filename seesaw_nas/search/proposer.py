"""The core of a search: it hands out the next training and takes its result, whichever engine trains.

:meth:`Proposer.ask` hands out one job after another, several at a time if one likes; each is told when it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.evaluators import Score
from seesaw_nas.search.estimates.live import Live
from seesaw_nas.search.halving import Halving
from seesaw_nas.search.history.history import History
from seesaw_nas.search.jobs import Job
from seesaw_nas.search.records import TRAINED, TrialRecord
from seesaw_nas.search.register import Register
from seesaw_nas.search.spending import Begun, Spending
from seesaw_nas.search.strategies.base import Exhausted, Strategy
from seesaw_nas.training.epoch import Epoch

MAX_ATTEMPTS = 2  # at training one trial: what killed its worker once may do so again
RETRIED = "again: trial "  # how the origin of a trial begins that repeats another one
RECOMMENDED = "the best of the space by the estimates"  # origin of the last trial, where that was not trained yet
MAX_FAILURES = 5  # trials in a row; then something is wrong with all of them
GAVE_UP = f"the last {MAX_FAILURES} trials failed"  # why a search ended then


class Proposer:
    """Proposes until enough is trained, or something else ends it.

    Attributes:
        ended: why there is nothing more to do; empty while there is.
        epochs: of a whole training.
    """

    def __init__(
        self,
        history: History,
        strategy: Strategy,
        *,
        trials: int,
        taken_over: int = 0,
        epochs: int = 1,
        halving: Halving | None = None,
        checkpoints: Path | None = None,
        on_closed: Callable[[TrialRecord], None] | None = None,
        retry_failed: bool = False,
        live: Live | None = None,
        short: int = 0,
    ) -> None:
        """Take up a history where it stands.

        Args:
            trials: whole trainings whose epochs may be spent, in the whole history; failed and stopped ones count.
            taken_over: how many more the history has from earlier runs, which do not count.
            epochs: of a whole training.
            halving: who is trained how far; everyone to the end without it.
            checkpoints: folder for those of paused trials.
            on_closed: told of every trial that comes to an end or a pause.
            retry_failed: whether architectures whose training failed are trained once more, as new trials.
            live: the search's estimates, which then decide who is trained on; and the last trial is the architecture
                that they hold for the best of the space, where that is a new one. Without, observed figures decide.
            short: epochs of the short trainings that a search begins with, see :mod:`seesaw_nas.search.spending`; 0
                for none.
        """
        self.ended = ""
        self._history = history
        self._strategy = strategy
        self._spending = Spending(trials, epochs, short)
        self.epochs = epochs
        self._halving = halving or Halving(epochs, minimum=epochs)
        self._checkpoints = checkpoints if len(self._halving.levels) > 1 else None
        self._on_closed = on_closed or (lambda record: None)
        self._live = live
        self._out: set[int] = set()
        self._dropped: list[Job] = []
        self._left = history.open()  # not known yet: what was left may be a duplicate, and is looked at anew
        self._known = Register(history, epochs, taken_over)
        for record in history.records():
            if record.number not in self._left:
                self._known.know(record)
        self._failed_in_a_row = 0
        self._exhausted = False
        for record in history.records():
            self._halving.note(record)
        if retry_failed:
            self._retry_failed()

    @property
    def trained(self) -> int:
        """Trainings that were begun, those that failed among them."""
        return self._begun.whole + self._begun.short

    @property
    def left(self) -> Begun:
        """Trainings that are still to be begun."""
        return self._spending.left(self._begun)

    @property
    def wanted(self) -> int:
        """How many trainings are still to be begun."""
        return self.left.whole + self.left.short

    @property
    def _begun(self) -> Begun:
        return self._known.begun()

    @property
    def _next_schedule(self) -> int | None:
        """The schedule of the next new trial; ``None`` where all epochs are spent."""
        return self._spending.next_schedule(self._begun)

    @property
    def running(self) -> int:
        """Jobs that were handed out and not told."""
        return len(self._out)

    def ask(self) -> Job | None:
        """The next job; ``None`` if there is none until another job is told, here or elsewhere, or none at all.

        If there is none at all, :attr:`ended` says why.
        """
        self.ended = ""
        self._take_in(self._history.refresh())
        job: Job | None
        while self._failed_in_a_row < MAX_FAILURES:
            if self._dropped:
                job = self._resume_job(self._dropped.pop(0))
            elif self._left:
                job = self._open_job(self._left.pop(0), again=True)
            elif promoted := self._halving.promotion(worth=self._worth):
                job = self._promote(*promoted)
            elif (schedule := self._next_schedule) is not None and not self._exhausted:
                job = self._propose(schedule)
            elif self._out or self._others_at_work():
                return None
            elif promoted := self._halving.promotion(last=True, worth=self._worth):
                job = self._promote(*promoted)
            else:
                self._stop_paused()
                self.ended = self._end
                return None
            if job is not None:
                self._out.add(job.number)
                return job
        if not self._out:
            self.ended = GAVE_UP
        return None

    @property
    def _end(self) -> str:
        """Why there is nothing more to begin."""
        if self._exhausted and self._next_schedule is not None:
            return "every architecture that fits the budget has been proposed"
        if self._begun.short:
            return f"the epochs of {self._spending.trials} whole trainings, {self._spending.total}, are spent"
        return f"the wanted number of trials, {self._spending.trials}, is reached"

    def ask_several(self, most: int) -> list[Job]:
        """The next jobs, up to ``most`` of them; none where :meth:`ask` has none.

        Only one if the strategy learns from results: it then proposes what it would propose in a serial search.
        """
        jobs: list[Job] = []
        for _ in range(most if not getattr(self._strategy, "learns", True) else 1):
            job = self.ask()
            if job is None:
                break
            jobs.append(job)
        return jobs

    def _retry_failed(self) -> None:
        """Begin new trials of the architectures whose training failed, or was lost, and that no other trial has."""
        records = self._history.records()
        broken = [record for record in records if record.state in ("failed", "lost")]
        others = {_training(record) for record in records if record.state not in ("failed", "lost")}
        again = {_training(record): record for record in broken}
        for training, record in again.items():
            if record.digest and training not in others:
                origin = f"{RETRIED}{record.number} {'failed' if record.state == 'failed' else 'was lost'}"
                with self._history.scheduled(record.schedule):
                    self._left.append(self._history.add(record.spec, origin, attempts=0))

    def _take_in(self, changed: Sequence[TrialRecord]) -> None:
        """Mind what other processes did; of two trials of one architecture, the one with the lower number counts."""
        for record in changed:
            self._halving.note(record)
            self._forget_lost(record)
            self._known.know(record)
        self._left += self._history.take_over_lost()

    def _forget_lost(self, record: TrialRecord) -> None:
        if record.state == "lost":
            self._known.forget(record)

    def _others_at_work(self) -> bool:
        """Whether other processes train, of which one may be lost and its trial be left to this one."""
        return self._history.shared and any(record.state == "running" for record in self._history.records())

    def _propose(self, schedule: int) -> Job | None:
        if schedule:
            return self._propose_short(schedule)
        if (recommended := self._recommended()) is not None:
            return self._open_job(self._history.add(recommended, RECOMMENDED))
        try:
            number = self._strategy.propose(self._history, self._known.of(0).keys())
        except Exhausted:
            self._exhausted = True
            return None
        return self._open_job(number)

    def _propose_short(self, schedule: int) -> Job | None:
        """A short training of an architecture that was not trained at all yet; once there is none, all are whole."""
        try:
            with self._history.scheduled(schedule):
                number = self._strategy.propose(self._history, self._known.digests)
        except Exhausted:
            self._spending = replace(self._spending, short=0)
            return None
        return self._open_job(number)

    def _recommended(self) -> Architecture | None:
        """What the estimates recommend, where it is new and one trial is left for it."""
        if self._live is None or self.wanted != 1:
            return None
        best = self._live.recommended(self._history)
        return None if best is None or best.digest in self._known.of(0) else best

    def _worth(self, numbers: Sequence[int]) -> Sequence[float] | None:
        return self._live.worth(self._history, numbers) if self._live else None

    def _open_job(self, number: int, *, again: bool = False) -> Job | None:
        """The job of a trial that was begun, now or (``again``) by an earlier process, unless it needs no training."""
        self._take_in(self._history.refresh())
        record = self._history[number]
        if record.architecture is None or (broken := self._history.budget.objection(record.architecture)):
            reason = record.reason or broken
            self._close(replace(record, state="infeasible", reason=reason))
            return None
        earlier = self._known.of(record.schedule).get(record.digest, number)
        repeats = record.origin.startswith(RETRIED) and self._history[earlier].state == "failed"
        if earlier < number and not repeats:
            reason = f"same architecture as trial {earlier}"
            self._close(replace(record, state="duplicate", top1=self._history[earlier].top1, reason=reason))
            return None
        self._known.put(record)
        if self._history.shared and not self._spending.may_begin(record.schedule, self._known.begun(before=number)):
            self._close(replace(record, state="infeasible", reason="others had begun the last of the wanted trials"))
            self._known.forget(record)
            return None
        whole = record.origin == RECOMMENDED  # trained to its end, whatever it reads on the way
        until = record.schedule or (self.epochs if whole else self._halving.first(number))
        return self._job(record, until, again=again)

    def _promote(self, number: int, until: int) -> Job:
        record = self._history[number]
        self._history.go_on(number)
        return self._job(record, until, again=True)

    def _job(self, record: TrialRecord, until: int, *, again: bool) -> Job:
        number = record.number
        if again and not self._history.attempts(number):  # one that was begun before is not counted again
            self._history.attempt(number)
        checkpoint = _checkpoint(self._checkpoints, number) if self._checkpoints else None
        return Job(number, record.spec, cost.macs(record.spec), record.seed, until, checkpoint, record.schedule)

    def retry(self, job: Job) -> bool:
        """Whether a job that killed its worker may begin once more; if so, the attempt is counted.

        That the proposing process ended counts for nothing: it may be killed at any time, for any reason.
        """
        if self._history.attempts(job.number) >= MAX_ATTEMPTS:
            return False
        self._history.attempt(job.number)
        return True

    def tell(self, job: Job, score: Score, worker: str = "") -> None:
        """Take in what a training found; afterwards it is durable."""
        self._out.discard(job.number)
        record = replace(
            self._history[job.number],
            split=score.split,
            seconds=score.seconds,
            curve=score.curve,
            reason=score.note,
            worker=worker,
        )
        if job.schedule:
            self._close(replace(record, state="short"))
        elif job.until < self.epochs:
            self._history.pause(job.number, record)
            self._failed_in_a_row = 0
            self._halving.note(self._history[job.number])
            self._on_closed(self._history[job.number])
        else:
            self._close(replace(record, state="complete", top1=score.top1))

    def fail(self, job: Job, reason: str, seconds: float = 0.0, worker: str = "") -> None:
        """Take in that a training broke."""
        self._out.discard(job.number)
        record = self._history[job.number]
        self._close(replace(record, state="failed", reason=reason, seconds=seconds, worker=worker))

    def stop(self, job: Job, curve: Sequence[Epoch], worker: str = "") -> None:
        """Take in that somebody else stopped a training after the epochs of this curve, for good."""
        self._out.discard(job.number)
        reason = f"stopped after {len(curve)} of {job.schedule or self.epochs} epochs"
        record = replace(self._history[job.number], state="stopped", curve=tuple(curve), reason=reason, worker=worker)
        self._close(record)

    def drop(self, job: Job) -> None:
        """Take a job back that a person stopped; it is to be done again."""
        self._out.discard(job.number)
        self._dropped.append(job)
        self._history.forgive_attempt(job.number)

    def _resume_job(self, job: Job) -> Job:
        self._history.attempt(job.number)
        self._history.go_on(job.number)
        return job

    def _close(self, record: TrialRecord) -> None:
        """Bring a trial to its end."""
        self._history.finish(record.number, record)
        record = self._history[record.number]  # lost, where another process has taken it over
        self._forget_lost(record)
        if self._checkpoints:
            _checkpoint(self._checkpoints, record.number).unlink(missing_ok=True)
        self._halving.note(record)
        self._count(record)

    def _count(self, record: TrialRecord) -> None:
        if record.state in TRAINED:
            self._known.know(record)
            self._failed_in_a_row = self._failed_in_a_row + 1 if record.state == "failed" else 0
        self._on_closed(record)

    def _stop_paused(self) -> None:
        """Give up the trials that will not be trained on."""
        for record in self._history.records():
            if record.state == "paused":
                reason = f"stopped after {len(record.curve)} of {self.epochs} epochs"
                self._close(replace(record, state="stopped", reason=reason))
        if self._checkpoints:
            for file in self._checkpoints.glob("*.safetensors"):
                file.unlink()


def _training(record: TrialRecord) -> tuple[str, int]:
    """What a trial trains, and by which schedule."""
    return record.digest, record.schedule


def _checkpoint(folder: Path, number: int) -> Path:
    return folder / f"{number}.safetensors"
