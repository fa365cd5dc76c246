"""The runtime ncnn, to which pnnx converts."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from seesaw_nas.deploy.runtimes.base import Files, Runtime
from seesaw_nas.deploy.runtimes.recorded_graph import write_graph
from seesaw_nas.deploy.runtimes.recording import record
from seesaw_nas.network.folded import SplitNetwork


def load(folder: Path, threads: int) -> Any:
    """The network in a folder: a function of images, float32 (N, channels, height, width), to logits (N, classes)."""
    import ncnn

    network = ncnn.Net()
    network.opt.num_threads = threads
    for kind in ("fp16_packed", "fp16_storage", "fp16_arithmetic", "bf16_packed", "bf16_storage"):
        setattr(network.opt, f"use_{kind}", False)  # by itself it computes with 16 bits where the processor can
    if network.load_param(str(folder / "model.ncnn.param")) or network.load_model(str(folder / "model.ncnn.bin")):
        raise ValueError("ncnn refuses model.ncnn.param or model.ncnn.bin")

    def call(images: Any) -> Any:
        logits = []
        for image in images:  # ncnn takes one image at a time
            held = np.ascontiguousarray(image, np.float32)  # ncnn.Mat does not copy, so this must live on
            extractor = network.create_extractor()
            extractor.input("in0", ncnn.Mat(held))
            code, found = extractor.extract("out0")
            if code:
                raise ValueError(f"ncnn stops with code {code}")
            logits.append(np.array(found))
        return np.stack(logits)

    return call


def _write(network: SplitNetwork, _batch: int) -> Files:
    return from_onnx(write_graph(record(network)), network.architecture.input)


def from_onnx(graph: bytes, image: tuple[int, int, int]) -> Files:
    """The files of the network in the content of an ONNX file, for images of this shape (C, H, W)."""
    import pnnx

    with tempfile.TemporaryDirectory(prefix="seesaw-nas-") as name:
        folder = Path(name)
        (folder / "model.onnx").write_bytes(graph)
        shape = ",".join(map(str, (1, *image)))
        command = [pnnx.EXEC_PATH, "model.onnx", f"inputshape=[{shape}]", "fp16=0"]
        ended = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        files = [folder / "model.ncnn.param", folder / "model.ncnn.bin"]
        if ended.returncode or not all(file.is_file() for file in files):
            said = " ".join((ended.stderr or ended.stdout).split())[-200:]
            raise ValueError(f"pnnx ends with code {ended.returncode}: {said}")
        return {file.name: file.read_bytes() for file in files}


RUNTIME = Runtime(
    "ncnn",
    "ncnn",
    ("ncnn", "pnnx"),
    "ncnn numpy pillow",
    _write,
    load,
    settings=(
        "float32 arithmetic and storage (by itself ncnn uses 16 bits on processors that have them)",
        "weights in float32 (by itself pnnx stores them in float16)",
        "one image at a time, since ncnn has no batches",
    ),
    cpp=Path(__file__).with_suffix(".cpp"),
)
