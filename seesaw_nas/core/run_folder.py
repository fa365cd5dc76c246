"""The run folder: what a search leaves on disk, and who works on it.

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
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seesaw_nas.core.errors import RunError
from seesaw_nas.core.files import write_json

FRONT = "front.json"


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
        return self.path / FRONT

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
    def hold(self) -> Iterator[None]:
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
