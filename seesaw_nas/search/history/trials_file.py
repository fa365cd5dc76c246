"""``trials.jsonl``, the file of a search's history: appended to by one process, read by any, while it grows or later.

A line is on the disk before the next step of the search. What a crash or a full disk left of a line is cut off before
the next one is written. No other file locks it; :class:`TrialsFile` notices where another process wrote.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import os
import weakref
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from seesaw_nas.core.documents import DocumentError, open_file
from seesaw_nas.core.errors import RunError
from seesaw_nas.core.files import cut_torn_line
from seesaw_nas.search.history.lines import Content, dump, record_of
from seesaw_nas.search.records import TrialRecord

LARGEST = 2**31  # bytes: about a million trials
FIRST_BYTES = 18  # of a torn first line that tell whether it is one of ours: {"schema_version":


class TrialsReader:
    """Reads a trials file, and later what was appended to it; the file is left as it is.

    Attributes:
        content: what it says so far.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.content = Content()
        self.offset = 0  # of the first byte that was not read; a line without its end is not

    def read(self) -> Content:
        """Take in what was appended since the last call; another process may be writing.

        Raises:
            RunError: a line is none of such a file; the text names it.
        """
        if not self.path.exists():
            return self.content
        try:
            with open_file(self.path) as file:
                if (size := os.fstat(file.fileno()).st_size) < self.offset:  # it is another file by now
                    self.content, self.offset = Content(), 0
                if size > LARGEST:
                    raise DocumentError(f"has {size:,} bytes, and at most {LARGEST:,} are read")
                file.seek(self.offset)
                with _without_collection():
                    self._take(file)
        except DocumentError as error:
            raise _damaged(self.path, str(error)) from None
        return self.content

    def _take(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            if not line.endswith(b"\n"):
                return
            try:
                self.content.take(line)
            except ValueError as error:
                raise _damaged(self.path, f"line {self.content.lines}: {error}") from None
            self.offset += len(line)

    def record(self, number: int) -> TrialRecord:
        """One proposal.

        Raises:
            RunError: its architecture is none.
        """
        try:
            return record_of(self.content.trials[number])
        except ValueError as error:
            raise _damaged(self.path, str(error)) from None

    def records(self) -> list[TrialRecord]:
        """Every proposal up to what was read; raises what :meth:`record` does."""
        return [self.record(trial.number) for trial in self.content.trials]


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Context in which Python looks for no cycles: lines make none, and looking took as long as reading them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _damaged(path: Path, reason: str) -> RunError:
    return RunError(f"{path} is not a readable history of a search: {reason}; restore the file")


def read_records(path: Path) -> list[TrialRecord]:
    """Every proposal in a trials file.

    Raises:
        RunError: the file is damaged.
    """
    reader = TrialsReader(path)
    reader.read()
    return reader.records()


class TrialsFile:
    """A trials file that this process writes; without a path it is kept nowhere.

    Attributes:
        path: ``None`` where it is kept nowhere.
        content: what the file said when it was opened.
    """

    def __init__(self, path: Path | None, header: Mapping[str, Any], *, lock: bool = False) -> None:
        """Open the file, or make it; a line that a crash cut short is set aside in a file beside it.

        Args:
            header: of a new file; one that is there keeps its own.
            lock: whether nobody else may open it so, neither in another process nor in this one.

        Raises:
            RunError: the file is damaged or none of a search, or somebody else has locked it.
            OSError: it cannot be written.
        """
        self.path, self._size, self._torn, self._descriptor = path, 0, False, -1
        self.reader = TrialsReader(path or Path())
        if path is None:
            self.content = Content()
            self.content.take(dump(header))
            return
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        self._close = weakref.finalize(self, os.close, self._descriptor)
        try:
            if lock:
                _lock(self._descriptor, path)
            self.content = self.reader.read()
            self._size = self.reader.offset
            _set_torn_line_aside(path, self._size, dump(header))
            if not self.content.header:
                self.append(header)
                self.content.take(dump(header))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of the file, so that it can be opened elsewhere; nothing can be written to it from here afterwards."""
        if self._descriptor >= 0:
            self._descriptor = -1
            self._close()

    def append(self, line: Mapping[str, Any]) -> None:
        """Write one line; afterwards it is on the disk.

        Raises:
            RunError: another process, or another object of this one, wrote to the file since it was opened here; or it
                is closed.
            OSError: it cannot be written, as on a full disk; what there was is whole, and the next call may succeed.
        """
        if self.path is None:
            return
        if self._descriptor < 0:
            raise RunError(f"{self.path} was closed here; open it again")
        if self._torn:
            self._cut()
        if os.fstat(self._descriptor).st_size != self._size:
            raise RunError(f"{self.path} was written to from elsewhere since it was opened here; open it again")
        data = dump(line)
        try:
            self._put(data)
        except OSError:
            self._torn = True
            with contextlib.suppress(OSError):  # else before the next line
                self._cut()
            raise
        self._size += len(data)

    def _put(self, data: bytes) -> None:
        while data:
            data = data[os.write(self._descriptor, data) :]
        os.fsync(self._descriptor)

    def _cut(self) -> None:
        os.ftruncate(self._descriptor, self._size)
        self._torn = False


def _set_torn_line_aside(path: Path, whole: int, first: bytes) -> None:
    """Cut a line without its end off, and keep it; without a whole line, only if it begins as the ``first`` does."""
    if path.stat().st_size > whole:
        fragment = path.read_bytes()[whole:]
        if not whole and not first.startswith(fragment[:FIRST_BYTES]):
            raise _damaged(path, "line 1: it is no JSON object")
        with path.with_suffix(".torn").open("ab") as torn:
            torn.write(fragment + b"\n")
        cut_torn_line(path)


def _lock(descriptor: int, path: Path) -> None:
    """Lock an open file for as long as it is open; the system ends the lock with the process.

    Raises:
        RunError: another process, or another object of this one, has it.
    """
    for collect in (gc.collect, None):  # what nobody can reach any more may have it still
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if collect is not None:
                collect()
    raise RunError(
        f"another process, or another object of this one, is working with {path}; wait for it, close it, or name "
        "another file"
    )
