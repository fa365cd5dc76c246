"""The graphs in int8: nothing is left in float, in the file nor when it runs."""

import platform
import sys

import numpy as np
import onnx
import pytest
from onnxruntime import quantization as tool

from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.deploy import quantization, runtimes
from seesaw_nas.deploy.quantization import onnxruntime
from seesaw_nas.deploy.quantization.accuracy import before
from seesaw_nas.deploy.quantization.coverage import Coverage

# a stem, three blocks of three convolutions (dense), a head, a classifier
LAYERS = 12


def test_every_convolution_and_the_classifier_are_int8(int8_content):
    assert onnxruntime.count(int8_content) == Coverage(LAYERS, LAYERS, LAYERS)


def test_limits_to_activations_are_gone(int8_content):
    assert onnxruntime.count_clips(int8_content) == 0


def test_weights_are_signed_by_channel_and_activations_unsigned(int8_content):
    graph = onnx.load_model_from_string(int8_content).graph
    stored = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    writers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.op_type != "Conv":
            continue
        image, weight = (writers[name] for name in node.input[:2])
        assert stored[image.input[2]].dtype == np.uint8
        assert stored[weight.input[0]].dtype == np.int8
        assert stored[weight.input[1]].shape == (len(stored[weight.input[0]]),)


def test_logits_are_no_multiples_of_one_step(trained, given, int8_content):
    logits = runtimes.find("onnxruntime").open({"model.onnx": int8_content})(given.images)
    assert len(np.unique(logits)) > 256


def test_groups_as_tensors_of_their_own_are_int8_too(trained, given):
    def pieces(block):
        return "split" if len(block.pieces) > 1 else "dense"

    _, coverage = quantization.quantize("onnxruntime", trained.model, given.images, pieces)
    assert coverage.layers > LAYERS
    assert coverage.layers == coverage.quantized == coverage.executed


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="other processors have their own rule")
def test_signed_activations_leave_layers_in_float_on_x86(trained, given, monkeypatch):
    """The reason for unsigned ones. Should this fail with a newer ONNX Runtime, measure both again."""
    write = tool.quantize_static

    def signed(*arguments, **options):
        write(*arguments, **options | {"activation_type": tool.QuantType.QInt8})

    monkeypatch.setattr(tool, "quantize_static", signed)
    _, found = quantization.quantize("onnxruntime", trained.model, given.images)
    assert found.quantized == LAYERS
    assert found.executed < LAYERS


def test_something_left_in_float_is_refused(trained, given, monkeypatch):
    monkeypatch.setattr(onnxruntime, "count", lambda _: Coverage(12, 9, 9))
    with pytest.raises(RunError, match="only 9 of 12 convolutions and matrix products were quantised by onnxruntime"):
        quantization.quantize("onnxruntime", trained.model, given.images[:16])


def test_accuracy_is_kept(trained, given):
    judged = quantization.judge(runtimes.find("onnxruntime"), trained.model, given, trained.preprocessing)
    assert judged.accuracy.n == len(given.validation)
    assert judged.accuracy.change >= -quantization.MOST_LOST
    assert judged.accuracy.same >= 0.95 * judged.accuracy.n
    assert judged.accuracy.right_before == sum(
        int((before(trained.model)(trained.preprocessing.apply(pixels.numpy())).argmax(1) == labels.numpy()).sum())
        for pixels, labels in given.validation.batches_in_order(100)
    )


def test_openvino_sends_no_notes_on_its_use(trained, given, monkeypatch):
    pytest.importorskip("nncf")
    telemetry = pytest.importorskip("openvino_telemetry")
    sent = []
    monkeypatch.setattr(telemetry.Telemetry, "send_event", lambda *arguments: sent.append(arguments))
    quantization.quantize("openvino", trained.model, given.images[:32])
    assert sent == []


def test_openvino_computes_depthwise_convolutions_in_int8(trained, given):
    pytest.importorskip("nncf")
    files, coverage = quantization.quantize("openvino", trained.model, given.images)
    assert sorted(files) == ["model.bin", "model.xml"]
    assert coverage == Coverage(LAYERS, LAYERS, LAYERS)
    logits = runtimes.find("openvino").open(files)(given.images)
    same = logits.argmax(1) == before(trained.model)(given.images).argmax(1)
    assert same.mean() > 0.95


def test_missing_package_is_told(trained, given, monkeypatch):
    monkeypatch.setitem(sys.modules, "nncf", None)
    with pytest.raises(OptionError, match="nncf is not installed; pip install nncf"):
        quantization.quantize("openvino", trained.model, given.images[:16])
