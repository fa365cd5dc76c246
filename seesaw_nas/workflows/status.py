"""The progress of a run, read from its folder while another process may be working on it."""

from __future__ import annotations

import math
import shlex
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from seesaw_nas.core.errors import RunError
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search import records
from seesaw_nas.search.history.lines import Entry
from seesaw_nas.search.history.places import Watched
from seesaw_nas.search.records import CompleteTrial, TrialRecord

RECENT = 20  # trainings that the pace is taken from


@dataclass(frozen=True, slots=True)
class Status:
    """How a run stands.

    Attributes:
        working: whether a process works on it.
        trials: architectures that it is to train.
        counts: proposals by state.
        best: with the highest top-1 so far.
        seconds_left: until all are trained, by the pace of the last ones; ``None`` before two have ended.
        workers: trainings that each worker has ended; empty where one process trains by itself.
        evaluator: what scores.
        resume: the command that goes on with it; empty while a process works on it, and where nothing is left to do.
    """

    name: str
    working: bool
    trials: int
    counts: dict[str, int]
    best: CompleteTrial | None
    seconds_left: float | None
    workers: dict[str, int]
    evaluator: str = "trained"
    resume: str = ""

    @property
    def begun(self) -> int:
        """Architectures whose training was begun."""
        return sum(self.counts.get(state, 0) for state in records.TRAINED)

    @property
    def running(self) -> int:
        """Trainings that are going on, or were when the process ended."""
        return self.counts.get("running", 0)


def read_status(path: Path | str, storage: str = "") -> Status:
    """How the run in this folder stands.

    Args:
        storage: URL of the database that has its history; needed where the folder has none.

    Raises:
        RunError: it is no folder of a search, or its history is not readable.
    """
    return RunWatch(path, storage).look()


class RunWatch:
    """Looks at a run again and again; each look reads only what was appended to its history since the last one."""

    def __init__(self, path: Path | str, storage: str = "") -> None:
        """Look for the run; arguments as of :func:`read_status`.

        Raises:
            RunError: it is no folder of a search.
        """
        self._folder = RunFolder.open(Path(path), storage)
        settings = self._folder.description.get("settings", {})
        if "trials" not in settings:
            raise RunError(f"{self._folder.path} is no search; of a training, `train --tensorboard` shows the progress")
        self._own_trials = int(settings["trials"])
        self._evaluator = str(settings.get("evaluator", "trained"))
        self._watched = Watched(self._folder)
        self._tally = _Tally()

    def look(self) -> Status:
        """How the run stands.

        Raises:
            RunError: its history is not readable.
        """
        trials = self._folder.trials or self._own_trials  # another process may have raised it meanwhile
        working = self._folder.is_held()  # before reading: of a process that ends, all is read
        changed, afresh = self._watched.look()
        tally = self._tally = _Tally() if afresh else self._tally
        for trial in changed:
            tally.take(trial)
        counts = Counter({state: len(numbers) for state, numbers in tally.states.items() if numbers})
        begun = sum(counts[state] for state in records.TRAINED)
        left = max(0, trials - begun) + counts["running"] + counts["paused"]
        return Status(
            name=self._folder.name,
            working=working,
            trials=trials,
            counts=dict(counts),
            best=None if tally.best is None else self._watched.complete_trial(-tally.best[2]),
            seconds_left=_seconds_left(tally.ends.values(), left),
            workers={worker: len(numbers) for worker, numbers in tally.workers.items()},
            evaluator=self._evaluator,
            resume=shlex.join(["seesaw-nas", "resume", str(self._folder.path)]) if left and not working else "",
        )


class _Tally:
    """What is counted of the trials that were seen; one that is seen again counts as it is then.

    Attributes:
        states, workers: numbers of trials by their state, and by what trained them.
        ends: of the trained ones, when they came to their end.
        best: top-1, Multi-Adds and number of the best, the last two negative, so that it is the greatest.
    """

    def __init__(self) -> None:
        self.states: dict[str, set[int]] = defaultdict(set)
        self.workers: dict[str, set[int]] = defaultdict(set)
        self.ends: dict[int, float] = {}
        self.best: tuple[float, int, int] | None = None
        self._known: dict[int, str] = {}

    def take(self, trial: Entry | TrialRecord) -> None:
        """Count a trial as it is now."""
        number = trial.number
        if (before := self._known.get(number)) is not None:
            self.states[before].discard(number)
        self._known[number] = trial.state
        self.states[trial.state].add(number)
        if trial.worker:
            self.workers[trial.worker].add(number)
        if trial.ended and trial.state in records.TRAINED:
            self.ends[number] = trial.ended
        if trial.state == "complete" and trial.top1 is not None and trial.macs is not None:
            self.best = max(self.best or (-math.inf, 0, 0), (trial.top1, -trial.macs, -number))


def _seconds_left(ends: Iterable[float], left: int) -> float | None:
    last = sorted(ends)[-RECENT:]
    if len(last) < 2:
        return None
    return max(0.0, left * (last[-1] - last[0]) / (len(last) - 1) - (time.time() - last[-1]))
