"""How a verb that failed ends: one line on standard error, and the exit code."""

from __future__ import annotations

import errno
import sys

MISTAKE, INTERRUPTED = 2, 130
KEPT = "what was finished is kept: a search goes on by `seesaw-nas resume RUN`, a training by --resume"


def complain(text: str, code: int) -> int:
    """Print ``text`` on one line; the ``code``."""
    if code == INTERRUPTED and sys.stderr.isatty():
        print(file=sys.stderr)  # below the ^C that the terminal shows
    print(f"seesaw-nas: {' '.join(text.split())}", file=sys.stderr)
    return code


def of_system(error: OSError) -> str:
    """What the system refused, and what to do."""
    where = f" at {error.filename}" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"cannot write{where}: {error.strerror}; free some space; {KEPT}"
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return f"no permission to write or read{where}; change it, or name another folder"
    return f"{error.strerror or error}{where}"


def of_database(error: Exception) -> str:
    """What a database refused, in its driver's words without the statement; empty for an error of another kind.

    Nothing here loads SQLAlchemy or Optuna: what was not loaded has raised nothing.
    """
    database, storage = sys.modules.get("sqlalchemy.exc"), sys.modules.get("optuna.exceptions")
    if storage is not None and isinstance(error, storage.StorageInternalError):
        error = error.__cause__ if isinstance(error.__cause__, Exception) else error
    elif database is None or not isinstance(error, database.SQLAlchemyError):
        return ""
    return f"the storage does not answer or refuses: {getattr(error, 'orig', None) or error}; {KEPT}"
