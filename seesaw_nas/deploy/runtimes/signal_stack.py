"""A context that leaves a thread's alternate stack for signals as it was.

OpenVINO gives the thread that opens a network such a stack. When two networks are dropped in the order in which they
were opened, it puts back a stack that it has freed, and the next signal that Python handles, such as Ctrl-C or that of
a child process which ended, kills the process (2026.4; findings/openvino-freed-signal-stack.sh).
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class SignalStack(ctypes.Structure):
    """What Linux calls ``stack_t``."""

    _fields_ = (("start", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))

    @property
    def place(self) -> tuple[int, int, int]:
        """Start, flags and size; two stacks are the same if these are."""
        return (self.start or 0, self.flags, self.size)


@contextmanager
def keep_signal_stack() -> Iterator[None]:
    """Context after which the thread has the alternate signal stack that it had before, on Linux."""
    if sys.platform != "linux":
        yield
        return
    before = read_signal_stack()
    try:
        yield
    finally:
        ctypes.CDLL(None).sigaltstack(ctypes.byref(before), None)


def read_signal_stack() -> SignalStack:
    """The alternate signal stack of this thread, on Linux."""
    found = SignalStack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(found))
    return found
