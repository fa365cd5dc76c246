"""Writing files whole: no reader and no crash ever meets half of one."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any


def replace_file(path: Path, content: bytes) -> None:
    """Put ``content`` in the place of ``path`` in one step, and on the disk before that.

    Raises:
        OSError: the file cannot be written; what was there before is still there.
    """
    part = partial(path)
    try:
        with part.open("wb") as file:
            file.write(content)
            os.fsync(file.fileno())
        os.replace(part, path)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def digest_of_file(path: Path) -> str:
    """Sixteen hexadecimal digits that change when the content does.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def partial(path: Path) -> Path:
    """Where the new content of a file stands until it is complete."""
    return path.with_name(path.name + ".part")


def cut_torn_line(path: Path) -> bytes:
    """Cut off a last line without its end, which a full disk or a lost machine leaves; returns what was cut off.

    A file that is not there has none.

    Raises:
        OSError: the file cannot be read or written.
    """
    if not path.exists():
        return b""
    content = path.read_bytes()
    kept = content.rfind(b"\n") + 1
    if kept < len(content):
        with path.open("r+b") as file:
            file.truncate(kept)
    return content[kept:]


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step."""
    replace_file(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())
