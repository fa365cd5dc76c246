"""How a verb that failed ends: one line on standard error, and the exit code."""

from __future__ import annotations

import errno
import sys

MISTAKE, INTERRUPTED = 2, 130
_goes_on: list[str] = []  # the command that goes on with what this process works on; empty before there is any


def remember(command: str) -> None:
    """Say how the work at hand can be gone on with, for the message when it is interrupted; empty forgets it."""
    _goes_on[:] = [command] if command else []


def kept() -> str:
    """What is left of the work at hand, and the command that goes on with it."""
    if not _goes_on:
        return "nothing was begun"
    return f"what was finished is kept; it goes on by `{_goes_on[0]}`"


def name_command(text: str) -> str:
    """What a training says of itself when it is interrupted, with the command that goes on in place of a hint at it."""
    return text.replace("the same command with --resume", f"`{_goes_on[0]}`") if _goes_on else text


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
        return f"cannot write{where}: {error.strerror}; free some space; {kept()}"
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
    return f"the storage does not answer or refuses: {getattr(error, 'orig', None) or error}; {kept()}"
