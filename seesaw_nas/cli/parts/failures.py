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
