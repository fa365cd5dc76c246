"""A network trained on digits, its calibration images and its graph in int8 for ONNX Runtime, made once."""

import pytest

from seesaw_nas.architecture import specfile
from seesaw_nas.deploy import quantization
from seesaw_nas.deploy.export.source import load


@pytest.fixture(scope="session")
def trained(trained_on_digits):
    return load(specfile.resolve(str(trained_on_digits)), trained_on_digits / "weights.safetensors")


@pytest.fixture(scope="session")
def given(trained):
    return quantization.load_calibration("digits", None, trained.preprocessing, 200)


@pytest.fixture(scope="session")
def int8_content(trained, given):
    files, _ = quantization.quantize("onnxruntime", trained.model, given.images)
    return files["model.onnx"]
