"""A training step recorded as a CUDA graph: a small network's kernels take less time than their launches one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Protocol

import torch
from torch import Tensor

from seesaw_nas.core.device import index_of, use_device

Work = Callable[..., Tensor]
Key = tuple[object, ...]
WARM_UP = 3  # calls of each shape for libraries to choose kernels and take memory, which a recording must not do
MOST = 2  # graphs; batches that are dealt evenly have two sizes at most


class Graph(Protocol):
    """What was recorded; :meth:`replay` does it again on whatever its inputs hold by then."""

    def replay(self) -> None: ...


Record = Callable[[Callable[[], Tensor]], tuple[Graph, Tensor]]
"""Records work without doing it; returns it with the tensor that a replay fills."""


def cuda_graphs(device: torch.device) -> Record:
    """What records CUDA graphs on a device, all of them in one pool of memory, which is given back with the last.

    They may be replayed in any order: none reads what another has left, but for tensors from outside the pool.
    """
    with use_device(device):
        pool = torch.cuda.graph_pool_handle()

    def record(work: Callable[[], Tensor]) -> tuple[Graph, Tensor]:
        with use_device(device):
            graph = torch.cuda.CUDAGraph()
            # torch's own stream for it would be of the device that was current when it was first used;
            # threads that load images go on meanwhile
            with torch.cuda.graph(graph, pool, side_stream(index_of(device)), capture_error_mode="thread_local"):
                result = work()
        return graph, result

    return record


@cache
def side_stream(index: int) -> torch.cuda.Stream:
    """The stream of a GPU on which steps are warmed up and recorded."""
    return torch.cuda.Stream(index)  # type: ignore[no-untyped-call]


class GraphReplay:
    """Does what ``work`` does, by a graph for each shape of its inputs after a few calls.

    Inputs of further shapes than :data:`MOST` are worked on without a graph.
    ``work`` may read nothing that changes from call to call but its inputs and tensors that are changed in place, and
    must not wait for the device.

    Args:
        record: makes the graphs.
    """

    def __init__(self, work: Work, record: Record) -> None:
        self._work, self._record = work, record
        self._calls: Counter[Key] = Counter()
        self._graphs: dict[Key, tuple[Graph, tuple[Tensor, ...], Tensor]] = {}

    def __call__(self, *inputs: Tensor) -> Tensor:
        """The result for these inputs, a tensor of its own."""
        key = tuple((value.shape, value.dtype) for value in inputs)
        with use_device(inputs[0].device):
            if key in self._graphs:
                return self._replay(key, inputs)
            if key not in self._calls and len(self._calls) == MOST:
                return self._work(*inputs)
            self._calls[key] += 1
            if self._calls[key] <= WARM_UP:
                return _aside(self._work, inputs)
            held = tuple(value.clone() for value in inputs)
            graph, result = self._record(lambda: self._work(*held))
            self._graphs[key] = graph, held, result
            return self._replay(key, inputs)

    def _replay(self, key: Key, inputs: tuple[Tensor, ...]) -> Tensor:
        graph, held, result = self._graphs[key]
        for place, value in zip(held, inputs, strict=True):
            place.copy_(value)
        graph.replay()
        return result.clone()


def _aside(work: Work, inputs: tuple[Tensor, ...]) -> Tensor:
    """Off the default stream on CUDA, as recordings want their warm-up."""
    if not inputs[0].is_cuda:
        return work(*inputs)
    here, side = torch.cuda.current_stream(), side_stream(index_of(inputs[0].device))
    side.wait_stream(here)
    with torch.cuda.stream(side):
        result = work(*inputs)
    here.wait_stream(side)
    return result
