"""Exported folders of every runtime: what runs them, and what is answered where one is damaged or cannot run."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from seesaw_nas.deploy import exported, names, runtimes

BATCHES = {title: 1 if runtimes.find(name).fixed_batch else "any" for name, title in runtimes.RUNTIMES.items()}


@pytest.fixture
def folder(exported_folder, tmp_path, monkeypatch):
    """Makes a copy of an export whose ``agreement.json`` says something else; ``None`` takes a field away."""
    monkeypatch.chdir(tmp_path)

    def change(**fields):
        shutil.copytree(exported_folder, "x")
        path = Path("x/agreement.json")
        content = json.loads(path.read_text()) | {"batch": BATCHES.get(str(fields.get("runtime")), "any")} | fields
        path.write_text(json.dumps({key: value for key, value in content.items() if value is not None}))
        return Path("x")

    return change


@pytest.fixture(params=["predict", "evaluate"])
def answered(request, refused, digit_pictures):
    """What either verb answers to the folder x, in one line with exit code 2."""

    def run(*options):
        return refused(request.param, "x", *([digit_pictures] if request.param == "predict" else []), *options)

    return run


INT8 = {"precision": "int8"}
TITLES = "ONNX Runtime, OpenVINO, ncnn, MNN, LiteRT, ExecuTorch"


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"runtime": "TensorRT"}, f"'runtime' as one of {TITLES} is wanted, got 'TensorRT'"),
        ({"runtime": None}, f"'runtime' as one of {TITLES} is wanted, got None"),
        ({"runtime": ["ncnn"]}, f"'runtime' as one of {TITLES} is wanted, got ['ncnn']"),
        ({"batch": 4}, "'batch' as 'any' for ONNX Runtime is wanted, got 4"),
        ({"runtime": "LiteRT", "batch": 0}, "'batch' as a whole number from 1 to 65,536 for LiteRT is wanted, got 0"),
        ({"runtime": "ExecuTorch", "batch": True}, "number from 1 to 65,536 for ExecuTorch is wanted, got True"),
        ({"int8": True}, "'int8' with the 'precision' 'int8' is wanted, got True"),
        ({"int8": {"precision": "int4"}}, "'int8' with the 'precision' 'int8' is wanted, got 'int4'"),
        ({"runtime": "ncnn", "int8": INT8}, "'int8' for ONNX Runtime, OpenVINO only is wanted, got 'ncnn'"),
    ],
)
def test_what_no_export_writes_is_refused(folder, answered, fields, wanted):
    folder(**fields)
    message = answered()
    assert message.startswith("x/agreement.json is damaged, or of another version: ")
    assert message.endswith(f"{wanted}; export the network again")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[]",
            "x/agreement.json is damaged, or of another version: an object is wanted, got []; export the network again",
        ),
        ('{"runtime": ', "x/agreement.json is not JSON: Expecting value: line 1 column 13 (char 12)"),
    ],
)
def test_torn_agreement_is_told(folder, answered, text, message):
    folder()
    Path("x/agreement.json").write_text(text)
    assert answered() == message


@pytest.mark.parametrize(
    ("fields", "title"),
    [
        ({"runtime": "OpenVINO"}, "OpenVINO"),
        ({"runtime": "OpenVINO", "int8": INT8}, "OpenVINO in int8"),
        ({"runtime": "ExecuTorch"}, "ExecuTorch"),
        ({"int8": INT8}, "ONNX Runtime in int8"),
    ],
)
def test_what_runs_on_the_cpu_only_is_refused_on_a_gpu(folder, answered, fields, title):
    folder(**fields)
    assert answered("--device", "cuda") == f"x is an export for {title}, which runs on the CPU only; leave --device out"
    assert answered("--device", "gpu").startswith("unknown device 'gpu', did you mean 'cpu'?")


@pytest.mark.parametrize(
    ("title", "module", "install"),
    [
        ("OpenVINO", "openvino", "openvino is not installed; pip install openvino"),
        ("ncnn", "ncnn", "ncnn is not installed; pip install ncnn pnnx"),
        ("MNN", "MNN", "MNN is not installed; pip install MNN"),
        (
            "LiteRT",
            "ai_edge_litert",
            "ai-edge-litert is not installed; pip install ai-edge-litert litert-torch, in an environment of their own",
        ),
        ("ExecuTorch", "executorch", "executorch is not installed; pip install executorch"),
    ],
)
def test_runtime_that_is_not_installed_is_told(folder, answered, monkeypatch, title, module, install):
    folder(runtime=title)
    for loaded in [one for one in sys.modules if one == module or one.startswith(module + ".")]:
        monkeypatch.delitem(sys.modules, loaded)
    monkeypatch.setitem(sys.modules, module, None)
    assert answered() == install


def test_files_that_are_missing_are_told_with_the_folder(folder, answered):
    pytest.importorskip("openvino")
    folder(runtime="OpenVINO")
    message = answered()
    assert message.startswith("x cannot be run: OpenVINO (openvino ")
    assert message.endswith("; export it again")


def test_damaged_preprocessing_is_told(folder, answered):
    path = folder(runtime="OpenVINO") / "preprocessing.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"std": [0.0]}))
    assert answered().startswith("x/preprocessing.json is damaged: std: numbers above 0 are wanted")
    path.unlink()
    assert answered() == ("cannot read how images are prepared, x/preprocessing.json: No such file or directory")


def test_what_an_export_says_of_itself_is_read_back(folder):
    path = folder(runtime="ExecuTorch", batch=4)
    found = exported.read(path)
    assert (found.runtime.name, found.batch, found.is_int8, found.runs_on) == (
        "executorch", 4, False, "ExecuTorch on the CPU",
    )  # fmt: skip
    shutil.rmtree("x")
    found = exported.read(folder(runtime="OpenVINO", int8=INT8))
    assert (found.runtime.name, found.is_int8, found.runs_on) == ("openvino", True, "OpenVINO on the CPU, in int8")
    assert exported.read(path.parent) is None


def test_folder_of_an_earlier_version_runs(folder, cli, trained_on_digits):
    (folder() / names.AGREEMENT).unlink()
    wanted = json.loads((trained_on_digits / "result.json").read_text())["validation_top1"]
    code, out, err = cli("evaluate", "x", "--device", "cpu", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["top1"], found["weights"], found["runs_on"]) == (wanted, "x", "ONNX Runtime on the CPU")


def test_named_weights_run_in_torch(folder, cli, trained_on_digits):
    folder()
    options = ("--weights", "x/weights.safetensors", "--device", "cpu")
    code, out, err = cli("evaluate", "x", *options, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["runs_on"] == "torch on cpu"
    assert "runs on" not in cli("evaluate", "x", *options).out
    assert "runs on   ONNX Runtime on the CPU\n" in cli("evaluate", "x", "--device", "cpu").out


def test_images_of_another_size_than_the_spec_says_are_refused(folder, refused):
    path = folder(runtime="ONNX Runtime") / "spec.json"
    content = json.loads(path.read_text())
    content["architecture"]["classes"] = 9
    del content["digest"], content["params"], content["macs"]
    path.write_text(json.dumps(content))
    assert refused("evaluate", "x", "--device", "cpu").startswith(
        "the export in x says images of 1x8x8 and 10 classes, the architecture has images of 1x8x8 and 9 classes"
    )
