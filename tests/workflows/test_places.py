"""A run knows where its files are and what is in them: from another folder, moved, changed, or passed by a program."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from seesaw_nas import api, data
from seesaw_nas.core.errors import RunError
from seesaw_nas.data import Images
from seesaw_nas.evaluators.differences import TRAININGS, difference, unknown
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.workflows import places, resuming
from seesaw_nas.workflows.objects import NO_OBJECTS, Objects
from seesaw_nas.workflows.problem import basis_of, make_problem, record_of

SPACE = """
schema_version = 1
name = "squares"
description = "two blocks"
budget = "100%"
input = { size = 8, channels = 3, classes = 2 }
stem = { channels = 9, stride = 1 }
head = { channels = 16 }
blocks = { expansions = [1], kernels = [3], partitions = ["1"], flows = ["none"], activations = ["none"] }
[[stages]]
channels = 9
stride = 2
repeats = [1, 2]
"""


def draw(folder, **counts):
    """Pictures of 8 pixels, so many of each class."""
    for label, count in counts.items():
        (folder / label).mkdir(parents=True)
        for i in range(count):
            pixels = np.random.default_rng([i, ord(label)]).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{i:03d}.png")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder to work in, with ten pictures of each of two classes, a space for them, and another folder beside it."""
    (tmp_path / "home").mkdir()
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    draw(Path("pictures"), a=10, b=10)
    Path("squares.toml").write_text(SPACE)
    return tmp_path / "home"


def settings(**more):
    return SearchSettings.of(
        **{
            "dataset": "pictures",
            "space": "squares.toml",
            "image_size": 8,
            "device": "cpu",
            "evaluator": "proxy:naswot",
        }
        | more
    )


def begin(given=NO_OBJECTS, **more):
    """What run.json would say of a search."""
    return json.loads(json.dumps(record_of(make_problem(settings(**more), given))))


def go_on(begun, given=NO_OBJECTS, listener=None, **changes):
    changed = resuming.apply_changes(SearchSettings.from_dict(begun["settings"]), changes)
    return resuming.restore_problem(changed, given, begun, "runs/g", listener)


class Heard(Listener):
    def __init__(self):
        self.remarks = []

    def remark(self, text):
        self.remarks.append(text)


# --- where things are


def test_a_run_records_absolute_paths(home):
    kept = begin(dataset="folder:../home/pictures", cache_dir="copies", seed_with=("reference",))["settings"]
    assert kept["dataset"] == f"folder:{home}/pictures"
    assert kept["space"] == f"{home}/squares.toml"
    assert kept["cache_dir"] == f"{home}/copies"
    assert kept["seed_with"] == ["reference"]


def test_copies_are_made_where_a_folder_says_only_if_some_are_there(home):
    options = {"trials": 1, "image_size": 8, "device": "cpu", "evaluator": "proxy:params", "cache_dir": "copies"}
    api.search("squares.toml", "100%", "pictures", name="g", **options)
    shutil.move("copies", "moved")
    with pytest.raises(RunError) as caught:
        api.resume("runs/g", trials=2)
    assert str(caught.value) == (
        f"runs/g names {home}/copies for copies of its images, which holds none; say by --cache-dir where they are "
        "now, or where to make them"
    )
    assert not Path("copies").exists()
    assert len(api.resume("runs/g", trials=2, cache_dir="moved").trials) == 2


def test_names_of_ours_are_no_paths(home):
    Path("digits").mkdir()
    Path("seesaw-digits").mkdir()
    kept = places.resolve(settings(dataset="digits", space="seesaw-digits"))
    assert (kept.training.dataset, kept.searched.space) == ("digits", "seesaw-digits")


def test_a_search_goes_on_from_another_folder(home, monkeypatch):
    begun = begin()
    monkeypatch.chdir(home.parent / "away")
    assert go_on(begun).subject.n_train == 14  # of 20, three for validation and three for test


def test_a_moved_data_set_is_asked_for_and_named(home, monkeypatch):
    begun = begin()
    monkeypatch.chdir(home.parent / "away")
    shutil.move(home / "pictures", "there")
    with pytest.raises(RunError) as caught:
        go_on(begun)
    assert str(caught.value) == (
        f"the data set of runs/g, {home}/pictures, is not there; say where it is now by --dataset"
    )
    assert go_on(begun, dataset="there").settings.training.dataset == f"{home.parent}/away/there"


def test_what_is_named_as_moved_must_be_the_same(home):
    begun = begin()
    draw(Path("others"), a=10, b=11)
    with pytest.raises(
        RunError, match="cannot go on with runs/g: images to train on: 14 in runs/g when it began, 15 in"
    ):
        go_on(begun, dataset="others")
    with pytest.raises(
        RunError, match="cannot go on with runs/g: data set: pictures in runs/g when it began, digits in"
    ):
        go_on(begun, dataset="digits", space="seesaw-digits")


def test_the_text_of_a_space_counts_not_its_place(home):
    begun = begin()
    Path("squares.toml").rename("moved.toml")
    assert go_on(begun).space.name == "squares"  # by the text that the run recorded
    assert go_on(begun, space="moved.toml").space.name == "squares"
    Path("moved.toml").write_text(SPACE.replace("repeats = [1, 2]", "repeats = [1]"))
    with pytest.raises(RunError, match="the space 'squares' has changed since runs/g began; begin a new run"):
        go_on(begun, space="moved.toml")


def test_a_space_that_an_older_run_did_not_record_is_asked_for(home):
    begun = {name: value for name, value in begin().items() if name != "space_file"}
    Path("squares.toml").unlink()
    with pytest.raises(RunError, match=r"the space file of runs/g, .*squares.toml, is not there; .* by --space"):
        go_on(begun)


def test_a_moved_table_is_asked_for_and_named(home):
    api.tabulate(settings(evaluator="trained", epochs=1, trials=1), "t.parquet", seeds=1)
    begun = begin(dataset="digits", space="", evaluator="table", table="t.parquet")
    Path("t.parquet").rename("moved.parquet")
    with pytest.raises(
        RunError, match=r"the table of runs/g, .*t.parquet, is not there; say where it is now by --table"
    ):
        go_on(begun)
    assert go_on(begun, table="moved.parquet").subject.n_train == 14


# --- what the images are


def test_exchanged_pictures_are_other_images(home):
    """Two training pictures change places, so that counts, classes and channel means stay."""
    begun, images = begin(), data.load("pictures", image_size=8)
    first = {label: _training_file(images, label, name) for label, name in enumerate("ab")}
    first[0].rename("kept"), first[1].rename(first[0]), Path("kept").rename(first[1])
    with pytest.raises(RunError, match="cannot go on with runs/g: checksum of the pixels: "):
        go_on(begun)


def _training_file(images, label, name):
    """A file whose picture is among the training images."""
    rows = {row.numpy().tobytes() for row in images.train.images[images.train.labels == label]}
    for path in sorted(Path("pictures", name).iterdir()):
        if np.asarray(Image.open(path)).transpose(2, 0, 1).tobytes() in rows:
            return path
    raise AssertionError


@pytest.fixture
def passed(home):
    return data.load("pictures", image_size=8)


def test_images_of_a_program_are_told_apart_by_their_content(passed):
    begun = begin(Objects(data=passed))
    assert go_on(begun, Objects(data=passed)).subject.n_train == 14
    relabelled = replace(passed, train=Images(passed.train.images, 1 - passed.train.labels))
    with pytest.raises(RunError, match="cannot go on with runs/g: checksum of the labels: "):
        go_on(begun, Objects(data=relabelled))
    mirrored = replace(passed, validation=Images(torch.flip(passed.validation.images, [3]), passed.validation.labels))
    with pytest.raises(RunError, match="cannot go on with runs/g: checksum of the pixels: "):
        go_on(begun, Objects(data=mirrored))


def test_images_of_a_program_are_told_apart_by_their_handling(passed):
    begun = begin(Objects(data=passed))
    with pytest.raises(RunError) as caught:
        go_on(begun, Objects(data=replace(passed, flip=False)))
    assert str(caught.value) == (
        "cannot go on with runs/g: augmentation: mirrored, padded by 1 in runs/g when it began, "
        "not mirrored, padded by 1 in what is there now; begin a new run"
    )
    with pytest.raises(RunError, match="channel deviations of the training images: "):
        go_on(begun, Objects(data=replace(passed, std=(1.0, 1.0, 1.0))))


@pytest.mark.parametrize("option", ["train_size", "validation_size"])
def test_a_seed_that_draws_the_images_belongs_to_the_conditions(home, option):
    one, other = (basis_of(make_problem(settings(seed=seed, **{option: 3})), f"run {seed}") for seed in (0, 1))
    assert difference(one, other, TRAININGS) == "seed that draws the images: 0 in run 0, 1 in run 1"


# --- functions


def score(architecture, seed):
    return 0.5


def another(architecture, seed):
    return 0.25


class Named:
    """A function with a ``basis``."""

    def __init__(self, basis):
        self.basis = basis

    def __call__(self, architecture, seed):
        return 0.5


def test_a_function_is_not_replaced_silently_by_one_of_another_name(home):
    heard = Heard()
    go_on(begin(Objects(evaluator=score), evaluator="python:score"), Objects(evaluator=another), heard)
    assert heard.remarks[0].startswith("runs/g began with evaluator python:score and goes on with python:another; ")


def test_objects_that_say_what_they_are_must_say_the_same(home):
    one, other = (Named("first"), Named("second"))
    with pytest.raises(
        RunError, match="digest of the evaluator 'Named' of a program: first in runs/g when it began, sec"
    ):
        go_on(begin(Objects(evaluator=one), evaluator="python:Named"), Objects(evaluator=other))


def test_that_a_function_of_the_same_name_may_be_another_is_said(home):
    heard = Heard()
    go_on(begin(Objects(evaluator=score), evaluator="python:score"), Objects(evaluator=score), heard)
    assert heard.remarks == [
        "whether the evaluator 'score' of a program is the same in runs/g when it began and what is there now is not "
        "recorded"
    ]


def test_a_function_never_counts_as_training(home):
    """Also where the settings, which a program passes beside it, name an evaluator of ours."""
    called = basis_of(make_problem(settings(evaluator="trained"), Objects(evaluator=score)), "a")
    trained = basis_of(make_problem(settings(evaluator="trained")), "b")
    assert "evaluator: python:score in a, trained in b" in difference(called, trained)


def test_functions_on_other_images_are_told_apart(passed):
    fewer = replace(passed, train=data.subset(passed.train, 8, 0))
    one, other = (
        basis_of(make_problem(settings(), Objects(evaluator=score, data=images)), name)
        for name, images in (("a", passed), ("b", fewer))
    )
    assert difference(one, other).startswith("images to train on: 14 in a, 8 in b")
    assert unknown(one, one) == "whether the evaluator 'score' of a program is the same in a and a is not recorded"
