"""A folder of images at the command line: what is not read is told, and names of every kind print."""

import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

SEARCH = [
    "search", "--dataset", "photos", "--image-size", "8", "--space", "seesaw-digits", "--budget", "600K",
    "--evaluator", "proxy:flow", "--trials", "1", "--device", "cpu", "--name",
]  # fmt: skip


@pytest.fixture
def photos(tmp_path):
    """Two classes of 8 images each, half of them in a sub-folder, and three files that are no images."""
    rng = np.random.default_rng(0)
    for label in ("grün", "b"):
        (tmp_path / "photos" / label / "more").mkdir(parents=True)
        for number in range(8):
            pixels = rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / label / ("more" if number % 2 else "") / f"{number}.tif")
    for name in ("labels.csv", "b/notes.txt", "grün/more/Thumbs.db"):
        (tmp_path / "photos" / name).touch()
    return tmp_path / "photos"


def test_what_is_passed_over_is_in_the_line_of_the_data_and_in_json(cli, photos):
    names = ["labels.csv", "b/notes.txt", "grün/more/Thumbs.db"]
    # 16 images: 15% are 2 for validation and 2 for the test split
    line = f"12 images to train on, 2 to validate on; 3 passed over: {', '.join(names)}"
    told = cli(*SEARCH, "a")
    assert told.code == 0, told.err
    assert f"data      folder:{photos}: {line}" in told.out.splitlines()
    told = cli(*SEARCH, "b", "--json")
    assert json.loads(told.out)["data"] == {
        "name": f"folder:{photos}",
        "n_train": 12,
        "n_validation": 2,
        "passed_over": {"count": 3, "names": names},
    }
    shutil.rmtree(photos / "b")
    (photos / "grün").rename(photos / "a")
    (photos / "a" / "more").rename(photos / "b")
    (photos / "b" / "Thumbs.db").unlink()
    (photos / "labels.csv").unlink()
    assert "passed over" not in cli(*SEARCH, "c").out


def test_a_table_and_a_supernet_say_in_json_what_is_passed_over(cli, photos):
    less = ["--dataset", "photos", "--image-size", "8", "--budget", "300K", "--epochs", "1", "--device", "cpu"]
    names = ["labels.csv", "b/notes.txt", "grün/more/Thumbs.db"]
    verbs = (
        ["tabulate", "seesaw-digits", "--n", "1", "--out", "a.parquet"],
        ["supernet", "seesaw-digits", "--out", "s"],
    )
    for verb in (*verbs, [*verbs[1], "--resume"]):  # also of one that is finished
        told = cli(*verb, *less, "--json")
        assert told.code == 0, told.err
        assert json.loads(told.out)["data"]["passed_over"] == {"count": 3, "names": names}


def test_an_unreadable_picture_is_told_in_one_line(start, photos, tmp_path):
    for number in range(8, 60):
        for label in ("grün", "b"):
            shutil.copy(photos / label / "0.tif", photos / label / f"{number}.tif")
    (photos / "b" / "9.tif").write_text("none")
    photos.rename(tmp_path / "train")
    photos.mkdir()
    (tmp_path / "train").rename(photos / "train")  # so that there is no test split, and every picture is read
    out, err = start(tmp_path, *SEARCH, "a").communicate(timeout=120)
    assert err.startswith(f"seesaw-nas: skipped: 1 of 120 images cannot be read: {photos}/train/b/9.tif (")
    assert err.count("\n") == 1
    assert "the front " in out


def test_a_class_that_is_not_utf_8_is_refused_before_anything_is_made(refused, photos, tmp_path):
    (photos / "b").rename(photos / os.fsdecode(b"b\xff"))
    verbs = (
        [*SEARCH, "a"],
        ["train", "seesaw-shuffle-0.5d", "--dataset", "photos", "--out", "t"],
        ["tabulate", "seesaw-digits", "--dataset", "photos", "--image-size", "8", "--out", "a.parquet"],
    )
    for verb in verbs:
        assert refused(*verb).replace(str(photos), "photos") == (
            r"the name of the class folder b\xff in photos is not UTF-8, so it cannot be written into the files of a "
            "run; rename it"
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos"]


@pytest.mark.thorough
def test_names_are_escaped_on_a_terminal_of_few_letters(start, exported_folder, digit_pictures, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    names = ["grün.png", "a\n\x1b[31m.png", os.fsdecode(b"\xff.png")]
    for name in names:
        shutil.copy(digit_pictures / "00.png", tmp_path / name)
    out, err = start(tmp_path, "predict", exported_folder, *names).communicate(timeout=120)
    assert err == ""
    assert [line.split("  ")[0] for line in out.splitlines()] == [r"gr\xfcn.png", r"a\n\x1b[31m.png", r"\xff.png"]
