"""The progress of a run, read from its folder while another process may be working on it."""

from __future__ import annotations

import math
import shlex
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seesaw_nas.core.errors import RunError
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search import records
from seesaw_nas.search.history.lines import Entry
from seesaw_nas.search.history.places import Watched
from seesaw_nas.search.records import CompleteTrial, TrialRecord
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.search.spending import Spending, begun

RECENT = 20  # trainings that the pace is taken from


@dataclass(frozen=True, slots=True)
class Status:
    """How a run stands.

    Attributes:
        working: whether a process works on it.
        trials: trainings that it is to do, short ones among them.
        counts: proposals by state.
        best: with the highest top-1 so far.
        seconds_left: until all are trained, by the pace of the last ones; ``None`` before two have ended.
        workers: trainings that each worker has ended; empty where one process trains by itself.
        short_epochs: of the schedule of its short trainings; 0 where it has none.
        evaluator: what scores.
        resume: the command or call that goes on with it; empty while a process works on it, and where nothing is left.
    """

    name: str
    working: bool
    trials: int
    counts: dict[str, int]
    best: CompleteTrial | None
    seconds_left: float | None
    workers: dict[str, int]
    short_epochs: int = 0
    evaluator: str = "trained"
    resume: str = ""

    @property
    def begun(self) -> int:
        """Trainings that were begun."""
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
        self._own_spending = _spending(settings)
        self._evaluator = str(settings.get("evaluator", "trained"))
        self._watched = Watched(self._folder)
        self._tally = _Tally()

    def look(self) -> Status:
        """How the run stands.

        Raises:
            RunError: its history is not readable.
        """
        spending = self._own_spending
        if self._folder.trials:  # another process may have raised it meanwhile
            spending = replace(spending, trials=self._folder.trials)
        working = self._folder.is_held()  # before reading: of a process that ends, all is read
        changed, afresh = self._watched.look()
        tally = self._tally = _Tally() if afresh else self._tally
        for trial in changed:
            tally.take(trial)
        counts = Counter({state: len(numbers) for state, numbers in tally.states.items() if numbers})
        done = begun(Counter(tally.begun.values()), spending.epochs)
        open_now = [tally.begun[number] or spending.epochs for number in tally.open]
        left = spending.left(done)
        ends = {number: (end, tally.begun[number] or spending.epochs) for number, end in tally.ends.items()}
        ended = not (left.whole or left.short or open_now or counts["paused"])
        return Status(
            name=self._folder.name,
            working=working,
            trials=done.whole + done.short + left.whole + left.short if spending.short else spending.trials,
            counts=dict(counts),
            best=None if tally.best is None else self._watched.complete_trial(-tally.best[2]),
            seconds_left=_seconds_left(ends.values(), left.epochs + sum(open_now)),
            workers={worker: len(numbers) for worker, numbers in tally.workers.items()},
            short_epochs=spending.short,
            evaluator=self._evaluator,
            resume="" if ended or working else _how_to_resume(self._folder),
        )


def _how_to_resume(folder: RunFolder) -> str:
    """The command, or the call in Python where the run began with objects of a program."""
    if not (names := folder.description.get("given")):
        return shlex.join(["seesaw-nas", "resume", str(folder.path)])
    return f"api.resume({str(folder.path)!r}, given=api.Objects({', '.join(f'{name}=...' for name in names)}))"


def _spending(settings: Mapping[str, Any]) -> Spending:
    """What the settings of a run let it spend; without short trainings only the number of trials matters."""
    asked = str(settings.get("short_epochs", "0"))
    short = int(asked) if asked.isdecimal() else 0
    training = SearchSettings.from_dict(settings).training if short else None
    return Spending(int(settings["trials"]), training.fitted_recipe.epochs if training else 1, short)


class _Tally:
    """What is counted of the trials that were seen; one that is seen again counts as it is then.

    Attributes:
        states, workers: numbers of trials by their state, and by what trained them.
        begun: of those whose training was begun, the epochs of their schedule where it is short; else 0.
        ends: of the trained ones, when they came to their end.
        best: top-1, Multi-Adds and number of the best, the last two negative, so that it is the greatest.
    """

    def __init__(self) -> None:
        self.states: dict[str, set[int]] = defaultdict(set)
        self.workers: dict[str, set[int]] = defaultdict(set)
        self.begun: dict[int, int] = {}
        self.ends: dict[int, float] = {}
        self.best: tuple[float, int, int] | None = None
        self._known: dict[int, str] = {}

    @property
    def open(self) -> set[int]:
        """Numbers of trials that are being trained, or will be trained on."""
        return self.states["running"] | self.states["paused"]

    def take(self, trial: Entry | TrialRecord) -> None:
        """Count a trial as it is now."""
        number = trial.number
        if (before := self._known.get(number)) is not None:
            self.states[before].discard(number)
        self._known[number] = trial.state
        self.states[trial.state].add(number)
        self.begun.pop(number, None)
        if trial.state in records.TRAINED:
            self.begun[number] = trial.schedule
        if trial.worker:
            self.workers[trial.worker].add(number)
        if trial.ended and trial.state in records.TRAINED:
            self.ends[number] = trial.ended
        if trial.state == "complete" and trial.top1 is not None and trial.macs is not None:
            self.best = max(self.best or (-math.inf, 0, 0), (trial.top1, -trial.macs, -number))


def _seconds_left(ends: Iterable[tuple[float, int]], left: int) -> float | None:
    """Seconds until so many epochs are trained, by the last trainings: when each ended, and its epochs."""
    last = sorted(ends)[-RECENT:]
    if len(last) < 2:
        return None
    pace = (last[-1][0] - last[0][0]) / sum(epochs for _, epochs in last[1:])
    return max(0.0, left * pace - (time.time() - last[-1][0]))
