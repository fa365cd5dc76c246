"""LiteRT, once TensorFlow Lite, to which litert-torch converts."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import torch

from seesaw_nas.deploy.runtimes.base import Files, Runtime
from seesaw_nas.network.folded import SplitNetwork

MODEL = "model.tflite"


def load(folder: Path, threads: int) -> Any:
    """The network in a folder: a function of images, float32 (N, channels, height, width), to logits (N, classes)."""
    from ai_edge_litert.interpreter import Interpreter

    network = Interpreter(model_path=str(folder / "model.tflite"), num_threads=threads)
    network.allocate_tensors()
    images_at, logits_at = network.get_input_details()[0]["index"], network.get_output_details()[0]["index"]

    def call(images: Any) -> Any:
        network.set_tensor(images_at, images)
        network.invoke()
        return network.get_tensor(logits_at)

    return call


def _write(network: SplitNetwork, batch: int) -> Files:
    import litert_torch

    with tempfile.TemporaryDirectory(prefix="seesaw-nas-") as name:
        path = Path(name) / MODEL
        litert_torch.convert(network, (torch.zeros(batch, *network.architecture.input),)).export(str(path))
        return {MODEL: path.read_bytes()}


RUNTIME = Runtime(
    "litert",
    "LiteRT",
    ("ai-edge-litert", "litert-torch"),
    "ai-edge-litert numpy pillow",
    _write,
    load,
    fixed_batch="litert-torch writes files for calls of one size",
)
