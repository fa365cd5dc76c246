"""The runtime MNN, on the CPU."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from seesaw_nas.deploy.runtimes.base import Files, Runtime
from seesaw_nas.deploy.runtimes.recorded_graph import write_graph
from seesaw_nas.deploy.runtimes.recording import record
from seesaw_nas.network.folded import SplitNetwork

MODEL = "model.mnn"


def load(folder: Path, threads: int) -> Any:
    """The network in a folder: a function of images, float32 (N, channels, height, width), to logits (N, classes)."""
    import MNN

    settings = {"backend": "CPU", "numThread": threads, "precision": "high"}  # low means 16 bits on some
    runtime = MNN.nn.create_runtime_manager((settings,))
    network = MNN.nn.load_module_from_file(str(folder / "model.mnn"), ["images"], ["logits"], runtime_manager=runtime)

    def call(images: Any) -> Any:
        held = np.ascontiguousarray(images, np.float32)
        (found,) = network.forward([MNN.expr.const(held, list(held.shape), MNN.expr.NCHW)])
        return np.array(MNN.expr.convert(found, MNN.expr.NCHW).read())

    return call


def _write(network: SplitNetwork, _batch: int) -> Files:
    return from_onnx(write_graph(record(network)))


def from_onnx(graph: bytes) -> Files:
    """The files of the network in the content of an ONNX file."""
    import _tools  # of MNN; its own script, mnnconvert, installs a package that reports each use to its makers
    import MNN  # noqa: F401  # first, since without it nothing says what is not installed

    with tempfile.TemporaryDirectory(prefix="seesaw-nas-") as name:
        read, model = Path(name) / "model.onnx", Path(name) / MODEL
        read.write_bytes(graph)
        arguments = ["-f", "ONNX", "--modelFile", str(read), "--MNNModel", str(model), "--bizCode", "MNN"]
        _tools.mnnconvert(["mnnconvert", *arguments])
        if not model.is_file():
            raise ValueError("its converter wrote nothing")
        return {MODEL: model.read_bytes()}


RUNTIME = Runtime(
    "mnn",
    "MNN",
    ("MNN",),
    "MNN numpy pillow",
    _write,
    load,
    settings=("precision `high`, which is float32 on every processor",),
)
