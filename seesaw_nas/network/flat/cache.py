"""Values that are kept to be used again, as long as all together they stay within so many bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, ParamSpec, Protocol, TypeVar

import torch


class HasBytes(Protocol):
    """A value that says how many bytes it takes."""

    @property
    def nbytes(self) -> int: ...


P = ParamSpec("P")
V = TypeVar("V", bound=HasBytes)


class BoundedCache(Generic[P, V]):
    """A function whose results are kept by its arguments, which must be hashable; see :func:`cache_within`.

    Attributes:
        limit: bytes of all results that are kept; one that is larger by itself is not.
        used: bytes of those that are kept now.
    """

    def __init__(self, make: Callable[P, V], limit: int) -> None:
        self._make = make
        self._values: OrderedDict[object, V] = OrderedDict()
        self._lock = Lock()
        self.limit, self.used = limit, 0
        self.__doc__ = make.__doc__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> V:
        """The result for these arguments, made where it is not kept."""
        key = (args, tuple(sorted(kwargs.items())))
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        with torch.inference_mode(False):  # so that those who learn can use its tensors, too
            value = self._make(*args, **kwargs)
        with self._lock:
            if key not in self._values and value.nbytes <= self.limit:
                self._values[key] = value
                self.used += value.nbytes
                self._forget()
        return value

    def _forget(self) -> None:
        """Drop what was not used for the longest time, until the rest is within the limit."""
        while self.used > self.limit:
            _, value = self._values.popitem(last=False)
            self.used -= value.nbytes


def cache_within(limit: int) -> Callable[[Callable[P, V]], BoundedCache[P, V]]:
    """Keep the results of a function; those unused for the longest time go when all have more than ``limit`` bytes."""
    return lambda make: BoundedCache(make, limit)
