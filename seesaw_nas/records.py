"""The run folder and its records: what a search leaves on disk, readable without torch and without Optuna.

One folder a run::

    run.json          settings and conditions, written once when the run begins
    optuna.journal    the trial history: Optuna's journal storage, the one owner of results
    pareto.csv        the front, one row a member
    front.json        the members of the front as spec files, in one list
    best.json         the architecture with the highest validation top-1, as a spec file
    report.html       accuracy against Multi-Adds
    latency.json      latencies of the front, where they were wanted
    confirmed.json    the best trained again with several seeds, where that was wanted
    checkpoints/      of trials that may still be trained on, under successive halving
    owner.lock        held by the process that works on the run
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

from seesaw_nas import pareto, specfile
from seesaw_nas.errors import RunError
from seesaw_nas.files import replace_file
from seesaw_nas.spec import Architecture

State = Literal["complete", "failed", "infeasible", "duplicate", "stopped", "paused", "running", "lost"]
TRAINED: tuple[State, ...] = ("complete", "failed", "stopped", "paused", "running")  # or being trained


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch of training left.

    Attributes:
        epoch: from 1.
        train_loss: mean cross-entropy over the epoch's images, as trained (augmented, regularised).
        loss, top1: cross-entropy and accuracy (a fraction) on ``split``; ``None`` where it was not evaluated.
        seconds: training and evaluation together.
    """

    epoch: int
    train_loss: float
    loss: float | None
    top1: float | None
    seconds: float


@dataclass(frozen=True, slots=True)
class TrialRecord:
    """One proposal of a search and what became of it.

    Attributes:
        number: from 0, in the order proposed.
        state: ``complete`` was trained; ``failed`` broke in training; ``infeasible`` lay outside the budget, so it was
            not trained; ``duplicate`` was answered from an earlier record of the same architecture; ``stopped`` was
            trained for some epochs and given up; ``paused`` may still be trained on; ``lost`` was begun by
            a process that is gone, and again by another.
        architecture: ``None`` where the proposal was no legal architecture.
        macs, params: exact, by arithmetic; ``None`` without an architecture.
        top1: accuracy on ``split``, a fraction, after the whole training; ``None`` without. What a stopped or paused
            trial reached stands in its curve alone, so that it is never taken for more.
        split: the split that ``top1`` is from; a search sees ``validation`` only.
        seed: of the trial's initialisation, order of images and augmentation.
        curve: an entry an epoch.
        reason: why it failed or was not trained; of a complete one, what else is to be known of its top1.
        origin: where the architecture is from, in words.
        worker: what trained it, where there were several.
        started, ended: when it was proposed and when it came to its end, in seconds since 1970; 0 where that is not so.
    """

    number: int
    state: State
    architecture: Architecture | None = None
    macs: int | None = None
    params: int | None = None
    top1: float | None = None
    split: str = "validation"
    seed: int = 0
    seconds: float = 0.0
    curve: tuple[Epoch, ...] = field(default=())
    reason: str = ""
    origin: str = ""
    worker: str = ""
    started: float = field(default=0.0, compare=False)
    ended: float = field(default=0.0, compare=False)

    @property
    def spec(self) -> Architecture:
        """The architecture of a trial that has one, as every trained trial has."""
        assert self.architecture is not None, "only legal architectures are trained"
        return self.architecture

    @property
    def digest(self) -> str:
        return self.architecture.digest if self.architecture else ""


def front(records: list[TrialRecord]) -> list[TrialRecord]:
    """The completed trials that no other dominates in (top1, macs), from the fewest Multi-Adds to the most."""
    done = [record for record in records if record.state == "complete"]
    members = pareto.front([(record.top1 or 0.0, float(record.macs or 0)) for record in done])
    return [done[i] for i in members]


def best(records: list[TrialRecord], means: Mapping[str, float] = MappingProxyType({})) -> TrialRecord | None:
    """The completed trial with the highest top1; of equals the one with the fewest Multi-Adds.

    Args:
        means: top1 by digest, of those that were trained again; where there are some, the best is one of them.
    """
    again = [record for record in records if record.state == "complete" and record.digest in means]
    if again:
        return max(again, key=lambda record: (means[record.digest], -(record.macs or 0)))
    members = front(records)
    return max(members, key=lambda record: (record.top1, -(record.macs or 0))) if members else None


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step."""
    replace_file(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run's files lie."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.resolve().name  # also of "." and "runs/x/.."

    @property
    def journal(self) -> Path:
        return self.path / "optuna.journal"

    @property
    def description(self) -> Path:
        return self.path / "run.json"

    @property
    def pareto(self) -> Path:
        return self.path / "pareto.csv"

    @property
    def front(self) -> Path:
        return self.path / specfile.FRONT

    @property
    def best(self) -> Path:
        return self.path / "best.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def confirmed(self) -> Path:
        return self.path / "confirmed.json"

    @property
    def latency(self) -> Path:
        return self.path / "latency.json"

    @classmethod
    def create(cls, path: Path, description: dict[str, Any]) -> RunFolder:
        """A new folder with its ``run.json``.

        Raises:
            RunError: there is something of this name already, or the folder cannot be made.
        """
        folder = cls(path)
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            raise RunError(
                f"{path} exists already and nothing is overwritten; choose another name, or go on with it by --resume"
            ) from None
        except OSError as error:
            raise RunError(
                f"cannot make the run folder {path}: {error.strerror}; choose another place or name"
            ) from None
        try:
            write_json(folder.description, description)
        except OSError:
            folder.discard()  # without run.json it could neither be resumed nor made again
            raise
        return folder

    def discard(self) -> None:
        """Delete the folder of a run that could not begin."""
        shutil.rmtree(self.path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The folder of an earlier run.

        Raises:
            RunError: it is no run folder.
        """
        folder = cls(path)
        if not folder.description.is_file():
            raise RunError(
                f"{path} is no run folder: it has no run.json; give the folder of a search, such as runs/NAME"
            )
        return folder

    def read(self) -> dict[str, Any]:
        """What ``run.json`` says.

        Raises:
            RunError: it is not a readable JSON object.
        """
        try:
            value = json.loads(self.description.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"cannot read {self.description}: {error}") from None
        if not isinstance(value, dict):
            raise RunError(f"{self.description} is not the description of a run; restore it, or begin a new run")
        return value

    @property
    def is_owned(self) -> bool:
        """Whether a process holds the run."""
        lock = self.path / "owner.lock"
        if not lock.exists():
            return False
        with lock.open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @contextlib.contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the run for this process alone; the system lets go of it when the process ends, however it ends.

        Raises:
            RunError: another process works on the run.
        """
        with (self.path / "owner.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(f"another process is working on {self.path}; wait for it, or stop it first") from None
            yield
