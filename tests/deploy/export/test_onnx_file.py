"""The ONNX file: what it computes, what it says of itself, and files that are not ours."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest

import seesaw_nas
from seesaw_nas.architecture import cost, specfile
from seesaw_nas.core.errors import RunError
from seesaw_nas.deploy.export import onnx_file
from seesaw_nas.deploy.export.agreement import check, unfused
from seesaw_nas.deploy.runtimes.onnxruntime import runner


def test_onnxruntime_computes_what_torch_does(source, onnx_content):
    found = check(source, runner(onnx_content))
    assert 0 < found.difference < 1e-5
    assert found.top1_agreement == 1


@pytest.mark.parametrize("n", [1, 2, 7])
def test_any_number_of_images_at_once(source, onnx_content, n):
    images = np.random.default_rng(0).normal(size=(n, 1, 8, 8)).astype(np.float32)
    came = runner(onnx_content)(images)
    np.testing.assert_allclose(came, unfused(source)(images), rtol=1e-4, atol=1e-5)


def test_it_is_convolutions_of_opset_18_and_no_batch_norm(onnx_content):
    model = onnx.load_from_string(onnx_content)
    onnx.checker.check_model(model)
    assert [(entry.domain, entry.version) for entry in model.opset_import] == [("", 18)]
    used = {node.op_type for node in model.graph.node}
    assert used <= {"Conv", "Clip", "Add", "Concat", "Split", "AveragePool", "Reshape", "Gemm"}
    shapes = [[axis.dim_param or axis.dim_value for axis in value.type.tensor_type.shape.dim]
              for value in (*model.graph.input, *model.graph.output)]  # fmt: skip
    assert shapes == [["batch", 1, 8, 8], ["batch", 10]]


def test_it_says_what_it_is(named, source, onnx_content, tmp_path):
    said = onnxruntime.InferenceSession(onnx_content).get_modelmeta().custom_metadata_map
    assert (said["name"], said["digest"]) == ("small", named.architecture.digest)
    assert int(said["params"]) == cost.params(named.architecture)
    assert int(said["macs"]) == cost.macs(named.architecture)
    assert json.loads(said["preprocessing"]) == source.preprocessing.to_dict()
    assert json.loads(said["versions"])["seesaw_nas"] == seesaw_nas.__version__
    (tmp_path / "s.json").write_text(said["spec"])
    spec = specfile.read(tmp_path / "s.json")
    assert spec.architecture == named.architecture
    assert spec.result["split"] == "test"


def test_it_does_not_tell_where_it_was_made(onnx_content):
    assert seesaw_nas.__file__.removesuffix("/seesaw_nas/__init__.py").encode() not in onnx_content
    assert b".py" not in onnx_content


def test_file_returns_with_its_preprocessing(source, onnx_content, tmp_path):
    path = tmp_path / "m.onnx"
    path.write_bytes(onnx_content)
    preprocessing, logits = onnx_file.open_file(path)
    assert preprocessing == source.preprocessing
    assert check(source, logits).top1_agreement == 1


def test_file_of_others_is_told(onnx_content, tmp_path):
    model = onnx.load_from_string(onnx_content)
    del model.metadata_props[:]
    path = tmp_path / "m.onnx"
    onnx.save(model, path)
    with pytest.raises(RunError) as caught:
        onnx_file.open_file(path)
    assert str(caught.value) == (
        f"{path} does not describe its preprocessing; a file of `seesaw-nas export --to onnx` is wanted"
    )
    model.metadata_props.add(key="preprocessing", value="crop 224")
    onnx.save(model, path)
    with pytest.raises(RunError, match="was not exported by this release of seesaw-nas: preprocessing: it is not JSON"):
        onnx_file.open_file(path)


@pytest.mark.parametrize("content", [b"", b"no network", None])
def test_damaged_file_is_told(onnx_content, tmp_path, content):
    path = tmp_path / "m.onnx"
    path.write_bytes(onnx_content[:-1000] if content is None else content)
    with pytest.raises(RunError, match=r"m.onnx is not an ONNX file that can be run: "):
        onnx_file.open_file(path)
