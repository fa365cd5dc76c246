"""A cache for results of functions, limited by their total size in bytes."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, ParamSpec, Protocol, TypeVar

import torch


class HasBytes(Protocol):
    """A value with a size in bytes."""

    @property
    def nbytes(self) -> int: ...


P = ParamSpec("P")
V = TypeVar("V", bound=HasBytes)


class BoundedCache(Generic[P, V]):
    """A function with cached results; its arguments must be hashable. See :func:`cache_within`.

    Attributes:
        limit: the most bytes of all cached results; a single larger result is not cached.
        used: bytes of the results that are cached now.
    """

    def __init__(self, make: Callable[P, V], limit: int) -> None:
        self._make = make
        self._values: OrderedDict[object, V] = OrderedDict()
        self._lock = Lock()
        self.limit, self.used = limit, 0
        self.__doc__ = make.__doc__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> V:
        """The result for these arguments, from the cache if possible."""
        key = (args, tuple(sorted(kwargs.items())))
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
        with torch.inference_mode(False):  # so that trainings can use cached tensors, too
            value = self._make(*args, **kwargs)
        with self._lock:
            if key not in self._values and value.nbytes <= self.limit:
                self._values[key] = value
                self.used += value.nbytes
                self._forget()
        return value

    def _forget(self) -> None:
        """Drop the least recently used results until the rest is within the limit."""
        while self.used > self.limit:
            _, value = self._values.popitem(last=False)
            self.used -= value.nbytes


def cache_within(limit: int) -> Callable[[Callable[P, V]], BoundedCache[P, V]]:
    """Cache a function's results; the least recently used ones are dropped when all exceed ``limit`` bytes."""
    return lambda make: BoundedCache(make, limit)
