"""The run folder: the files of a search, and the lock of the process that works on it.

One folder a run::

    run.json          settings and conditions, with a schema version, written once when the run begins
    trials.jsonl      the trial history, the one owner of results; earlier versions: optuna.journal
    pareto.csv        the front, one row a member
    front.json        the members of the front as spec files, in one list
    best.json         the architecture with the highest validation top-1, as a spec file
    report.html       accuracy against Multi-Adds
    latency.json      latencies of the front, if they were measured
    confirmed.json    the best architectures trained again with several seeds, if that was requested
    checkpoints/      checkpoints of trials that successive halving may continue
    owner.lock        locked by the process that works on the run
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seesaw_nas.core.errors import RunError
from seesaw_nas.core.files import write_json

DESCRIPTION = "run.json"
FRONT = "front.json"
SCHEMA_VERSION = 1  # of run.json; a run from before it was noted has none, and the same fields


def is_run(path: Path) -> bool:
    """Whether a folder is a run's."""
    return (path / DESCRIPTION).is_file()


def check_description(description: object, what: str) -> dict[str, Any]:
    """The description of a run, if this release reads it.

    Args:
        what: where it stands, for messages.

    Raises:
        RunError: it is no description, or one by a newer release.
    """
    if not isinstance(description, dict):
        raise RunError(f"{what} is not the description of a run; restore it, or begin a new run")
    version = description.get("schema_version", SCHEMA_VERSION)
    if type(version) is not int or not 1 <= version <= SCHEMA_VERSION:
        raise RunError(
            f"{what} has schema version {version!r}, this release reads up to {SCHEMA_VERSION}; use a newer release"
        )
    return description


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of a run's files, and the description of the run.

    Attributes:
        description: the content of ``run.json``, read once, by :meth:`open`.
    """

    path: Path
    description: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        return self.path.resolve().name  # also of "." and "runs/x/.."

    @property
    def journal(self) -> Path:
        return self.path / "trials.jsonl"

    @property
    def old_journal(self) -> Path:
        """The trial history as earlier versions wrote it; ``resume`` leaves it as it is."""
        return self.path / "optuna.journal"

    @property
    def description_file(self) -> Path:
        return self.path / DESCRIPTION

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
    def create(cls, path: Path, description: Mapping[str, Any]) -> RunFolder:
        """A new folder with its ``run.json``: the schema version and ``description``, which are JSON values.

        Raises:
            RunError: the path exists already, or the folder cannot be made.
        """
        content = {"schema_version": SCHEMA_VERSION, **description}
        folder = cls(path, json.loads(json.dumps(content)))  # as another process reads it
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            raise RunError(
                f"{path} exists already and nothing is overwritten; choose another name or folder, or go on with it by "
                "--resume"
            ) from None
        except OSError as error:
            raise RunError(
                f"cannot make the run folder {path}: {error.strerror}; choose another place or name"
            ) from None
        try:
            write_json(folder.description_file, content)
        except OSError:
            folder.discard()  # without run.json the run could be neither resumed nor created again
            raise
        return folder

    def discard(self) -> None:
        """Delete the folder of a run that could not begin."""
        shutil.rmtree(self.path)

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """The folder of an earlier run; its ``run.json`` is read here and nowhere else.

        Raises:
            RunError: it is not a run folder, what it says is damaged, or a newer release wrote it.
        """
        file = path / DESCRIPTION
        if not file.is_file():
            raise RunError(
                f"{path} is not a run folder: it has no {DESCRIPTION}; give the folder of a search, such as runs/NAME"
            )
        try:
            value = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise RunError(f"cannot read {file}: {error}") from None
        return cls(path, check_description(value, str(file)))

    def is_held(self) -> bool:
        """Whether a process works on the run."""
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
        """Lock the run for this process; the system releases the lock when the process ends, even if it crashes.

        Raises:
            RunError: another process works on the run.
        """
        with (self.path / "owner.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(f"another process is working on {self.path}; wait for it, or stop it first") from None
            yield
