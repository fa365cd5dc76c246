"""A training step recorded as a CUDA graph: a small network's kernels take less time than their launches one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

Work = Callable[..., Tensor]
WARM_UP = 3  # calls for libraries to choose kernels and take memory, which a recording must not do
MOST = 2  # graphs, each with memory of its own; batches that are dealt evenly have two sizes at most


class Graph(Protocol):
    """What was recorded; :meth:`replay` does it again on whatever its inputs hold by then."""

    def replay(self) -> None: ...


Record = Callable[[Callable[[], Tensor]], tuple[Graph, Tensor]]


def cuda_graph(work: Callable[[], Tensor]) -> tuple[Graph, Tensor]:
    """``work`` recorded, not done; with the tensor that a replay fills."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # threads that load images go on meanwhile
        result = work()
    return graph, result


class Recorded:
    """Does what ``work`` does, by a graph for each shape of its inputs after a few calls.

    Inputs of further shapes than :data:`MOST` are worked on without a graph.
    ``work`` may read nothing that changes from call to call but its inputs and tensors that are changed in place, and
    must not wait for the device.

    Args:
        record: makes the graph; another one is for tests.
    """

    def __init__(self, work: Work, record: Record = cuda_graph) -> None:
        self._work, self._record = work, record
        self._calls = 0
        self._graphs: dict[tuple[object, ...], tuple[Graph, tuple[Tensor, ...], Tensor]] = {}

    def __call__(self, *inputs: Tensor) -> Tensor:
        """The result for these inputs, a tensor of its own."""
        self._calls += 1
        if self._calls <= WARM_UP:
            return _aside(self._work, inputs)
        key = tuple((value.shape, value.dtype) for value in inputs)
        if key not in self._graphs:
            if len(self._graphs) == MOST:
                return self._work(*inputs)
            held = tuple(value.clone() for value in inputs)
            graph, result = self._record(lambda: self._work(*held))
            self._graphs[key] = graph, held, result
        graph, held, result = self._graphs[key]
        for place, value in zip(held, inputs, strict=True):
            place.copy_(value)
        graph.replay()
        return result.clone()


def _aside(work: Work, inputs: tuple[Tensor, ...]) -> Tensor:
    """Off the default stream on CUDA, as recordings want their warm-up."""
    if not inputs[0].is_cuda:
        return work(*inputs)
    current, other = torch.cuda.current_stream(), torch.cuda.Stream()  # type: ignore[no-untyped-call]
    other.wait_stream(current)
    with torch.cuda.stream(other):
        result = work(*inputs)
    current.wait_stream(other)
    return result
