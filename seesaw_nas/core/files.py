"""Atomic writing: neither a reader nor a crash ever sees half a file or half a folder.

What is being written stands under a name of its writer's own, which the writer holds locked; what a killed one left is
known by its lock being free, and is deleted by the next writer.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from seesaw_nas.core.errors import RunError
from seesaw_nas.core.names import MOST_BYTES

_UNFINISHED = re.compile(r"\.unfinished-\d+-[0-9a-f]{8}")
_PART = re.compile(r"(\.\d+-[0-9a-f]{8})?\.part")  # without a number, as earlier releases wrote it
_PART_BYTES = len(".4194304-01234567.part")
_ATTEMPTS = 10  # at a name that another process takes for left behind between its making and its locking


def refuse_existing(path: Path) -> None:
    """Refuse to make a file or a folder that is there.

    Raises:
        RunError: it is.
    """
    if path.exists():
        raise RunError(f"{path} exists already and nothing is overwritten; choose another name")


def refuse_missing_folder(path: Path) -> None:
    """Refuse to make a file or a folder in a folder that is not there.

    Raises:
        RunError: it is not.
    """
    if not path.parent.is_dir():
        raise RunError(f"cannot write {path}: there is no folder {path.parent}; make it, or choose another --out")


def replace_file(path: Path, content: bytes) -> None:
    """Write ``content`` to disk, then make it the file at ``path`` in one step.

    Raises:
        OSError: the file cannot be written; an earlier file at ``path`` is unchanged.
    """
    _write(path, content, os.replace)


def create_file(path: Path, content: bytes) -> None:
    """Write ``content`` to disk, then make it the file at ``path`` in one step, of several processes by the first.

    Raises:
        FileExistsError: something is at ``path`` already.
        OSError: the file cannot be written.
    """
    _write(path, content, _place)


def _place(part: Path, path: Path) -> None:
    try:
        os.link(part, path, follow_symlinks=False)
        part.unlink()
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        os.replace(part, path)


def _write(path: Path, content: bytes, place: Callable[[Path, Path], None]) -> None:
    clear_parts(path)
    part, file = _open_part(path)
    try:
        with file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            place(part, path)  # still locked
    except BaseException:
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
    """A path that no other writer has, for the new content of a file until it is complete."""
    return path.with_name(f"{_stem_of_part(path)}.{_own()}.part")


def clear_parts(path: Path) -> None:
    """Delete what interrupted writes of the file at ``path`` have left; what others are writing stays."""
    stem = _stem_of_part(path)
    with contextlib.suppress(OSError), os.scandir(path.parent) as entries:
        for entry in entries:
            if entry.name.startswith(stem) and _PART.fullmatch(entry.name[len(stem) :]):
                with contextlib.suppress(OSError), _left_behind(entry.path):
                    os.unlink(entry.path)


def make_folder(path: Path, fill: Callable[[Path], None]) -> None:
    """Make a folder and what ``fill`` writes into it in one step, in folders that are made where they lack.

    An empty folder at ``path`` is replaced.

    Raises:
        FileExistsError: something else is at ``path`` already.
        OSError: it cannot be made.
    """
    with contextlib.suppress(FileExistsError):
        path.parent.mkdir(parents=True, exist_ok=True)
    _clear_unfinished(path.parent)
    with _unfinished_folder(path.parent) as made:
        fill(made)
        try:
            os.rename(made, path)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.ENOTDIR) and os.path.lexists(path):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
            raise


def remove_folder(path: Path) -> None:
    """Delete a folder so that a kill in between leaves all of it, or nothing at ``path``."""
    aside = path.with_name(f".unfinished-{_own()}")
    os.rename(path, aside)
    shutil.rmtree(aside)


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
    replace_file(path, encode_json(value))


def encode_json(value: Any) -> bytes:
    """The content of a JSON file, as people read it."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def is_utf8(text: str) -> bool:
    """Whether a text can be written as UTF-8; names of files may hold other bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@contextlib.contextmanager
def open_locked(path: Path) -> Iterator[IO[str]]:
    """Context with a text file that is made if it is not there, open for appending, which one process at a time has.

    Raises:
        BlockingIOError: another process has it.
        OSError: it cannot be opened.
    """
    for _ in range(_ATTEMPTS):
        with path.open("a", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(file.fileno(), path):  # otherwise its owner was just about to delete it
                yield file
                return
    raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK), str(path))


@contextlib.contextmanager
def hold_folder(path: Path) -> Iterator[None]:
    """Context in which one process at a time writes into a folder; what it wrote is all that stays.

    Where the file system has no locks, several may.

    Raises:
        BlockingIOError: another process does.
        OSError: it is no folder.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise
        except OSError:
            pass
        yield
    finally:
        os.close(descriptor)


def _own() -> str:
    """What no other writer's names have, on any machine."""
    return f"{os.getpid()}-{os.urandom(4).hex()}"


def _stem_of_part(path: Path) -> str:
    return os.fsdecode(os.fsencode(path.name)[: MOST_BYTES - _PART_BYTES])


def _open_part(path: Path) -> tuple[Path, IO[bytes]]:
    for _ in range(_ATTEMPTS):
        part = partial(path)
        try:
            file = part.open("xb")
        except FileExistsError:
            raise
        except OSError as error:  # said of the file that is wanted
            raise type(error)(error.errno, error.strerror, str(path)) from None
        if _lock(file.fileno(), part):
            return part, file
        file.close()
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))


@contextlib.contextmanager
def _unfinished_folder(parent: Path) -> Iterator[Path]:
    """A new folder that other writers leave alone, deleted at the end if it still has its name."""
    made, descriptor = _open_folder(parent)
    try:
        yield made
    finally:
        os.close(descriptor)
        shutil.rmtree(made, ignore_errors=True)


def _open_folder(parent: Path) -> tuple[Path, int]:
    for _ in range(_ATTEMPTS):
        made = parent / f".unfinished-{_own()}"
        made.mkdir()
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(made, os.O_RDONLY | os.O_DIRECTORY)
            if _lock(descriptor, made):
                return made, descriptor
            os.close(descriptor)
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(parent))


def _clear_unfinished(parent: Path) -> None:
    """Delete the folders that killed processes had not finished."""
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            if _UNFINISHED.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                with contextlib.suppress(OSError), _left_behind(entry.path):
                    shutil.rmtree(entry.path)


@contextlib.contextmanager
def _left_behind(path: str) -> Iterator[None]:
    """Context in which the writer of a file or folder is known to be gone.

    Raises:
        OSError: it is at work, or the file system has no locks to tell by.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, path: Path) -> bool:
    """Lock what was just made, where the file system has locks; whether it is still there."""
    with contextlib.suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    return _is_at(descriptor, path)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False
