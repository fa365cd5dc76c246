"""The progress of a run, read from its folder while another process may be working on it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
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
    """

    name: str
    working: bool
    trials: int
    counts: dict[str, int]
    best: CompleteTrial | None
    seconds_left: float | None
    workers: dict[str, int]

    @property
    def begun(self) -> int:
        """Architectures whose training was begun."""
        return sum(self.counts.get(state, 0) for state in records.TRAINED)

    @property
    def running(self) -> int:
        """Trainings that are going on, or were when the process ended."""
        return self.counts.get("running", 0)


def read_status(path: Path | str) -> Status:
    """How the run in this folder stands.

    Raises:
        RunError: it is no folder of a search, or its history is not readable.
    """
    return RunWatch(path).look()


class RunWatch:
    """Looks at a run again and again; each look reads only what was appended to its history since the last one."""

    def __init__(self, path: Path | str) -> None:
        """Look for the run.

        Raises:
            RunError: it is no folder of a search.
        """
        self._folder = RunFolder.open(Path(path))
        settings = self._folder.description.get("settings", {})
        if "trials" not in settings:
            raise RunError(f"{self._folder.path} is no search; of a training, `train --tensorboard` shows the progress")
        self._trials = int(settings["trials"])
        self._watched = Watched(self._folder)

    def look(self) -> Status:
        """How the run stands.

        Raises:
            RunError: its history is not readable.
        """
        working = self._folder.is_held()  # before reading: of a process that ends, all is read
        found = self._watched.look()
        counts = Counter(trial.state for trial in found)
        begun = sum(counts[state] for state in records.TRAINED)
        left = max(0, self._trials - begun) + counts["running"] + counts["paused"]
        return Status(
            name=self._folder.name,
            working=working,
            trials=self._trials,
            counts={str(state): count for state, count in counts.items()},
            best=self._best(found),
            seconds_left=_seconds_left(found, left),
            workers=dict(Counter(trial.worker for trial in found if trial.worker)),
        )

    def _best(self, found: Sequence[Entry] | Sequence[TrialRecord]) -> CompleteTrial | None:
        """As :func:`seesaw_nas.search.records.best`; of a file's trials only this one's architecture is built."""
        done = [
            (trial.top1, -trial.macs, -trial.number)
            for trial in found
            if trial.state == "complete" and trial.top1 is not None and trial.macs is not None
        ]
        return self._watched.complete_trial(-max(done)[2]) if done else None


def _seconds_left(found: Sequence[Entry] | Sequence[TrialRecord], left: int) -> float | None:
    ends = sorted(record.ended for record in found if record.ended and record.state in records.TRAINED)[-RECENT:]
    if len(ends) < 2:
        return None
    return max(0.0, left * (ends[-1] - ends[0]) / (len(ends) - 1) - (time.time() - ends[-1]))
