"""``seesaw-nas predict``: what it prints, and what it answers to mistakes."""

import json
import re
import shutil
from pathlib import Path

import onnx
import pytest


@pytest.fixture
def pictures(digit_pictures, tmp_path):
    shutil.copytree(digit_pictures, tmp_path / "pictures")
    return Path("pictures")


def test_a_line_for_each_image(cli, exported_folder, pictures, trained_classes):
    code, out, err = cli("predict", exported_folder, pictures)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [f"pictures/{i:02d}.png" for i in range(20)]
    assert [re.search(r"  (\d) ", line)[1] for line in lines] == trained_classes
    assert all(re.fullmatch(r"\S+  \d \d+\.\d\d%(, \d \d+\.\d\d%){4}", line) for line in lines)


@pytest.mark.parametrize("kind", ["exported folder", "onnx file", "training"])
def test_every_kind_of_model(cli, exported_folder, trained_on_digits, pictures, trained_classes, kind):
    model = {"exported folder": exported_folder, "onnx file": exported_folder / "model.onnx"}.get(
        kind, trained_on_digits
    )
    code, out, err = cli("predict", model, pictures, "--top", "1", "--json", "--device", "cpu")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["runs_on"] == ("torch on cpu" if kind == "training" else "ONNX Runtime on the CPU")
    assert [image["classes"][0]["class"] for image in found["images"]] == trained_classes
    assert all(len(image["classes"]) == 1 for image in found["images"])


def test_unreadable_picture_is_named_and_the_others_are_told(cli, exported_folder, pictures):
    Path("broken.png").write_text("no picture")
    arguments = ["predict", exported_folder, pictures / "01.png", "broken.png", "gone.png", pictures / "02.png"]
    code, out, err = cli(*arguments)
    assert code == 2
    assert [line.split("  ")[0] for line in out.splitlines()] == ["pictures/01.png", "pictures/02.png"]
    assert err.splitlines() == [
        "seesaw-nas: cannot read broken.png: cannot identify image file 'broken.png'",
        "seesaw-nas: cannot read gone.png: No such file or directory",
    ]
    code, out, _ = cli(*arguments, "--json")
    images = json.loads(out)["images"]
    assert code == 2
    assert [image.get("problem") for image in images] == [
        None, "cannot identify image file 'broken.png'", "No such file or directory", None,
    ]  # fmt: skip


def test_what_a_folder_holds_beside_pictures_is_named(cli, exported_folder, pictures):
    names = ("a.txt", "b.heic", "c", "d.svg")
    for name in names:
        (pictures / name).touch()
    (pictures / ".hidden").mkdir()
    code, out, err = cli("predict", exported_folder, pictures)
    assert (code, len(out.splitlines())) == (0, 20)
    assert err == "seesaw-nas: 5 passed over: pictures/.hidden/, pictures/a.txt, pictures/b.heic, ...\n"
    code, out, _ = cli("predict", exported_folder, pictures, "--json")
    passed = json.loads(out)["passed_over"]
    assert passed == {"count": 5, "names": ["pictures/.hidden/", *(f"pictures/{name}" for name in names)]}


def test_one_unreadable_picture_is_one_line(refused, exported_folder):
    Path("broken.png").touch()
    text = refused("predict", exported_folder, "broken.png")
    assert text == "cannot read broken.png: cannot identify image file 'broken.png'"


def test_no_images(refused, exported_folder, tmp_path):
    assert "Missing argument" in refused("predict", exported_folder)
    Path("empty").mkdir()
    text = refused("predict", exported_folder, "empty")
    assert text == "the folder empty has no images (.jpg, .png or another that Pillow reads)"
    assert refused("predict", exported_folder, "") == "no images are named; give image files, or folders of them"


def test_model_that_is_none(refused, exported_folder, pictures, tmp_path):
    Path("folder").mkdir()
    assert refused("predict", "folder", pictures) == (
        "folder is neither an export nor a finished training: no spec.json with weights.safetensors"
    )
    Path("folder", "agreement.json").write_text('{"runtime": "OpenVINO"}')
    assert refused("predict", "folder", pictures) == (
        "folder holds a network for OpenVINO, which its own example.py runs; predict takes the folder of `export --to "
        "folder`, an .onnx file or the folder of a training"
    )
    model = onnx.load(exported_folder / "model.onnx")
    del model.metadata_props[:]
    onnx.save(model, "others.onnx")
    assert refused("predict", "others.onnx", pictures) == (
        "others.onnx does not describe its preprocessing; a file of `seesaw-nas export --to onnx` is wanted"
    )
    Path("broken.onnx").write_text("no network")
    assert refused("predict", "broken.onnx", pictures).startswith("broken.onnx is not an ONNX file that can be run: ")
    Path("m.pth").touch()
    assert refused("predict", "m.pth", pictures).startswith("m.pth looks like a pickle, and opening one can run any c")
    Path("m.pt2").touch()
    assert refused("predict", "m.pt2", pictures) == (
        "m.pt2 is not opened: torch.export.load may unpickle and evaluate what a .pt2 file holds, which can run any "
        "code; load it yourself if you trust it, or give the .onnx file"
    )
    assert refused("predict", "no", pictures).startswith("there is no no; give an exported folder or .onnx file, or")


def test_impossible_options(refused, exported_folder, pictures):
    assert refused("predict", exported_folder, pictures, "--top", "0") == "--top must be at least 1, got 0"
    assert "unknown device 'gpu', did you mean 'cpu'?" in refused(
        "predict", exported_folder, pictures, "--device", "gpu"
    )
