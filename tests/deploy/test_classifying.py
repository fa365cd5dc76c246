"""Classifying image files: every kind of model gives the trained classes; damaged files cost only themselves."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from seesaw_nas.core.errors import DataError, OptionError, RunError
from seesaw_nas.deploy import predict


@pytest.fixture(params=["exported folder", "onnx file", "training"])
def model(request, exported_folder, trained_on_digits):
    return {
        "exported folder": exported_folder,
        "onnx file": exported_folder / "model.onnx",
        "training": trained_on_digits,
    }[request.param]


def first(found):
    return [entry.classes[0][0] for entry in found]


def test_classes_are_those_of_the_trained_network(model, digit_pictures, trained_classes):
    found = list(predict.classify(predict.load(model, "cpu"), predict.files([digit_pictures]), 10))
    assert first(found) == trained_classes
    assert len(set(trained_classes)) > 4  # a network that always says the same would prove nothing
    for entry in found:
        shares = [share for _, share in entry.classes]
        assert sum(shares) == pytest.approx(1)
        assert shares == sorted(shares, reverse=True)
        assert sorted(name for name, _ in entry.classes) == list("0123456789")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_gives_the_same_classes(exported_folder, trained_on_digits, digit_pictures, trained_classes):
    for model in (exported_folder, trained_on_digits):
        classifier = predict.load(model, "cuda")
        assert classifier.runs_on == "torch on cuda"
        assert first(predict.classify(classifier, predict.files([digit_pictures]), 1)) == trained_classes
    with pytest.raises(OptionError, match="is run on the CPU; for cuda give the folder"):
        predict.load(exported_folder / "model.onnx", "cuda")


def test_onnx_and_torch_give_the_same_probabilities(exported_folder, trained_on_digits, digit_pictures):
    paths = predict.files([digit_pictures])
    one, other = (
        [dict(entry.classes) for entry in predict.classify(predict.load(model, "cpu"), paths, 10)]
        for model in (exported_folder, trained_on_digits)
    )
    assert one == [pytest.approx(shares, abs=1e-5) for shares in other]


def test_top_is_how_many_classes(exported_folder, digit_pictures):
    classifier, paths = predict.load(exported_folder, "cpu"), [digit_pictures / "00.png"]
    assert [len(next(predict.classify(classifier, paths, top)).classes) for top in (1, 3, 99)] == [1, 3, 10]
    with pytest.raises(OptionError, match="--top must be at least 1, got 0"):
        predict.classify(classifier, paths, 0)


def test_images_are_never_all_in_memory(exported_folder, digit_pictures, monkeypatch):
    classifier = predict.load(exported_folder, "cpu")
    sizes = []
    told = replace(classifier, logits=lambda images: sizes.append(len(images)) or classifier.logits(images))
    paths = predict.files([digit_pictures]) * 3
    found = predict.classify(told, paths, 1)
    next(found)
    assert sizes == [16]  # the first is told before the second batch is read
    assert len(list(found)) == 59
    assert sizes == [16, 16, 16, 12]


def test_unreadable_files_say_why_and_the_others_are_classified(
    exported_folder, digit_pictures, trained_classes, tmp_path
):
    (tmp_path / "text.png").write_text("no picture")
    Image.new("RGB", (64, 64)).save(tmp_path / "whole.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "whole.jpg").read_bytes()[:400])
    (tmp_path / "empty.png").touch()
    good = predict.files([digit_pictures])
    paths = [tmp_path / "text.png", *good[:9], tmp_path / "gone.png", *good[9:], tmp_path / "cut.jpg",
             tmp_path / "empty.png"]  # fmt: skip
    found = list(predict.classify(predict.load(exported_folder, "cpu"), paths, 1))
    assert [entry.file for entry in found] == paths
    assert first(entry for entry in found if not entry.problem) == trained_classes
    problems = {entry.file.name: entry.problem for entry in found if entry.problem}
    assert problems["gone.png"] == "No such file or directory"
    assert problems["text.png"].startswith("cannot identify image file")
    assert set(problems) == {"text.png", "gone.png", "cut.jpg", "empty.png"}
    assert not any("\n" in problem for problem in problems.values())


def test_only_unreadable_files(exported_folder, tmp_path):
    found = list(predict.classify(predict.load(exported_folder, "cpu"), [tmp_path / "a", tmp_path / "b"], 1))
    assert [bool(entry.problem) for entry in found] == [True, True]


# --- which files


def test_folder_stands_for_its_images_by_sorted_names(tmp_path):
    (tmp_path / "b").mkdir()
    for name in ("b/2.png", "b/1.JPG", "a.webp", ".hidden.png", "notes.txt", "z.png"):
        (tmp_path / name).touch()
    names = [path.relative_to(tmp_path).as_posix() for path in predict.files([tmp_path / "z.png", str(tmp_path)])]
    assert names == ["z.png", "a.webp", "b/1.JPG", "b/2.png", "z.png"]


def test_nothing_to_classify_is_told(tmp_path):
    with pytest.raises(DataError, match=r"the folder .* has no images \(\.jpg, \.png or another that Pillow reads\)"):
        predict.files([tmp_path])
    for nothing in ([], [""]):
        with pytest.raises(DataError, match="no images are named; give image files, or folders of them"):
            predict.files(nothing)


# --- which models


@pytest.mark.parametrize(
    ("made", "text"),
    [
        ("none", "there is no none; give an exported folder or .onnx file, or the folder of a training"),
        ("m.pt", "m.pt looks like a pickle, and opening one can run any code, so it is never opened here; give"),
        ("m.pt2", "m.pt2 is not opened: torch.export.load may unpickle and evaluate what a .pt2 file holds, which"),
        ("m.json", "m.json is no network to run; give an exported folder or .onnx file, or the folder of a training"),
        ("m.onnx", "m.onnx is not an ONNX file that can be run: "),
        ("folder/", "folder is neither an export nor a finished training: no spec.json with weights.safetensors"),
    ],
)
def test_what_is_no_model_is_told(tmp_path, monkeypatch, made, text):
    monkeypatch.chdir(tmp_path)
    if made.endswith("/"):
        (tmp_path / made).mkdir()
    elif made != "none":
        (tmp_path / made).write_bytes(b"\x80\x05")
    with pytest.raises(RunError) as caught:
        predict.load(predict.Path(made), "cpu")
    assert str(caught.value).startswith(text)


def test_network_of_other_channels_reads_no_files(exported_folder):
    of_one = predict.load(exported_folder, "cpu").preprocessing
    of_two = replace(of_one, channels=2, mean=(0.5, 0.5), std=(0.5, 0.5))
    with pytest.raises(OptionError, match="the network in m reads 2 channels, image files have 1 or 3"):
        predict._check_readable(of_two, predict.Path("m"))
    with pytest.raises(OptionError, match="the network in m wants pictures of short side 20, cut to 8: this release"):
        predict._check_readable(replace(of_one, short_side=20), predict.Path("m"))


def test_colour_becomes_grey_for_a_network_that_reads_grey(exported_folder, digit_pictures, tmp_path):
    grey = Image.open(digit_pictures / "03.png")
    grey.convert("RGB").save(tmp_path / "colour.png")
    paths = [digit_pictures / "03.png", tmp_path / "colour.png"]
    one, other = predict.classify(predict.load(exported_folder, "cpu"), paths, 10)
    assert one.classes == other.classes
    red = np.zeros((8, 8, 3), dtype=np.uint8)
    red[..., 0] = 255
    Image.fromarray(red).save(tmp_path / "red.png")
    # 0.299 of red, 0.587 of green and 0.114 of blue (ITU-R 601): 76 of 255
    assert set(predict._read(tmp_path / "red.png", predict.load(exported_folder).preprocessing).flat) == {76}
