#!/bin/sh
# Guess: NNCF quantises the network of an ONNX file alike, whether OpenVINO reads it by `Core().read_model` or by
# `convert_model`; both give the same numbers.
# Seen (OpenVINO 2026.4.1, NNCF 3.4.0, x86-64): by `read_model` the depthwise convolution is computed in float32 after
# the quantisation, by `convert_model` in 8 bits like the others. As `read_model` hands it over, the weight of a
# convolution with groups is reshaped when the network runs, and a Clip is a Maximum and a Minimum.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openvino==2026.4.1 nncf==3.4.0 onnx==1.23.2 \
    numpy==2.4.6
cd "$folder"
NNCF_CI=1 "$folder/venv/bin/python" - <<'PYTHON'
import contextlib
import io

import nncf
import numpy as np
import onnx
import openvino
from onnx import helper, numpy_helper

rng = np.random.default_rng(0)
nodes, constants = [], [numpy_helper.from_array(np.array(v, np.float32), n) for v, n in ((0, "low"), (6, "high"))]


def convolution(read, write, outputs, inputs, kernel, group=1):
    weight = rng.standard_normal((outputs, inputs, kernel, kernel)).astype(np.float32) * 0.3
    constants.append(numpy_helper.from_array(weight, f"weight of {write}"))
    pads = [kernel // 2] * 4
    nodes.append(helper.make_node("Conv", [read, f"weight of {write}"], [write], pads=pads, group=group))


convolution("images", "wide", 32, 16, 1)
nodes.append(helper.make_node("Clip", ["wide", "low", "high"], ["clipped"]))
convolution("clipped", "depthwise", 32, 1, 3, group=32)
nodes.append(helper.make_node("Clip", ["depthwise", "low", "high"], ["clipped again"]))
convolution("clipped again", "narrow", 16, 32, 1)
images, narrow = (helper.make_tensor_value_info(name, 1, ["batch", 16, 16, 16]) for name in ("images", "narrow"))
graph = helper.make_graph(nodes, "network", [images], [narrow], constants)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), "network.onnx")
batches = [rng.standard_normal((4, 16, 16, 16)).astype(np.float32) for _ in range(8)]


def precisions(model):
    with contextlib.redirect_stdout(io.StringIO()):
        quantised = nncf.quantize(model, nncf.Dataset(batches), subset_size=len(batches))
    compiled = openvino.Core().compile_model(quantised, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    notes = [operator.get_rt_info() for operator in compiled.get_runtime_model().get_ops()]
    told = [{key: getattr(note[key], "value", note[key]) for key in ("layerType", "runtimePrecision")} for note in notes]
    return [str(one["runtimePrecision"]) for one in told if str(one["layerType"]) == "Convolution"]


reads = {"read_model": openvino.Core().read_model, "convert_model": openvino.convert_model}
difference = [
    openvino.Core().compile_model(read("network.onnx"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})(batches[0])[0]
    for read in reads.values()
]
print("OpenVINO", openvino.__version__, "NNCF", nncf.__version__)
print("float32, largest difference:", float(np.abs(difference[0] - difference[1]).max()))
found = {name: precisions(read("network.onnx")) for name, read in reads.items()}
for name, each in found.items():
    print(f"{name}: 1x1, depthwise and 1x1 convolution are computed in {', '.join(each)}")
assert np.allclose(*difference, atol=1e-4)
assert found == {"read_model": ["u8", "f32", "u8"], "convert_model": ["u8", "u8", "u8"]}, found
PYTHON
