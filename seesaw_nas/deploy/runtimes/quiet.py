"""A context in which libraries print nothing, neither from Python nor from C."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def hide_output() -> Iterator[None]:
    """Context in which what the process writes to its standard output and standard error is thrown away.

    MNN and its converter report on standard output, where JSON of ours is expected; ExecuTorch on standard error.
    """
    _flush()
    kept = {number: os.dup(number) for number in (1, 2)}
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        for number in kept:
            os.dup2(nowhere, number)
        yield
    finally:
        _flush()  # what C has buffered would otherwise appear later
        for number, original in kept.items():
            os.dup2(original, number)
            os.close(original)
        os.close(nowhere)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):  # a stream that was closed or replaced
            stream.flush()
    with contextlib.suppress(Exception):  # a system without a C library of its own
        ctypes.CDLL(None).fflush(None)
