"""``export --quantize int8``: what is written and told, and what is refused with nothing written."""

import json
from pathlib import Path

import pytest

from seesaw_nas.deploy import quantization
from seesaw_nas.deploy.export import onnx_file
from seesaw_nas.deploy.quantization.accuracy import AccuracyChange


@pytest.fixture
def training(trained_on_digits, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return trained_on_digits


def left():
    return sorted(path.name for path in Path().iterdir())


def losing(monkeypatch, lost):
    change = AccuracyChange(n=1000, right_before=900, right_after=900 - lost, gained=0, lost=lost, same=1000 - lost)
    monkeypatch.setattr(quantization.accuracy, "compare", lambda *_: change)


def test_folder_tells_what_int8_costs(cli, training, digit_pictures, trained_classes):
    code, out, err = cli("export", training, "--to", "folder", "--out", "x", "--quantize", "int8")
    assert (code, err) == (0, "")
    assert "int8      Calibrated on 512 training images of digits (seed 0).\n" in out
    assert "int8      12 of 12 convolutions and matrix products are quantised; on this machine 12 are" in out
    assert "validation images: " in out
    assert "points (95% interval " in out
    stored = json.loads(Path("x/agreement.json").read_text())["int8"]
    assert stored["calibration"] == {"dataset": "digits", "split": "train", "images": 512, "seed": 0}
    assert stored["coverage"] == {"layers": 12, "quantized": 12, "executed": 12}
    assert stored["accuracy"]["split"] == "validation"
    assert stored["accuracy"]["interval"][0] <= stored["accuracy"]["change"] <= stored["accuracy"]["interval"][1]
    assert "Weights and activations are int8." in Path("x/README.md").read_text()
    code, out, _ = cli("predict", "x", digit_pictures, "--device", "cpu", "--top", "1")
    assert code == 0
    same = [f"{name} " in line for name, line in zip(trained_classes, out.splitlines(), strict=False)]
    assert sum(same) >= len(same) - 1


def test_file_holds_its_own_figures(cli, training):
    code, out, err = cli("export", training, "--to", "onnx", "--out", "x.onnx", "--quantize", "int8", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["int8"]["precision"] == "int8"
    assert told["agreement"]["tolerance"] is None
    preprocessing, _ = onnx_file.open_file(Path("x.onnx"))
    assert preprocessing.dataset == "digits"
    import onnx

    about = {one.key: one.value for one in onnx.load("x.onnx").metadata_props}
    assert json.loads(about["agreement"])["int8"] == told["int8"]


def test_loss_of_more_than_a_point_is_refused(cli, refused, training, monkeypatch):
    losing(monkeypatch, 11)
    options = ("--to", "folder", "--out", "x", "--quantize", "int8")
    message = refused("export", training, *options)
    assert "int8 loses more than 1 point of top-1, nothing was written: Top-1 90.00% before and 88.90% after" in message
    assert "--accept-difference writes it all the same" in message
    assert left() == []
    code, _, err = cli("export", training, *options, "--accept-difference")
    assert (code, err) == (0, "")


def test_loss_of_a_point_is_written(cli, training, monkeypatch):
    losing(monkeypatch, 10)
    assert cli("export", training, "--to", "folder", "--out", "x", "--quantize", "int8")[0] == 0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            ("--to", "json", "--quantize", "int8"),
            "--quantize int8 is for --to onnx, folder, openvino; json is",
        ),
        (("--to", "onnx", "--quantize", "int4"), "--quantize takes int8, got int4; leave it out for float32"),
        (("--to", "onnx", "--calibration-images", "9"), "--calibration-images means nothing without --quantize int8"),
    ],
)
def test_what_cannot_be_is_told_and_nothing_written(refused, training, options, text):
    assert text in refused("export", training, *options)
    assert left() == []


def test_missing_images_are_told(refused, training, monkeypatch, tmp_path):
    """A network of CIFAR images, where no such images are."""
    from seesaw_nas.architecture import specfile
    from seesaw_nas.data import download
    from seesaw_nas.data.preprocessing import Preprocessing, weights_header
    from seesaw_nas.deploy.export import agreement
    from seesaw_nas.network import models

    nowhere = tmp_path / "nowhere"
    monkeypatch.setattr(agreement, "cache_dir", lambda: nowhere)
    monkeypatch.setattr(download, "cache_dir", lambda: nowhere)
    named = specfile.resolve("igcv3-0.5d@cifar10")
    preprocessing = Preprocessing("cifar10", tuple("abcdefghij"), 3, 32, 32, (0.5,) * 3, (0.25,) * 3)
    models.save_weights(
        models.build(named.architecture, seed=0), Path("w.safetensors"), weights_header(named, "cifar10", preprocessing)
    )
    options = ("--weights", "w.safetensors", "--to", "onnx", "--out", "x.onnx", "--quantize", "int8")
    message = refused("export", "igcv3-0.5d@cifar10", *options)
    assert message.startswith("int8 needs training images of cifar10 to calibrate with: ")
    assert left() == ["w.safetensors"]


@pytest.mark.parametrize(("target", "title"), [("folder", "ONNX Runtime"), ("openvino", "OpenVINO")])
def test_evaluate_and_predict_run_the_folder_in_int8(cli, training, digit_pictures, trained_classes, target, title):
    if target == "openvino":
        pytest.importorskip("nncf")
    assert cli("export", training, "--to", target, "--out", "x", "--quantize", "int8", "--accept-difference")[0] == 0
    stored = json.loads(Path("x/agreement.json").read_text())["int8"]["accuracy"]
    code, out, err = cli("evaluate", "x", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["weights"], found["n"], found["runs_on"]) == ("x", stored["n"], f"{title} on the CPU, in int8")
    assert found["top1"] == pytest.approx(stored["top1_after"], abs=1e-9)
    code, out, err = cli("evaluate", "x", "--weights", training / "weights.safetensors", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["top1"] == pytest.approx(stored["top1_before"], abs=1e-9)
    code, out, err = cli("predict", "x", digit_pictures, "--top", "1", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["runs_on"] == f"{title} on the CPU, in int8"
    same = [image["classes"][0]["class"] == name for image, name in zip(told["images"], trained_classes, strict=True)]
    assert sum(same) >= len(same) - 2
    readme = Path("x/README.md").read_text()
    assert "weights in float32" not in readme
    assert all(setting in readme for setting in json.loads(Path("x/agreement.json").read_text())["settings"])
    assert ("float32 for what is not in int8" in readme) == (target == "openvino")
