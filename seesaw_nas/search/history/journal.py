"""The journal file of a run: opened so that Optuna can go on with it, also after a crash."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Literal

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock

from seesaw_nas.core.errors import RunError
from seesaw_nas.core.files import cut_torn_line

Direction = Literal["minimize", "maximize"]
DIRECTIONS: dict[str, list[Direction]] = {"front": ["maximize", "minimize"], "top1": ["maximize"]}  # top1, macs
LOCK_FILE_SUFFIX = ".lock"  # Optuna's
LOCK_GRACE_SECONDS = 3  # the least Optuna takes without a warning; a killed process leaves its lock behind


def open_study(journal: Path | None, name: str, objectives: str = "front") -> optuna.Study:
    """The study in this journal file, made if it is not there; a line that a crash cut short is set aside.

    Without a file it is kept in memory.

    Args:
        name: of a new study; one that is there keeps its own, so that a run folder may be renamed.
        objectives: ``front`` or ``top1``.

    Raises:
        RunError: the file is not such a journal.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if journal is None:
        return optuna.create_study(study_name=name, directions=DIRECTIONS[objectives])
    _mend(journal)
    _unlock(journal)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            lock = JournalFileSymlinkLock(str(journal.absolute()), grace_period=LOCK_GRACE_SECONDS)
            storage = JournalStorage(JournalFileBackend(str(journal), lock_obj=lock))
            found = optuna.get_all_study_names(storage)
            study = (
                optuna.load_study(storage=storage, study_name=found[0])
                if found
                else optuna.create_study(storage=storage, study_name=name, directions=DIRECTIONS[objectives])
            )
        except (ValueError, KeyError, TypeError, AssertionError) as error:  # Optuna asserts that it knows an operation
            raise RunError(f"{journal} is not a readable Optuna journal: {type(error).__name__}: {error}") from None
    if (directions := [direction.name.lower() for direction in study.directions]) != DIRECTIONS[objectives]:
        wanted = DIRECTIONS[objectives]
        raise RunError(f"{journal} is another program's study: objectives {directions}, wanted {wanted}")
    return study


def _unlock(journal: Path) -> None:
    """Take away a lock that points nowhere, as a process leaves it that was killed and had a relative path.

    Optuna would wait for it for ever: a lock's age is that of the file which it points to.
    """
    lock = journal.with_name(journal.name + LOCK_FILE_SUFFIX)
    if lock.is_symlink() and not lock.exists():
        lock.unlink(missing_ok=True)


def _mend(journal: Path) -> None:
    """Cut off a last line without its end, which a full disk or a lost machine leaves, and keep it in a file beside.

    Optuna would append the next record to the fragment and could then read neither. It also passes over a last line
    that is none of its own and writes on behind it, so every line is looked at first.

    Raises:
        RunError: a line that has its end is none of a journal.
    """
    if not journal.exists():
        return
    lines = journal.read_bytes().splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        if line.endswith(b"\n") and not _is_operation(line):
            raise RunError(f"{journal} is not a readable Optuna journal: line {number} is no operation of a study")
    if lines and not lines[-1].endswith(b"\n"):
        with journal.with_suffix(".torn").open("ab") as torn:
            torn.write(lines[-1] + b"\n")
        cut_torn_line(journal)


def _is_operation(line: bytes) -> bool:
    try:
        value = json.loads(line)
    except ValueError:
        return False
    return isinstance(value, dict) and "op_code" in value


def read_storage(journal: Path) -> JournalStorage:
    """The journal as a storage of Optuna's, as it stands."""
    return JournalStorage(JournalFileBackend(str(journal)))
