"""ONNX Runtime."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seesaw_nas.core.optional import require
from seesaw_nas.data.preprocessing import Floats
from seesaw_nas.deploy.runtimes.base import Files, Logits, Runtime
from seesaw_nas.deploy.runtimes.onnx_graph import IMAGES, LOGITS
from seesaw_nas.deploy.runtimes.recorded_graph import write_graph
from seesaw_nas.deploy.runtimes.recording import record
from seesaw_nas.network.folded import SplitNetwork

MODEL = "model.onnx"
CUDA, PROVIDERS = "CUDAExecutionProvider", ("CPUExecutionProvider",)


def load(folder: Path, threads: int) -> Any:
    """The network in a folder: a function of images, float32 (N, channels, height, width), to logits (N, classes)."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(["logits"], {"images": images})[0]


def _write(network: SplitNetwork, _batch: int) -> Files:
    return {MODEL: write_graph(record(network))}


RUNTIME = Runtime(
    "onnxruntime",
    "ONNX Runtime",
    ("onnxruntime",),
    "onnxruntime numpy pillow",
    _write,
    load,
    cpp=Path(__file__).with_suffix(".cpp"),
)


def runner(model: bytes, threads: int = 0, providers: Sequence[Any] = PROVIDERS) -> Logits:
    """The network in the content of an ONNX file.

    Args:
        threads: threads per operator; 0 for one per core.
        providers: execution providers of ONNX Runtime, the preferred one first.

    Raises:
        OptionError: ONNX Runtime is not installed.
    """
    return run(open_session(model, threads, providers))


def has_cuda() -> bool:
    """Whether this ONNX Runtime was built for CUDA."""
    return CUDA in _library().get_available_providers()


def open_session(model: bytes, threads: int = 0, providers: Sequence[Any] = PROVIDERS) -> Any:
    """An ``InferenceSession`` that logs nothing; the arguments are those of :func:`runner`."""
    runtime = _library()
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # silent: its errors are raised as exceptions as well
    options.intra_op_num_threads = threads
    return runtime.InferenceSession(model, options, providers=providers)


def run(session: Any) -> Logits:
    """The network in a session as a function."""

    def logits(images: Floats) -> Floats:
        logits: Floats = session.run([LOGITS], {IMAGES: images})[0]
        return logits

    return logits


def _library() -> Any:
    with require("onnxruntime"):
        import onnxruntime

        return onnxruntime
