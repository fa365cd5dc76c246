"""A trained network as it is exported, and its ONNX file and program, made once."""

import pytest

from seesaw_nas.architecture import specfile
from seesaw_nas.deploy.export import onnx_file, program
from seesaw_nas.deploy.export.source import load


@pytest.fixture(scope="session")
def named(trained_on_digits):
    return specfile.resolve(str(trained_on_digits))


@pytest.fixture(scope="session")
def weights(trained_on_digits):
    return trained_on_digits / "weights.safetensors"


@pytest.fixture(scope="session")
def source(named, weights):
    return load(named, weights)


@pytest.fixture(scope="session")
def onnx_content(source):
    return onnx_file.content(source)


@pytest.fixture(scope="session")
def program_content(source):
    return program.content(source)
