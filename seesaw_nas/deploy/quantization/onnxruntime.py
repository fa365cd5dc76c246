"""Quantises for ONNX Runtime: its static quantisation, written as pairs of QuantizeLinear and DequantizeLinear.

Activations are unsigned. In a file with signed ones, which are the tool's default, every layer is quantised, too.
But on x86 ONNX Runtime makes unsigned of signed only where a tensor has one reader, and computes the layers at all
other tensors in float: 45 of 143 convolutions of seesaw-shuffle-0.5d in pieces, 15 of 53 in the dense form. A
session with ``session.qdqisint8allowed`` at 1 computes them in int8, too, and takes eleven times as long as with
unsigned activations.

Clips are no part of the result: a range that is calibrated behind a ReLU6 lies within 0 and 6, and 8 bits cannot
leave it.
"""

from __future__ import annotations

import logging
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seesaw_nas.core.optional import require
from seesaw_nas.data.preprocessing import Floats
from seesaw_nas.deploy.quantization.coverage import Coverage

LAYERS = ("Conv", "Gemm", "MatMul")
EXECUTED = ("QLinearConv", "QGemm", "QLinearMatMul")
BATCH = 16  # images of a call while ranges are measured


def quantize(model: bytes, images: Floats) -> bytes:
    """The content of an ONNX file with weights and activations of 8 bits.

    Weights are signed, one scale for each output channel, symmetric around 0; activations unsigned, one scale and zero
    point for each tensor, from the smallest and the largest value that was seen. The logits stay in float32, since 256
    levels make ties of what the network tells apart.

    Args:
        model: content of a file of :func:`seesaw_nas.deploy.runtimes.recorded_graph.write_graph`.
        images: normalised, (n, C, H, W), to measure the activations with.

    Raises:
        OptionError: ONNX Runtime or onnx is not installed.
    """
    with require("onnxruntime"), require("onnx"):
        import onnx
        from onnxruntime import quantization as tool
    with _quiet(), tempfile.TemporaryDirectory(prefix="seesaw-nas-") as folder:
        path = Path(folder) / "int8.onnx"
        tool.quantize_static(
            onnx.load_model_from_string(model),
            path,
            _Batches(images),
            quant_format=tool.QuantFormat.QDQ,
            per_channel=True,
            activation_type=tool.QuantType.QUInt8,
            weight_type=tool.QuantType.QInt8,
            calibrate_method=tool.CalibrationMethod.MinMax,
            extra_options={"OpTypesToExcludeOutputQuantization": ["Gemm"]},
        )
        return path.read_bytes()


class _Batches:
    """The images as the tool reads them: a dictionary of inputs for each call, and ``None`` at the end."""

    def __init__(self, images: Floats) -> None:
        self._batches = iter([{"images": images[i : i + BATCH]} for i in range(0, len(images), BATCH)])

    def get_next(self) -> dict[str, Floats] | None:
        return next(self._batches, None)


@contextmanager
def _quiet() -> Iterator[None]:
    """Context without the tool's advice to let ONNX Runtime optimise the graph first: there is nothing to optimise."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def count(model: bytes) -> Coverage:
    """How many layers of an ONNX file are quantised, and how many ONNX Runtime computes in 8 bits on this CPU."""
    graph = _parse(model).graph
    writers = {name: node.op_type for node in graph.node for name in node.output}
    layers = [node for node in graph.node if node.op_type in LAYERS]
    quantized = [node for node in layers if all(writers.get(name) == "DequantizeLinear" for name in node.input[:2])]
    optimised = _count_operators(_optimise(model))
    return Coverage(len(layers), len(quantized), sum(optimised[kind] for kind in EXECUTED))


def count_clips(model: bytes) -> int:
    """How many limits to activations are operators of their own in an ONNX file."""
    return _count_operators(model)["Clip"]


def _count_operators(model: bytes) -> Mapping[str, int]:
    return Counter(node.op_type for node in _parse(model).graph.node)


def _parse(model: bytes) -> Any:
    import onnx

    return onnx.load_model_from_string(model)


def _optimise(model: bytes) -> bytes:
    """The content of the file that ONNX Runtime makes of another one before it runs it."""
    import onnxruntime

    with tempfile.TemporaryDirectory(prefix="seesaw-nas-") as folder:
        path, options = Path(folder) / "optimised.onnx", onnxruntime.SessionOptions()
        options.log_severity_level, options.optimized_model_filepath = 4, str(path)
        onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        return path.read_bytes()
