"""A pretended GPU: tensors whose device is cuda, computed on the CPU by a build of torch without CUDA.

Whatever decides by a tensor's device, by ``torch.cuda`` or by autocast takes its CUDA branch; values are real, in
bfloat16 where autocast says so. Operators on tensors of two devices are refused. Counted are the operators (each at
least one kernel launch), the copies between host and device, and the places where the host would wait for the device.

Not seen: numerics and speed of kernels, cuDNN and Triton, real asynchrony, the memory of allocator and graphs, NCCL,
and code that torch.compile writes for CUDA.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

from pretend_gpu.build import Unavailable, shim

__all__ = ["DEVICES", "Unavailable", "install", "install_with_torch", "installed"]

DEVICES = "PRETEND_GPUS"  # environment variable with the number of pretended GPUs


def install(devices: int = 2) -> None:
    """Load torch with ``devices`` pretended GPUs; it must not be loaded yet, for its hooks are asked for once.

    Raises:
        Unavailable: the shim cannot be built here.
    """
    assert "torch" not in sys.modules, "the pretended GPU must be installed before torch is loaded"
    install_with_torch(devices)
    importlib.import_module("torch")


def install_with_torch(devices: int = 2) -> None:
    """Do :func:`install` as soon as something imports torch, which many processes never do."""
    os.environ.setdefault(DEVICES, str(devices))
    sys.meta_path.insert(0, _OnImport())


def installed() -> bool:
    """Whether this process has pretended GPUs."""
    return "pretend_gpu.cuda" in sys.modules


class _OnImport:
    """Finds torch and wraps its loader."""

    def find_spec(self, name: str, path: object, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name) if name == "torch" else None
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def load_with_devices(module: ModuleType) -> None:
            ctypes.CDLL(str(shim()))
            load(module)
            from pretend_gpu import cuda

            cuda.replace_functions()

        spec.loader.exec_module = load_with_devices  # type: ignore[method-assign]
        return spec
