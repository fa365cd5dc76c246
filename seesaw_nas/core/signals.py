"""Ctrl-C, ``kill`` and a closed terminal during work that must be saved before it stops.

SIGINT, SIGTERM and SIGHUP are treated alike, each with the exit code that shells know it by.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

CAUGHT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Stop = Callable[[], signal.Signals | None]
"""Returns the signal that asked to stop, or ``None``."""


class Stopped(KeyboardInterrupt):
    """What a signal raises that ends the work at once: as Ctrl-C does, so that whatever handles that handles it too.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        self.number = signal.Signals(number)
        super().__init__(self.number.name)


@contextmanager
def catch_signals() -> Iterator[Stop]:
    """Context in which the first signal is only recorded; a second one has its usual effect.

    A second one that would kill the process raises :class:`Stopped` instead, so that what runs can be put back. A
    KeyboardInterrupt that leaves the context after a signal says which it was. A SIGHUP that is ignored, as by nohup,
    stays so. Outside of the main thread, where Python allows no handlers, signals are not caught.
    """
    came: list[signal.Signals] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: None
        return
    before = _handlers()
    usual = {number: raise_stopped if handler is signal.SIG_DFL else handler for number, handler in before.items()}

    def note(number: int, _: Any) -> None:
        came.append(signal.Signals(number))
        _restore(usual)

    _restore(dict.fromkeys(before, note))
    try:
        yield lambda: came[0] if came else None
    except KeyboardInterrupt as error:
        if came and not isinstance(error, Stopped):
            raise Stopped(came[0]) from None
        raise
    finally:
        _restore(before)


@contextmanager
def raise_on_signals() -> Iterator[None]:
    """Context in which signals raise :class:`Stopped` that would kill the process, so that it ends in good order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: handler for number, handler in _handlers().items() if handler is signal.SIG_DFL}
    _restore(dict.fromkeys(before, raise_stopped))
    try:
        yield
    finally:
        _restore(before)


@contextmanager
def keep_handlers() -> Iterator[None]:
    """Context after which signals have the handlers from before, whatever a library in it has set."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = _handlers()
    try:
        yield
    finally:
        _restore(before)


def leave_to_parent() -> None:
    """Ignore signals in a worker process: its parent gets the same, and decides when the worker ends."""
    for number in CAUGHT:
        signal.signal(number, signal.SIG_IGN)


def raise_stopped(number: int, _: Any) -> None:
    """Handler of a signal that ends the work at once."""
    raise Stopped(number)


def _handlers() -> dict[signal.Signals, Any]:
    """The handlers that may be replaced: those that Python knows, but for a SIGHUP that is ignored."""
    found = {number: signal.getsignal(number) for number in CAUGHT}
    ignored = found[signal.SIGHUP] is signal.SIG_IGN
    return {
        number: handler
        for number, handler in found.items()
        if handler is not None and not (ignored and number is signal.SIGHUP)
    }


def _restore(handlers: dict[signal.Signals, Any]) -> None:
    for number, handler in handlers.items():
        signal.signal(number, handler)
