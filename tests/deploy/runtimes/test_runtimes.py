"""Every runtime: what is written for it runs in it and agrees, its example runs alone, and mistakes take one line."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from seesaw_nas.architecture import specfile
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.deploy import export, predict, runtimes, score
from seesaw_nas.deploy.export import agreement
from seesaw_nas.deploy.export.agreement import unfused
from seesaw_nas.deploy.runtimes.base import in_batches
from seesaw_nas.deploy.runtimes.quiet import hide_output
from seesaw_nas.deploy.runtimes.tracing import hide_warnings

MODULES = {
    "onnxruntime": ("onnxruntime",),
    "openvino": ("openvino",),
    "ncnn": ("ncnn", "pnnx"),
    "mnn": ("MNN",),
    "litert": ("litert_torch", "ai_edge_litert"),
    "executorch": ("executorch",),
}
FILES = {
    "onnxruntime": ["model.onnx"],
    "openvino": ["model.bin", "model.xml"],
    "ncnn": ["model.ncnn.bin", "model.ncnn.param"],
    "mnn": ["model.mnn"],
    "litert": ["model.tflite"],
    "executorch": ["model.pte"],
}
COMMON = {"README.md", "agreement.json", "example.py", "labels.txt", "preprocessing.json", "spec.json"}
NOT_INSTALLED = {
    "openvino": "openvino is not installed; pip install openvino",
    "ncnn": "pnnx is not installed; pip install pnnx",
    "mnn": "MNN is not installed; pip install MNN",
    "litert": "litert-torch is not installed; pip install ai-edge-litert litert-torch, in an environment of their own",
    "executorch": "executorch is not installed; pip install executorch",
}
SLOW = ("litert", "executorch")  # their converters take many seconds
OTHERS = [pytest.param(name, marks=pytest.mark.thorough) if name in SLOW else name for name in FILES]
FIXED = [pytest.param(name, marks=pytest.mark.thorough) for name in SLOW]
BLOCKER = """
import importlib.abc, runpy, sys
class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[1].split(","):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Blocker())
sys.argv = sys.argv[2:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def skip_without(name):
    for module in MODULES[name]:
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed: pip install '.[{name}]' (docs/guide/deploy.md)")


@pytest.fixture(scope="module")
def exported(named, weights, tmp_path_factory):
    """Makes the folder for a runtime, once."""
    made = {}

    def folder(name):
        skip_without(name)
        if name not in made:
            out = tmp_path_factory.mktemp("runtimes") / name
            made[name] = export.export(named, weights, "folder" if name == "onnxruntime" else name, out)
        return made[name]

    return folder


def test_every_runtime_is_tested():
    assert list(runtimes.RUNTIMES) == list(MODULES) == list(FILES)


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_written_agrees_and_says_how_it_was_made(exported, source, name):
    done = exported(name)
    found = {path.name for path in done.path.iterdir()}
    assert found - {"weights.safetensors", "example.cpp"} == COMMON | set(FILES[name])
    assert done.agreement.difference < 1e-5
    assert (done.agreement.n_real, done.agreement.top1_agreement) == (256, 1.0)
    stored = json.loads((done.path / "agreement.json").read_text())
    assert stored["difference"] == done.agreement.difference
    assert stored["runtime"] == runtimes.RUNTIMES[name]
    assert all(stored["versions"].values())
    assert stored["batch"] == (1 if name in SLOW else "any")
    readme = (done.path / "README.md").read_text()
    assert all(setting in readme for setting in stored["settings"])
    assert done.agreement.sentence in readme
    assert (done.path / "labels.txt").read_text().split() == list(source.preprocessing.classes)


@pytest.mark.parametrize("name", OTHERS)
def test_a_folder_takes_any_number_of_images(exported, source, name):
    folder, runtime = exported(name).path, runtimes.find(name)
    logits = runtime.open_folder(folder, threads=1)
    images = np.random.default_rng(0).standard_normal((5, 1, 8, 8), np.float32)
    for count in (5, 1):
        came, wanted = logits(images[:count]), unfused(source)(images[:count])
        assert came.shape == (count, 10)
        assert np.abs(came - wanted).max() < 1e-5 * np.abs(wanted).max()
    assert np.array_equal(logits(images), logits(images.copy()))  # nothing of an earlier call is kept


@pytest.mark.parametrize("name", OTHERS)
def test_predict_and_evaluate_run_a_folder_in_its_runtime(
    exported, trained_on_digits, digit_pictures, trained_classes, name
):
    folder, on = exported(name).path, f"{runtimes.RUNTIMES[name]} on the CPU"
    classifier = predict.load(folder, "cpu")
    assert classifier.runs_on == on
    found = predict.classify(classifier, predict.files([digit_pictures]), 1)
    assert [entry.classes[0][0] for entry in found] == trained_classes
    scored = score.score(specfile.resolve(str(folder)), None, folder=folder, device="cpu")
    recorded = json.loads((trained_on_digits / "result.json").read_text())
    assert (scored.accuracy.top1, scored.runs_on, scored.weights) == (recorded["validation_top1"], on, folder)
    assert all(scored.conditions[package] != "not installed" for package in runtimes.find(name).packages[:1])


@pytest.mark.parametrize("name", OTHERS)
def test_the_example_runs_with_the_folder_alone(exported, digit_pictures, trained_classes, name):
    folder = exported(name).path
    blocked = "seesaw_nas" if name == "executorch" else "seesaw_nas,torch"  # its binding takes torch's tensors
    command = [sys.executable, "-c", BLOCKER, blocked, str(folder / "example.py")]
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    ended = subprocess.run(
        [*command, *map(str, sorted(digit_pictures.iterdir()))],
        capture_output=True, text=True, check=False, timeout=120, cwd=folder.parent, env=environment,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    lines = [line for line in ended.stdout.splitlines() if ".png  " in line]  # MNN prints lines of its own
    assert [re.search(r"  (\d) ", line)[1] for line in lines] == trained_classes
    text = (folder / "example.py").read_text()
    assert "seesaw" not in text


def test_settings_against_the_runtime_s_own_stand_in_the_example(exported):
    assert '"INFERENCE_PRECISION_HINT": "f32"' in (exported("openvino").path / "example.py").read_text()
    assert "use_{kind}" in (exported("ncnn").path / "example.py").read_text()
    assert '"precision": "high"' in (exported("mnn").path / "example.py").read_text()


# --- calls of one size


def test_calls_of_one_size_are_filled_up():
    sizes = []

    def call(images):
        sizes.append(len(images))
        return images.reshape(len(images), -1).sum(1, keepdims=True)

    images = np.arange(12, dtype=np.float32).reshape(6, 1, 1, 2)
    assert in_batches(call, 4)(images).tolist() == [[1], [5], [9], [13], [17], [21]]
    assert sizes == [4, 4]


@pytest.mark.parametrize("name", FIXED)
def test_a_batch_of_its_own_is_told_and_run(named, weights, source, name, tmp_path, digit_pictures):
    skip_without(name)
    done = export.export(named, weights, name, tmp_path / "four", batch=4)
    assert "Calls have exactly 4 images: " in (done.path / "README.md").read_text()
    assert "float32 (4, 1, 8, 8)" in (done.path / "README.md").read_text()
    assert "\nBATCH = 4 " in (done.path / "example.py").read_text()
    assert json.loads((done.path / "agreement.json").read_text())["batch"] == 4


@pytest.mark.parametrize(("target", "text"), [
    ("ncnn", "a file for ncnn takes any number of images at once, so --batch 2 means nothing there; leave it out"),
    ("folder", "a file for ONNX Runtime takes any number of images at once, so --batch 2 means nothing there"),
    ("onnx", "--batch is for runtimes whose files take calls of one size only; onnx takes any"),
])  # fmt: skip
def test_a_batch_where_any_will_do_is_refused(named, weights, target, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OptionError) as told:
        export.export(named, weights, target, batch=2)
    assert str(told.value).startswith(text)
    assert list(tmp_path.iterdir()) == []


# --- what goes wrong


@pytest.mark.parametrize("name", [name for name in MODULES if name != "onnxruntime"])
def test_a_runtime_that_is_not_installed_is_told_with_what_installs_it(named, weights, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for module in MODULES[name]:
        for loaded in [one for one in sys.modules if one == module or one.startswith(module + ".")]:
            monkeypatch.delitem(sys.modules, loaded)
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(OptionError) as told:
        export.export(named, weights, name)
    assert str(told.value) == NOT_INSTALLED[name]
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def broken(monkeypatch):
    """Puts other functions in the place of OpenVINO's."""
    from seesaw_nas.deploy.runtimes import openvino

    def put(**functions):
        monkeypatch.setattr(openvino, "RUNTIME", replace(openvino.RUNTIME, **functions))

    return put


def fail(*_):
    raise AttributeError("module 'openvino' has no attribute 'save_model'\nand more")


@pytest.mark.parametrize(("function", "action"), [("write", "convert"), ("load", "open")])
def test_a_failure_of_the_runtime_is_one_line(named, weights, broken, function, action, tmp_path):
    files = {"model.xml": b""}
    broken(**{"write": lambda *_: files, "load": lambda *_: fail, function: fail})
    with pytest.raises(RunError) as told:
        export.export(named, weights, "openvino", tmp_path / "x")
    text = rf"OpenVINO \(.*\) cannot {action} this network: AttributeError: module 'openvino' has no .* 'save_model'"
    assert re.fullmatch(text, str(told.value))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["openvino", "onnx", "torch-export"])
def test_a_difference_beyond_the_limit_is_refused_unless_it_is_accepted(named, weights, target, tmp_path, monkeypatch):
    skip_without("openvino")
    monkeypatch.setattr(agreement, "TOLERANCE", 1e-12)
    path = tmp_path / f"x{ {'onnx': '.onnx', 'torch-export': '.pt2'}.get(target, '') }"
    with pytest.raises(RunError) as told:
        export.export(named, weights, target, path)
    assert re.fullmatch(
        r"the exported network differs from the trained one by \d\.\de-\d\d of its largest logit \(top-1 is the same "
        r"on 100\.0%\), at most 1e-12 is wanted; nothing was written; --accept-difference writes it all the same",
        str(told.value),
    )
    assert list(tmp_path.iterdir()) == []
    done = export.export(named, weights, target, path, accept_difference=True)
    assert done.agreement.sentence.endswith(" That is more than 1e-12, the limit, and was accepted.")
    assert done.path.exists()


def test_numbers_that_are_not_finite_are_never_accepted(named, weights, broken, tmp_path):
    broken(write=lambda *_: {}, load=lambda *_: lambda images: np.full((len(images), 10), np.nan, np.float32))
    with pytest.raises(RunError, match=r"nothing was written$"):
        export.export(named, weights, "openvino", tmp_path / "x", accept_difference=True)
    assert list(tmp_path.iterdir()) == []


def test_nothing_of_a_library_is_printed_and_what_follows_is(capfd):
    with hide_output():
        os.write(1, b"as C writes")
        os.write(2, b"as C writes")
    print("after")
    assert capfd.readouterr() == ("after\n", "")


# --- in single files


def test_single_files_hold_their_comparison(named, weights, tmp_path):
    import onnx
    import torch

    done = export.export(named, weights, "onnx", tmp_path / "x.onnx")
    stored = {one.key: one.value for one in onnx.load(tmp_path / "x.onnx").metadata_props}
    assert json.loads(stored["agreement"]) == done.agreement.to_dict()
    done = export.export(named, weights, "torch-export", tmp_path / "x.pt2")
    said = {"agreement": "", "spec": ""}
    torch.export.load(tmp_path / "x.pt2", extra_files=said)
    assert json.loads(said["agreement"]) == done.agreement.to_dict()
    assert json.loads(said["spec"])["name"] == "small"


@pytest.mark.thorough
def test_the_program_lowers_for_executorch(source, program_content):
    skip_without("executorch")
    import io

    import torch

    with hide_output(), hide_warnings():
        from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
        from executorch.exir import to_edge_transform_and_lower

        program = torch.export.load(io.BytesIO(program_content))
        lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()]).to_executorch()
    assert len(lowered.buffer) > 1000


# --- examples in C++

HEADERS = {"onnxruntime": ("onnxruntime", "onnxruntime_cxx_api.h"), "ncnn": ("ncnn", "net.h")}


@pytest.mark.parametrize("name", HEADERS)
def test_the_example_in_cpp_compiles_where_headers_are(exported, name):
    path = exported(name).path / "example.cpp"
    assert "@" not in path.read_text()
    folder, header = HEADERS[name]
    places = [Path(place) / folder for place in (*os.environ.get("CPATH", "").split(":"), "/usr/include")]
    if not (found := [place for place in places if (place / header).is_file()]):
        pytest.skip(f"{header} is in neither CPATH/{folder} nor /usr/include/{folder}")
    command = ["g++", "-std=c++17", "-fsyntax-only", "-Wall", "-Werror", f"-I{found[0]}", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stderr
