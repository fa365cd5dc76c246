"""The standard streams of a command whose reader may go away: ``search | head -1``, or a terminal that is closed.

The work goes on and its results are in their files; what is printed from then on goes nowhere.
"""

from __future__ import annotations

import errno
import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

GONE = (errno.EPIPE, errno.EIO)  # a pipe without a reader, and a terminal without a window


class Output:
    """A text stream that may be written to after its reader has gone."""

    def __init__(self, stream: Any, on_lost: Callable[[], None] = lambda: None) -> None:
        self._stream, self._on_lost, self._lost = stream, on_lost, False

    def write(self, text: str) -> int:
        """Write, or lose, the text."""
        try:
            if not self._lost:
                self._stream.write(text)
        except OSError as error:
            self._lose(error)
        return len(text)

    def writelines(self, lines: Any) -> None:
        """Write, or lose, each of the texts."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Write, or lose, what is kept back."""
        try:
            self._stream.flush()
        except OSError as error:
            self._lose(error)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _lose(self, error: OSError) -> None:
        """Let the stream end nowhere, with what it still keeps back; another error is raised."""
        if error.errno not in GONE:
            raise error
        self._lost = True
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._stream.fileno())
        os.close(nowhere)
        self._on_lost()


@contextmanager
def shorten_warnings() -> Iterator[None]:
    """Context in which a warning of this package, as of pictures that are skipped, is one line without our source."""
    before, package = warnings.formatwarning, str(Path(__file__).parents[2])

    def form(message: Any, category: Any, filename: str, lineno: int, line: str | None = None) -> str:
        if category is UserWarning and filename.startswith(package):
            return f"seesaw-nas: {' '.join(str(message).split())}\n"
        return before(message, category, filename, lineno, line)

    warnings.formatwarning = form
    try:
        yield
    finally:
        warnings.formatwarning = before


@contextmanager
def outlive_readers(note: str = "") -> Iterator[None]:
    """Context in which a reader of standard output or error that goes away ends nothing.

    Args:
        note: line for standard error when standard output is lost; none if empty.
    """
    streams = sys.stdout, sys.stderr

    def tell() -> None:
        if note and sys.stderr is not None:
            print(note, file=sys.stderr, flush=True)

    sys.stdout = streams[0] and Output(streams[0], tell)
    sys.stderr = streams[1] and Output(streams[1])
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        sys.stdout, sys.stderr = streams
