"""Functions of ``torch.cuda`` that would ask a driver."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

import pretend_gpu
from pretend_gpu import devices, generators, graphs, waiting
from pretend_gpu.dispatch import Mode

NAME, MEMORY = "Pretended GPU", 80 * 2**30


@dataclass(frozen=True)
class Properties:
    name: str = NAME
    major: int = 9
    minor: int = 0
    total_memory: int = MEMORY
    multi_processor_count: int = 132


def replace_functions() -> None:
    """Put the stand-ins into torch, for good, and watch every thread for operators that make pretended tensors."""
    for name, function in (_asking() | _memory() | _random() | _classes()).items():
        setattr(torch.cuda, name, function)
    torch.cuda.random.get_rng_state = torch.cuda.get_rng_state
    torch.cuda.random.set_rng_state = torch.cuda.set_rng_state
    torch.cuda.graphs.is_current_stream_capturing = torch.cuda.is_current_stream_capturing
    torch.cuda.amp.common.amp_definitely_not_available = lambda: False
    torch._C._set_only_lift_cpu_tensors(True)
    Mode().__enter__()
    _watch_threads()


def _watch_threads() -> None:
    run = threading.Thread.run

    def watched(thread: threading.Thread) -> None:
        with Mode():
            run(thread)

    threading.Thread.run = watched  # type: ignore[method-assign]


def _count() -> int:
    return int(os.environ[pretend_gpu.DEVICES])


def _asking() -> dict[str, Callable[..., Any]]:
    return {
        "is_available": lambda: True,
        "is_initialized": lambda: True,
        "_lazy_init": lambda: None,
        "device_count": _count,
        "current_device": devices.current_device,
        "set_device": devices.set_device,
        "get_device_name": lambda device=None: NAME,
        "get_device_properties": lambda device=None: Properties(),
        "get_device_capability": lambda device=None: (9, 0),
        "is_bf16_supported": lambda including_emulation=True: True,
        "synchronize": lambda device=None: waiting.wait("torch.cuda.synchronize", debugged=False),
        "set_sync_debug_mode": waiting.set_debug_mode,
        "get_sync_debug_mode": waiting.get_debug_mode,
        "current_stream": devices.current_stream,
        "default_stream": devices.current_stream,
        "is_current_stream_capturing": lambda: bool(waiting.recordings),
        "graph_pool_handle": lambda: (0, 0),
    }


def _memory() -> dict[str, Callable[..., Any]]:
    names = ("max_memory_allocated", "memory_allocated", "max_memory_reserved", "memory_reserved")
    nothing: dict[str, Callable[..., Any]] = {name: lambda device=None: 0 for name in names}
    return nothing | {
        "reset_peak_memory_stats": lambda device=None: None,
        "empty_cache": lambda: None,
        "mem_get_info": lambda device=None: (MEMORY, MEMORY),
    }


def _random() -> dict[str, Callable[..., Any]]:
    def generator(device: Any = "cuda") -> torch.Generator:
        return generators.generator_of(devices.index_of(device))

    def seed_all(seed: int) -> None:
        for index in range(_count()):
            generator(index).manual_seed(int(seed))

    return {
        "get_rng_state": lambda device="cuda": generator(device).get_state(),
        "set_rng_state": lambda state, device="cuda": generator(device).set_state(state),
        "manual_seed": lambda seed: generator().manual_seed(int(seed)),
        "manual_seed_all": seed_all,
    }


def _classes() -> dict[str, Any]:
    return {
        "device": devices.device,
        "Stream": devices.Stream,
        "stream": devices.stream,
        "Event": devices.Event,
        "CUDAGraph": graphs.CUDAGraph,
        "graph": graphs.graph,
    }
