"""OpenVINO, on the CPU."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from seesaw_nas.deploy.runtimes.base import Files, Runtime
from seesaw_nas.deploy.runtimes.recorded_graph import write_graph
from seesaw_nas.deploy.runtimes.recording import record
from seesaw_nas.network.folded import SplitNetwork

MODEL, WEIGHTS = "model.xml", "model.bin"


def load(folder: Path, threads: int) -> Any:
    """The network in a folder: a function of images, float32 (N, channels, height, width), to logits (N, classes)."""
    import openvino

    settings = {
        "INFERENCE_PRECISION_HINT": "f32",  # by itself it computes in bfloat16 where the processor can
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,  # one call at a time, with all threads
    }
    network = openvino.Core().compile_model(folder / "model.xml", "CPU", settings)
    return lambda images: network({"images": images})["logits"]


def _write(network: SplitNetwork, _batch: int) -> Files:
    return from_onnx(write_graph(record(network)))


def from_onnx(graph: bytes) -> Files:
    """The files of the network in the content of an ONNX file."""
    return save(read(graph))


def read(graph: bytes) -> Any:
    """The network in the content of an ONNX file as an ``openvino.Model``.

    ``openvino.convert_model`` gives the same numbers at the same speed, and sends notes on its use to its makers.
    """
    import openvino

    return openvino.Core().read_model(model=graph)


def save(model: Any) -> Files:
    """The files of an ``openvino.Model``, whose weights keep their type."""
    import openvino

    with tempfile.TemporaryDirectory(prefix="seesaw-nas-") as folder:
        path = Path(folder) / MODEL
        openvino.save_model(model, path, compress_to_fp16=False)
        return {name: path.with_name(name).read_bytes() for name in (MODEL, WEIGHTS)}


RUNTIME = Runtime(
    "openvino",
    "OpenVINO",
    ("openvino",),
    "openvino numpy pillow",
    _write,
    load,
    settings=(
        "float32 arithmetic (by itself OpenVINO computes in bfloat16 on processors that have it)",
        "weights in float32 (by itself its converter stores them in float16)",
    ),
    int8_settings=(
        "float32 for what is not in int8 (by itself OpenVINO computes that in bfloat16 on processors that have it)",
    ),
)
