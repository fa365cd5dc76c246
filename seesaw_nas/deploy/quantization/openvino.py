"""Quantises for OpenVINO: NNCF's post-training quantisation.

NNCF is given a graph that OpenVINO has simplified, as its ``convert_model`` does. As it is read, shapes of weights are
computed when it runs, and limits to activations are pairs of a minimum and a maximum: then all depthwise convolutions
stay in float. ``convert_model`` itself is not called, for it sends notes on its use to its makers without asking.

By itself NNCF also moves biases by how far the means of activations move. Here it does not: a small network for digits
lost 1.7 points of top-1 with that and 0.3 without. And by itself NNCF sends notes on its use to its makers, unless it
believes to be tested; here it sends none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from seesaw_nas.core.optional import require
from seesaw_nas.data.preprocessing import Floats
from seesaw_nas.deploy.quantization.coverage import Coverage
from seesaw_nas.deploy.runtimes.openvino import read
from seesaw_nas.deploy.runtimes.quiet import hide_output
from seesaw_nas.deploy.runtimes.signal_stack import keep_signal_stack

LAYERS = ("Convolution", "GroupConvolution", "MatMul")
EXECUTED = ("Convolution", "FullyConnected", "MatMul")  # as the compiled network calls them
BITS8 = ("u8", "i8")
BATCH = 16  # images of a call while ranges are measured
SILENT = "NNCF_CI"  # an environment variable: with it, NNCF sends nothing


def quantize(model: bytes, images: Floats) -> Any:
    """The ``openvino.Model`` with weights of 8 bits, one scale a channel, and ranges of all activations.

    Args:
        model: content of an ONNX file.
        images: normalised, (n, C, H, W), to measure the activations with.

    Raises:
        OptionError: OpenVINO or NNCF is not installed.
    """
    with _no_notes(), require("nncf"):
        import nncf
        from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters
    with require("openvino"):
        from openvino._offline_transformations import apply_moc_transformations  # NNCF takes others from there
    nncf.set_log_level(40)  # errors only
    graph = read(model)
    apply_moc_transformations(graph, cf=False, smart_reshape=True)
    batches = [images[i : i + BATCH] for i in range(0, len(images), BATCH)]
    with hide_output(), keep_signal_stack():  # bars of progress
        return nncf.quantize(
            graph,
            nncf.Dataset(batches),
            subset_size=len(batches),
            target_device=nncf.TargetDevice.CPU,
            advanced_parameters=AdvancedQuantizationParameters(disable_bias_correction=True),
        )


@contextmanager
def _no_notes() -> Iterator[None]:
    before = os.environ.get(SILENT)
    os.environ[SILENT] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[SILENT]
        else:
            os.environ[SILENT] = before


def count(model: Any) -> Coverage:
    """How many layers of an ``openvino.Model`` are quantised, and how many OpenVINO computes in 8 bits on this CPU."""
    import openvino

    layers = [node for node in model.get_ops() if node.get_type_name() in LAYERS]
    with keep_signal_stack():
        compiled = openvino.Core().compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    notes = [node.get_rt_info() for node in compiled.get_runtime_model().get_ops()]
    executed = [
        note for note in notes if _text(note, "layerType") in EXECUTED and _text(note, "runtimePrecision") in BITS8
    ]
    return Coverage(len(layers), sum(map(_is_quantized, layers)), len(executed))


def _text(note: Any, key: str) -> str:
    value = note[key]
    return value if isinstance(value, str) else str(value.astype(str))


def _is_quantized(layer: Any) -> bool:
    """Whether the input of a layer comes from a quantiser, and its weight from 8 bits."""
    inputs = [_before(layer.input_value(i).get_node()) for i in (0, 1)]
    return inputs[0].get_type_name() == "FakeQuantize" and (
        inputs[1].get_type_name() == "FakeQuantize" or str(inputs[1].get_element_type()).endswith("int8_t'>")
    )


def _before(node: Any) -> Any:
    """The operator before those that only change the shape or, of stored weights, scale and type."""
    while node.get_type_name() in ("Reshape", "Multiply", "Subtract", "Convert", "AvgPool", "Concat", "VariadicSplit"):
        node = node.input_value(0).get_node()
    return node
