"""Ctrl-C and ``kill`` while something is at work that should come to a good end first."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

CAUGHT = (signal.SIGINT, signal.SIGTERM)
Stop = Callable[[], signal.Signals | None]
"""Answers which signal asks for an end, if one does."""


@contextmanager
def catch_signals() -> Iterator[Stop]:
    """In the body, the first SIGINT or SIGTERM is noted and does nothing else; the second does what it always does.

    Outside of the main thread, where Python allows no handlers, nothing is noted.
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


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
