"""CUDA graphs: a tape of operators, taken back when it has been recorded and run again at each replay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from pretend_gpu import devices, generators, log
from pretend_gpu.tensors import leaves
from pretend_gpu.waiting import CudaError, recordings


@dataclass
class Entry:
    """One operator: ``run(*args, **kwargs)`` on CPU tensors gave ``out``."""

    func: Any
    run: Any
    args: Any
    kwargs: Any
    out: Any
    device: torch.device


class CUDAGraph:
    """Stands in for ``torch.cuda.CUDAGraph``: replays compute into the tensors of the recording."""

    def __init__(self, keep_graph: bool = False) -> None:
        self.tape: list[Entry] = []
        self.before: list[tuple[torch.Tensor, torch.Tensor]] = []
        self.device = 0

    def replay(self) -> None:
        log.record_replay(len(self.tape))
        for entry in self.tape:
            with torch.no_grad(), generators.drawing(entry.func, entry.device):
                again = entry.run(*entry.args, **entry.kwargs)
            for old, new in zip(leaves((entry.out,), {}), leaves((again,), {}), strict=True):
                if isinstance(old, torch.Tensor) and old.data_ptr() != new.data_ptr():
                    old.copy_(new)

    def reset(self) -> None:
        self.tape.clear()

    def pool(self) -> tuple[int, int]:
        return (0, 0)


class graph:
    """Stands in for ``torch.cuda.graph``."""

    def __init__(self, cuda_graph: CUDAGraph, pool: Any = None, stream: Any = None, **_: Any) -> None:
        self.graph, self.side = cuda_graph, devices.stream(stream)

    def __enter__(self) -> None:
        self.side.__enter__()
        self.graph.device = devices.current_device()
        self.drawn = generators.states()
        recordings.append(self.graph)

    def __exit__(self, kind: Any, *rest: Any) -> None:
        recordings.pop()
        self.side.__exit__(kind, *rest)
        with torch.inference_mode(False), torch.no_grad():
            for tensor, value in reversed(self.graph.before):
                tensor.copy_(value)
        self.graph.before.clear()
        generators.put_back(self.drawn)
        elsewhere = {str(entry.device) for entry in self.graph.tape if entry.device.index != self.graph.device}
        if kind is None and elsewhere:
            raise CudaError(
                f"the graph is empty: recorded on cuda:{self.graph.device}, while operators ran on {elsewhere}"
            )


def keep_entry(func: Any, run: Any, args: Any, kwargs: Any, out: Any, device: torch.device) -> None:
    """Put an operator on the tape of the recording, if there is one."""
    if recordings:
        recordings[-1].tape.append(Entry(func, run, args, kwargs, out, device))  # type: ignore[attr-defined]


def keep_values(func: Any, args: Any, kwargs: Any) -> None:
    """Keep what an operator is about to change, for a recording does nothing."""
    if not recordings or not func._schema.is_mutable:
        return
    for i, argument in enumerate(func._schema.arguments):
        if argument.alias_info is not None and argument.alias_info.is_write:
            for value in leaves((args[i] if i < len(args) else kwargs.get(argument.name),), {}):
                if isinstance(value, torch.Tensor):
                    recordings[-1].before.append((value, value.clone()))  # type: ignore[attr-defined]
