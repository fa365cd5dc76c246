"""Atomic writing: neither a reader nor a crash ever sees half a file."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from pathlib import Path
from typing import Any


def replace_file(path: Path, content: bytes) -> None:
    """Write ``content`` to disk, then make it the file at ``path`` in one step.

    Raises:
        OSError: the file cannot be written; an earlier file at ``path`` is unchanged.
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


def show_path(path: Path) -> str:
    """A path as people read it: relative where it lies below the working folder."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def digest_of_file(path: Path) -> str:
    """Sixteen hexadecimal digits that change when the content does.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def partial(path: Path) -> Path:
    """Path at which the new content of a file is written until it is complete."""
    return path.with_name(path.name + ".part")


def cut_torn_line(path: Path) -> bytes:
    """Remove an incomplete last line, as a full disk or a power failure leaves it; returns what was removed.

    For a file that does not exist nothing is removed.

    Raises:
        OSError: the file cannot be read or written.
    """
    if not path.exists():
        return b""
    content = path.read_bytes()
    end = content.rfind(b"\n") + 1
    if end < len(content):
        with path.open("r+b") as file:
            file.truncate(end)
    return content[end:]


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file in one step."""
    replace_file(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def is_utf8(text: str) -> bool:
    """Whether a text can be written as UTF-8; names of files may hold other bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
