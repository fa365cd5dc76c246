"""Ctrl-C and ``kill`` during work that must be saved before it stops."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

CAUGHT = (signal.SIGINT, signal.SIGTERM)
Stop = Callable[[], signal.Signals | None]
"""Returns the signal that asked to stop, or ``None``."""


@contextmanager
def catch_signals() -> Iterator[Stop]:
    """Context in which the first SIGINT or SIGTERM is only recorded; a second one has its usual effect.

    Outside of the main thread, where Python allows no handlers, signals are not caught.
    """
    came: list[signal.Signals] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = {number: signal.getsignal(number) for number in CAUGHT}

    def note(number: int, _: Any) -> None:
        came.append(signal.Signals(number))
        _restore(before)

    for number in CAUGHT:
        signal.signal(number, note)
    try:
        yield lambda: came[0] if came else None
    finally:
        _restore(before)


@contextmanager
def keep_handlers() -> Iterator[None]:
    """Context after which SIGINT and SIGTERM have the handlers from before, whatever a library in it has set."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in CAUGHT}
    try:
        yield
    finally:
        _restore(before)


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
