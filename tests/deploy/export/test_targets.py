"""The one function: each target, the places where it writes and where it does not, and what is left after a failure."""

import errno
import hashlib
import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from seesaw_nas import data
from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.spec import Head
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.data import pictures
from seesaw_nas.deploy import export, names
from seesaw_nas.deploy.export import agreement, folder
from seesaw_nas.network import models
from seesaw_nas.training.recalibration import recalibrate

REAL = os.environ.get("SEESAW_NAS_DATA_DIR")

NAMES = {"onnx": "small.onnx", "torch-export": "small.pt2", "json": "small.json", "folder": "small"}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def left(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("target", NAMES)
def test_each_target_is_written_under_the_networks_name(named, weights, here, target):
    done = export.export(named, weights, target)
    assert (done.target, str(done.path)) == (target, NAMES[target])
    assert left(here) == [NAMES[target]]
    files = [path for path in (done.path, *done.path.glob("*")) if path.is_file()]
    assert done.size == sum(path.stat().st_size for path in files)
    if target == "json":
        assert done.agreement is None
    else:
        assert done.agreement.difference < 1e-5
        assert done.agreement.n_real == 256
    with pytest.raises(RunError, match="exists already and nothing is overwritten; choose another --out"):
        export.export(named, weights, target)


def test_spec_keeps_its_result_and_says_which_weights_fit(named, weights):
    export.export(named, weights, "json", Path("a.json"))
    export.export(named, None, "json", Path("b.json"))
    with_weights, alone = (specfile.read(Path(name)) for name in ("a.json", "b.json"))
    assert with_weights.architecture == alone.architecture == named.architecture
    assert with_weights.result["top1"] == named.result["top1"]
    checksum = hashlib.sha256(weights.read_bytes()).hexdigest()
    assert with_weights.result["export"]["weights"] == {"file": "weights.safetensors", "sha256": checksum}
    assert list(alone.result["export"]) == ["conditions"]


def test_spec_is_not_written_with_weights_of_another_network(named, here):
    other = replace(named.architecture, head=Head(32))
    models.save_weights(models.build(other, seed=0), Path("w.safetensors"), {})
    with pytest.raises(RunError, match=r"tensor 'head\.weight'"):
        export.export(named, Path("w.safetensors"), "json")
    assert left(here) == ["w.safetensors"]


@pytest.mark.parametrize(
    ("target", "out", "error", "text"),
    [
        ("onix", "x.onnx", OptionError, "unknown target 'onix', did you mean 'onnx'? (known: onnx, torch-export, json"),
        ("onnx", "x.pt2", OptionError, "--out for onnx ends in .onnx, got x.pt2"),
        ("onnx", "no/x.onnx", RunError, "cannot write no/x.onnx: there is no folder no; make it, or choose another"),
        (
            "folder",
            "file/x",
            RunError,
            "cannot write file/x: there is no folder file; make it, or choose another --out",
        ),
        ("onnx", "gone.onnx", RunError, "gone.onnx exists already and nothing is overwritten; choose another --out"),
        ("folder", "file", RunError, "file exists already and nothing is overwritten; choose another --out"),
        ("folder", ".", RunError, ". exists already and nothing is overwritten; choose another --out"),
    ],
)
def test_place_that_cannot_be_is_told_before_any_work(named, here, monkeypatch, target, out, error, text):
    monkeypatch.setattr(models, "build", lambda *_, **__: pytest.fail("work was begun"))
    (here / "file").touch()
    (here / "gone.onnx").symlink_to("nowhere")
    with pytest.raises(error) as caught:
        export.export(named, Path("w.safetensors"), target, Path(out))
    assert str(caught.value).startswith(text)
    assert left(here) == ["file", "gone.onnx"]


@pytest.mark.parametrize("target", ["onnx", "torch-export", "folder"])
def test_network_that_does_not_agree_is_not_written(named, weights, here, monkeypatch, target):
    monkeypatch.setattr(agreement, "TOLERANCE", 1e-12)
    with pytest.raises(RunError, match="nothing was written"):
        export.export(named, weights, target)
    assert left(here) == []


@pytest.mark.parametrize(
    ("target", "when"),
    [("json", "encode_json"), ("onnx", "_make_content"), ("folder", "_make_content"), ("folder", "_readme")],
)
def test_second_of_two_exports_overwrites_nothing(named, weights, here, monkeypatch, target, when):
    module = folder if when == "_readme" else export
    work, out = getattr(module, when), Path("out.json" if target == "json" else "out.onnx")

    def while_another_writes(*arguments):
        out.mkdir()
        (out / "theirs").touch()
        return work(*arguments)

    monkeypatch.setattr(module, when, while_another_writes)
    with pytest.raises(RunError, match=r"out\..* exists already and nothing is overwritten; choose another --out"):
        export.export(named, weights, target, out)
    assert left(here) == [out.name]
    assert left(here / out) == ["theirs"]


@pytest.mark.parametrize("target", ["onnx", "folder"])
def test_full_disk_leaves_nothing(named, weights, here, monkeypatch, target):
    written = []

    def full(_descriptor):
        written.append(1)
        if target == "onnx" or len(written) > 3:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        export.export(named, weights, target)
    assert left(here) == []


def test_name_of_a_network_is_no_path(named, here):
    assert str(export.export(replace(named, name="../x"), None, "json").path) == "x.json"


# --- the folder


def test_folder_holds_all_that_it_takes(named, source, exported_folder):
    assert left(exported_folder) == [
        "README.md", "agreement.json", "example.cpp", "example.py", "labels.txt", "model.onnx", "preprocessing.json",
        "spec.json", "weights.safetensors",
    ]  # fmt: skip
    assert json.loads((exported_folder / "preprocessing.json").read_text()) == source.preprocessing.to_dict()
    assert specfile.resolve(str(exported_folder)).architecture == named.architecture
    example = (exported_folder / "example.py").read_text()
    assert example.startswith('"""Classify pictures with the network beside this file')
    assert "seesaw" not in example
    assert Path(pictures.__file__).read_text().partition("\nMOST_PIXELS")[2].strip() in example  # read as in training
    assert oct(exported_folder.stat().st_mode)[-3:] == oct(0o777 & ~umask())[-3:]  # not that of a temporary folder


def umask():
    value = os.umask(0)
    os.umask(value)
    return value


def test_readme_says_what_it_is(named, exported_folder):
    text = (exported_folder / "README.md").read_text()
    assert "# small\n" in text
    assert "read as 8x8 pixels in grey, into the 10 classes of digits: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9.\n" in text
    assert f"Test top-1 {named.result['top1']:.2%} (359 images)." in text
    assert "float32 (N, 1, 8, 8)" in text
    assert "Set in" not in text  # ONNX Runtime is left as it is
    assert "top-1 is the same on 256." in text


def test_folder_can_be_exported_again(exported_folder, here):
    named, weights = specfile.resolve(str(exported_folder)), names.find_weights(str(exported_folder))
    export.export(named, weights, "folder", here / "again")
    for name in ("model.onnx", "preprocessing.json", "spec.json"):
        assert (here / "again" / name).read_bytes() == (exported_folder / name).read_bytes()


# --- the weights of a training


def test_weights_are_found_in_the_folder_of_a_training(trained_on_digits, weights, here):
    assert names.find_weights(str(trained_on_digits)) == weights
    assert names.find_weights("seesaw-shuffle-0.5d") is None
    assert names.find_weights(str(here)) is None


def test_weights_are_wanted_by_all_targets_but_the_spec(named):
    with pytest.raises(OptionError, match="'small' comes without weights; name a file with --weights, or give a fini"):
        export.export(named, None, "onnx")


# --- a real network on real images


@pytest.fixture(scope="module")
def papers_weights(tmp_path_factory):
    """Of seesaw-shuffle-0.5d, as if it had been trained on CIFAR-10."""
    path = tmp_path_factory.mktemp("weights") / "w.safetensors"
    network = models.build(specfile.resolve("seesaw-shuffle-0.5d@cifar10").architecture, seed=0)
    images = data.load("cifar10", Path(REAL))
    recalibrate(network, images.train.images[:200], images.mean, images.std)
    models.save_weights(network, path, {})
    return path


@pytest.mark.thorough
@pytest.mark.real_data
@pytest.mark.skipif(REAL is None, reason="SEESAW_NAS_DATA_DIR names no folder with the CIFAR files")
@pytest.mark.parametrize("target", ["onnx", "torch-export"])
def test_the_papers_network_agrees_on_cifar10(here, target, papers_weights):
    named = specfile.resolve("seesaw-shuffle-0.5d@cifar10")
    done = export.export(named, papers_weights, target, dataset="cifar10", data_dir=REAL)
    assert done.agreement.n_real == 256
    assert done.agreement.difference < 1e-5
