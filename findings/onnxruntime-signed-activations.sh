#!/bin/sh
# Guess: on x86-64, the layers that ONNX Runtime leaves in float32 after its own static quantisation with signed
# activations (the tool's default) become as fast as with unsigned ones by its session option `session.qdqisint8allowed`.
# Seen (onnxruntime 1.32.0, AVX-512 with VNNI): of 4 convolutions, of which two read one tensor and one reads their sum,
# 1 is computed in int8 with signed activations, and 4 with unsigned ones. With the option it is 4 with signed ones, too;
# but then a call takes 3 times as long as in float32, and 7 times as long as with unsigned activations.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import logging
import statistics
import time

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnxruntime import quantization

logging.disable(logging.WARNING)
rng = np.random.default_rng(0)
nodes, weights = [], []


def convolution(read, write):
    weight = rng.standard_normal((64, 64, 1, 1)).astype(np.float32) * 0.1
    weights.append(numpy_helper.from_array(weight, f"weight of {write}"))
    nodes.append(helper.make_node("Conv", [read, weights[-1].name], [write]))


convolution("images", "first")
convolution("first", "left")
convolution("first", "right")
nodes.append(helper.make_node("Add", ["left", "right"], ["sum"]))
convolution("sum", "last")
images, last = (helper.make_tensor_value_info(name, 1, ["batch", 64, 16, 16]) for name in ("images", "last"))
graph = helper.make_graph(nodes, "network", [images], [last], weights)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10), "float32.onnx")
batches = [rng.standard_normal((4, 64, 16, 16)).astype(np.float32) for _ in range(4)]


class Images:
    def __init__(self):
        self.left = iter(batches)

    def get_next(self):
        batch = next(self.left, None)
        return None if batch is None else {"images": batch}


TYPES = {"unsigned": quantization.QuantType.QUInt8, "signed": quantization.QuantType.QInt8}
for name, activations in TYPES.items():
    quantization.quantize_static(
        "float32.onnx",
        f"{name}.onnx",
        Images(),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=True,
        activation_type=activations,
        weight_type=quantization.QuantType.QInt8,
    )


def open_session(name, option=""):
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level, settings.intra_op_num_threads = 4, 1
    settings.optimized_model_filepath = "optimised.onnx"
    if option:
        settings.add_session_config_entry(option, "1")
    session = onnxruntime.InferenceSession(f"{name}.onnx", settings, providers=["CPUExecutionProvider"])
    kinds = [node.op_type for node in onnx.load("optimised.onnx").graph.node]
    return session, kinds.count("QLinearConv")


opened = {name: open_session(name) for name in ("float32", "unsigned", "signed")}
opened["signed, with the option"] = open_session("signed", "session.qdqisint8allowed")
seconds = {name: [] for name in opened}
for _ in range(60):
    for name, (session, _) in opened.items():
        begun = time.process_time()
        for _ in range(5):
            session.run(None, {"images": batches[0][:1]})
        seconds[name].append(time.process_time() - begun)
medians = {name: statistics.median(each) for name, each in seconds.items()}
print("onnxruntime", onnxruntime.__version__)
for name, (_, in_int8) in opened.items():
    print(f"{name}: {in_int8} of 4 in int8, {medians[name] / medians['float32']:.2f} times float32")
assert [in_int8 for _, in_int8 in opened.values()] == [0, 4, 1, 4]
assert medians["signed, with the option"] > 1.5 * medians["float32"] > 1.5 * medians["unsigned"]
PYTHON
