"""CUDA graphs of training steps, because kernels of a small network take less time than launching them one by one."""

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
WARM_UP = 3  # calls per shape before recording, in which libraries choose kernels and allocate memory
MOST = 2  # graphs; the batches of a training have at most two sizes


class Graph(Protocol):
    """A recording; :meth:`replay` repeats the work on the present content of the input tensors."""

    def replay(self) -> None: ...


Record = Callable[[Callable[[], Tensor]], tuple[Graph, Tensor]]
"""Records work without executing it; returns the graph and the tensor that a replay writes."""


def cuda_graphs(device: torch.device) -> Record:
    """A :data:`Record` for CUDA graphs on a device; they share one pool of memory, which is freed with the last graph.

    Graphs may be replayed in any order, because none reads memory of the pool that another graph has written.
    """
    with use_device(device):
        pool = torch.cuda.graph_pool_handle()

    def record(work: Callable[[], Tensor]) -> tuple[Graph, Tensor]:
        with use_device(device):
            graph = torch.cuda.CUDAGraph()
            # not torch's default capture stream: it belongs to the device that was current at its first use;
            # "thread_local" lets threads that load images continue
            with torch.cuda.graph(graph, pool, side_stream(index_of(device)), capture_error_mode="thread_local"):
                result = work()
        return graph, result

    return record


@cache
def side_stream(index: int) -> torch.cuda.Stream:
    """The stream of a GPU for warming up and recording steps."""
    return torch.cuda.Stream(index)  # type: ignore[no-untyped-call]


class GraphReplay:
    """Runs ``work``; after :data:`WARM_UP` calls with inputs of one shape, replays a graph for that shape.

    There are at most :data:`MOST` graphs; inputs of further shapes run without one. From call to call ``work`` may
    depend only on its inputs and on tensors that are changed in place, and it must not wait for the device.

    Args:
        record: records the graphs.
    """

    def __init__(self, work: Work, record: Record) -> None:
        self._work, self._record = work, record
        self._calls: Counter[Key] = Counter()
        self._graphs: dict[Key, tuple[Graph, tuple[Tensor, ...], Tensor]] = {}

    def __call__(self, *inputs: Tensor) -> Tensor:
        """The result for these inputs, as a new tensor."""
        key = tuple((value.shape, value.dtype) for value in inputs)
        with use_device(inputs[0].device):
            if key in self._graphs:
                return self._replay(key, inputs)
            if key not in self._calls and len(self._calls) == MOST:
                return self._work(*inputs)
            self._calls[key] += 1
            if self._calls[key] <= WARM_UP:
                return _run_aside(self._work, inputs)
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


def _run_aside(work: Work, inputs: tuple[Tensor, ...]) -> Tensor:
    """Run ``work``, on CUDA in a side stream, as torch requires for the warm-up of recordings."""
    if not inputs[0].is_cuda:
        return work(*inputs)
    here, side = torch.cuda.current_stream(), side_stream(index_of(inputs[0].device))
    side.wait_stream(here)
    with torch.cuda.stream(side):
        result = work(*inputs)
    here.wait_stream(side)
    return result
