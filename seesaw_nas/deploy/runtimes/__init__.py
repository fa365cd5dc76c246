"""Runtimes that exported networks run in: one file each, which alone imports the runtime's libraries.

Importing this loads neither torch nor any runtime. Whoever adds a runtime adds its file and its line in
:data:`RUNTIMES`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seesaw_nas.deploy.runtimes.base import Runtime

RUNTIMES = {  # name as it is typed, which is that of the file, and what people call it
    "onnxruntime": "ONNX Runtime",
    "openvino": "OpenVINO",
    "ncnn": "ncnn",
    "mnn": "MNN",
    "litert": "LiteRT",
    "executorch": "ExecuTorch",
}


def find(name: str) -> Runtime:
    """The runtime of this name, one of :data:`RUNTIMES`; its libraries are only loaded when they are needed."""
    runtime: Runtime = import_module(f"{__name__}.{name}").RUNTIME
    return runtime
