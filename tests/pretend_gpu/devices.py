"""The current device and stream of each thread, and events."""

from __future__ import annotations

import itertools
import threading
import time
from typing import Any

import torch

from pretend_gpu.waiting import wait

_numbers = itertools.count(1)


class _Here(threading.local):
    device = 0
    stream: Stream | None = None


_here = _Here()


def index_of(device: Any) -> int:
    """The number of a device that is given as torch's functions take it; ``None`` is the current one."""
    if isinstance(device, int):
        return device if device >= 0 else _here.device
    found = None if device is None else torch.device(device).index
    return _here.device if found is None else found


def current_device() -> int:
    return _here.device


def set_device(device: Any) -> None:
    _here.device = index_of(device)


class device:
    """Stands in for ``torch.cuda.device``."""

    def __init__(self, device: Any) -> None:
        self.idx = index_of(device)

    def __enter__(self) -> None:
        self.before = _here.device
        _here.device = self.idx

    def __exit__(self, *_: Any) -> None:
        _here.device = self.before


class Stream:
    """Stands in for ``torch.cuda.Stream``; everything is done at once, so there is nothing to order."""

    def __init__(self, device: Any = None, priority: int = 0, **_: Any) -> None:
        self.stream_id, self.device = next(_numbers), torch.device("cuda", index_of(device))

    def wait_stream(self, other: Stream) -> None: ...

    def wait_event(self, event: Event) -> None: ...

    def record_event(self, event: Event | None = None) -> Event:
        event = event or Event()
        event.record(self)
        return event

    def query(self) -> bool:
        return True

    def synchronize(self) -> None:
        wait("Stream.synchronize", debugged=False)


class Event:
    """Stands in for ``torch.cuda.Event``, by the host's clock."""

    def __init__(self, enable_timing: bool = False, **_: Any) -> None:
        self.time = 0.0

    def record(self, stream: Stream | None = None) -> None:
        self.time = time.perf_counter()

    def wait(self, stream: Stream | None = None) -> None: ...

    def query(self) -> bool:
        return True

    def synchronize(self) -> None:
        wait("Event.synchronize", debugged=False)

    def elapsed_time(self, end: Event) -> float:
        return 1000 * (end.time - self.time)


def current_stream(device: Any = None) -> Stream:
    return _here.stream or Stream(device)


class stream:
    """Stands in for ``torch.cuda.stream``; without a stream it changes nothing."""

    def __init__(self, stream: Stream | None) -> None:
        self.stream = stream

    def __enter__(self) -> None:
        self.before = _here.stream, _here.device
        if self.stream is not None:
            _here.stream, _here.device = self.stream, index_of(self.stream.device)

    def __exit__(self, *_: Any) -> None:
        _here.stream, _here.device = self.before
