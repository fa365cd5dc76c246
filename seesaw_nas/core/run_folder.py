"""The run folder: the files of a search, and the lock of the process that works on it.

One folder a run::

    run.json          settings and conditions, with a schema version, written once when the run begins
    trials.jsonl      the trial history, the one owner of results; earlier versions: optuna.journal
    pareto.csv        the front, one row a member
    front.json        the members of the front as spec files, in one list
    best.json         the architecture that is worth most by estimate, as a spec file
    report.html       accuracy against Multi-Adds
    latency.json      latencies of the front, if they were measured
    confirmed.json    the best architectures trained again with several seeds, if that was requested
    checkpoints/      checkpoints of trials that successive halving may continue
    owner.lock        locked by the process that works on the run
    resumed.json      the number of trials, if the run was resumed with another one than it began with
    unshared.json     of a search in a database, until its study is made there
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from seesaw_nas.core import files, names
from seesaw_nas.core.description import check_fields
from seesaw_nas.core.documents import DocumentError, open_file, read_json
from seesaw_nas.core.errors import RunError, SpecError
from seesaw_nas.core.files import write_json

DESCRIPTION, RESUMED = "run.json", "resumed.json"
LOCK = "owner.lock"
_WRITTEN = (  # what is written, or cleared, in its place: a folder may be anybody's, and a link in it lead anywhere
    LOCK, "trials.jsonl", "trials.torn", "checkpoints", "stages", "undelivered", "events",
)  # fmt: skip
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
    try:
        check_fields(description)
    except SpecError as error:
        raise RunError(f"{what} is damaged: {error}; restore it") from None
    return description


class NameTaken(RunError):
    """What is to be made exists already."""

    def __init__(self, path: Path) -> None:
        held = is_run(path) and RunFolder(path, {}).is_held()
        what = (
            "another process is working on it; choose another name or folder, or wait for it"
            if held
            else "nothing is overwritten; choose another name or folder"
            + (", or go on with it by --resume" if is_run(path) else "; it is no run to go on with")
        )
        super().__init__(f"{path} exists already and {what}")


def is_taken(path: Path) -> bool:
    """Whether something is at the path; a run folder that its process was killed over making is nothing."""
    return os.path.lexists(path) and not _is_unfinished(path)


def _is_unfinished(path: Path) -> bool:
    """Whether it is a folder with nothing in it but a free lock, or the beginning of a ``run.json``."""
    if path.is_symlink() or not path.is_dir():
        return False
    return all(map(_is_leftover, path.iterdir())) and not RunFolder(path, {}).is_held()


def _is_leftover(file: Path) -> bool:
    return (file.name.startswith(DESCRIPTION) and file.suffix == ".part") or (file.name == LOCK and file.is_file())


def refuse_links(path: Path, advice: str = "") -> None:
    """Refuse what is to be written in a run's folder if it, or what a folder has in it, is a link to elsewhere.

    Args:
        advice: what else the user may do.

    Raises:
        RunError: it is one.
    """
    entries = path.iterdir() if path.is_dir() and not path.is_symlink() else ()
    if link := next(filter(Path.is_symlink, (path, *entries)), None):
        raise RunError(f"{link} is a link, and a run writes nowhere else; put what it leads to there{advice}")


def _refuse_taken(path: Path) -> None:
    if is_taken(path):
        raise NameTaken(path)


def _clear_unfinished(path: Path) -> None:
    """Make way where a process was killed over making a folder."""
    if os.path.lexists(path):
        files.clear_parts(path / DESCRIPTION)
        (path / LOCK).unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The paths of a run's files, and the description of the run.

    Attributes:
        description: the content of ``run.json``, read once, by :meth:`open`.
        storage: URL of the database that has the trials, as the user named it; empty where the user named none.
    """

    path: Path
    description: Mapping[str, Any] = field(repr=False, compare=False)
    storage: str = field(default="", repr=False, compare=False)

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
        return self.path / names.FRONT

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

    @property
    def trials(self) -> int:
        """The number of trials that the run was last resumed with; 0 where that is the one it began with."""
        file = self.path / RESUMED
        if not file.exists():
            return 0
        try:
            value = read_json(file)
        except DocumentError as error:
            raise RunError(f"cannot read {file}: {error}; delete it") from None
        trials = value.get("trials") if isinstance(value, dict) else None
        if type(trials) is not int or trials < 1:
            raise RunError(f"{file} does not say how many trials are wanted; delete it")
        return int(trials)

    def note_trials(self, trials: int) -> None:
        """Keep the number of trials that the run goes on with, where it is not the one that it had."""
        own = self.trials or self.description.get("settings", {}).get("trials")
        if trials != own:
            write_json(self.path / RESUMED, {"trials": trials})

    @classmethod
    def create(cls, path: Path, description: Mapping[str, Any], **more: Mapping[str, Any]) -> RunFolder:
        """A new folder with its ``run.json``: the schema version and ``description``, which are JSON values.

        It is made in one step: killed at any point, a process leaves a whole folder or none.

        Args:
            more: further JSON files that it begins with, by name without ``.json``.

        Raises:
            NameTaken: the path exists already.
            RunError: the folder cannot be made.
            OptionError: the last part of the path is no name.
        """
        _refuse_taken(path)
        names.check_name(path.name, "the folder's name")
        content = {"schema_version": SCHEMA_VERSION, **description}
        folder = cls(path, json.loads(json.dumps(content)))  # as another process reads it

        def fill(made: Path) -> None:
            for name, value in more.items():
                write_json(made / f"{name}.json", value)
            write_json(made / DESCRIPTION, content)

        _clear_unfinished(path)
        try:
            files.make_folder(path, fill)
        except FileExistsError:
            raise NameTaken(path) from None
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            raise RunError(
                f"cannot make the run folder {path}: {error.strerror}; choose another place or name"
            ) from None
        return folder

    def discard(self) -> None:
        """Delete the folder of a run that could not begin."""
        files.remove_folder(self.path)

    @classmethod
    def open(cls, path: Path, storage: str = "") -> RunFolder:
        """The folder of an earlier run; its ``run.json`` is read here and nowhere else.

        Args:
            storage: URL of the database that has the trials; the one that ``run.json`` names may be anybody's.

        Raises:
            RunError: it is not a run folder, what it says is damaged, or a newer release wrote it.
        """
        file = path / DESCRIPTION
        if not file.is_file():
            reason = f"it has no {DESCRIPTION}" if path.exists() else "it does not exist"
            raise RunError(f"{path} is not a run folder: {reason}; give the folder of a search, such as runs/NAME")
        try:
            value = read_json(file)
        except DocumentError as error:
            raise RunError(f"cannot read {file}: {error}; restore it") from None
        return cls(path, check_description(value, str(file)), storage)

    def is_held(self) -> bool:
        """Whether a process works on the run."""
        try:
            lock = open_file(self.path / LOCK)
        except DocumentError:
            return False
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @contextlib.contextmanager
    def hold(self) -> Iterator[None]:
        """Lock the run for this process; the system releases the lock when the process ends, even if it crashes.

        Raises:
            RunError: another process works on the run.
        """
        with self._open_lock() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise RunError(f"another process is working on {self.path}; wait for it, or stop it first") from None
            yield

    def _open_lock(self) -> IO[bytes]:
        """The file of the lock, whose content is nobody's."""
        for name in _WRITTEN:
            refuse_links(self.path / name)
        file = self.path / LOCK
        if file.exists() and not file.is_file():
            raise RunError(f"{file} is no file of a lock; delete it")
        return os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666), "r+b", 0)
