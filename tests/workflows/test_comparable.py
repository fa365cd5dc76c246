"""Figures of different things are never put together: audits, warm starts, supernets and resumed runs."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from seesaw_nas import api, data
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.evaluators.differences import REPORTED, SCORED_BY_SUPERNET, TRAININGS, difference, unknown
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.workflows import supernets
from seesaw_nas.workflows.audit import trainings
from seesaw_nas.workflows.audit.truth import LEAST
from seesaw_nas.workflows.problem import make_problem

SPACE = """
schema_version = 1
name = "squares"
description = "five blocks a place"
budget = "100%"
input = { size = 8, channels = 3, classes = 2 }
stem = { channels = 9, stride = 1 }
head = { channels = 16 }
blocks = { expansions = [1, 2], kernels = [3], partitions = ["1", "1:2"], flows = ["shuffle", "none"], \
activations = ["none"] }
[[stages]]
channels = 9
stride = 2
repeats = [1, 2]
"""


def grow(folder, **counts):
    """Pictures of 8 pixels, so many more a class; those that are there stay."""
    for label, count in counts.items():
        (folder / label).mkdir(parents=True, exist_ok=True)
        for i in range(len(list((folder / label).iterdir())), count):
            pixels = np.random.default_rng([i, ord(label)]).integers(0, 256, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{i:03d}.png")


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """A folder to work in, with twenty pictures of each of two classes and a space for them."""
    monkeypatch.chdir(tmp_path)
    grow(tmp_path / "pictures", a=20, b=20)
    (tmp_path / "squares.toml").write_text(SPACE)
    return tmp_path / "pictures"


def search(name, **more):
    options = {"trials": 1, "epochs": 1, "device": "cpu", "image_size": 8} | more
    return api.search("squares.toml", "100%", "pictures", strategy="random", name=name, **options)


# --- audits


def test_an_audit_does_not_pool_streamed_trainings_with_those_in_memory(pictures):
    search("memory")
    search("streamed", cache_dir="copies")
    with pytest.raises(OptionError) as caught:
        trainings.read([Path("runs/memory"), Path("runs/streamed")])
    assert str(caught.value) == (
        "runs/streamed was not trained as runs/memory was: images: in memory in runs/memory, streamed from copies in "
        "runs/streamed; audit them apart"
    )


def test_an_audit_of_trainings_on_grown_images_says_how_many_there_were(pictures):
    search("before")
    grow(pictures, a=90, b=90)
    search("after")
    with pytest.raises(OptionError, match="images to train on: 28 in runs/before, 126 in runs/after; images to valid"):
        trainings.read([Path("runs/before"), Path("runs/after")])


# --- resume


def test_a_search_does_not_go_on_with_other_images(pictures):
    search("g")
    grow(pictures, a=90, b=90)
    with pytest.raises(RunError) as caught:
        api.resume("runs/g", trials=2)
    # 15% of 40 images for validation and for test each, then of 180
    assert str(caught.value) == (
        "cannot go on with runs/g: images to train on: 28 in runs/g when it began, 126 in what is there now; images to "
        "validate on: 6 in runs/g when it began, 27 in what is there now; begin a new run"
    )


def test_a_search_does_not_go_on_with_as_many_other_images(pictures):
    search("g")
    for number, path in enumerate(sorted(pictures.rglob("*.png"))):
        Image.new("RGB", (8, 8), (number, 2 * number, 255 - number)).save(path)
    with pytest.raises(RunError, match=r"cannot go on with runs/g: channel means of the training images: 0.5"):
        api.resume("runs/g", trials=2)


def test_a_search_goes_on_with_the_same_images(pictures):
    search("g")
    assert len(api.resume("runs/g", trials=2).trials) == 2


class Heard(Listener):
    def __init__(self):
        self.remarks = []

    def remark(self, text):
        self.remarks.append(text)


def forget(path, *names):
    """Make of a run's record one from before it had these fields."""
    about = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({name: value for name, value in about.items() if name not in names}))


def test_a_run_that_did_not_note_its_images_goes_on_with_a_remark(pictures):
    search("g")
    forget(Path("runs/g"), "images", "evaluator_file")
    heard = Heard()
    assert len(api.resume("runs/g", trials=2, listener=heard).trials) == 2
    assert heard.remarks == [
        "whether runs/g when it began and what is there now are of the same images is not recorded; "
        "whether runs/g when it began and what is there now both streamed their images is not recorded"
    ]


# --- warm starts


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": 1}, ""),
        ({"objectives": "top1"}, ""),
        ({"train_size": 12}, "--train-size: all in runs/early, 12 in runs/a"),
        ({"evaluator": "proxy:naswot"}, "evaluator: trained in runs/early, proxy:naswot in runs/a"),
        ({"cache_dir": "copies"}, "images: in memory in runs/early, streamed from copies in runs/a"),
    ],
)
def test_figures_are_taken_over_only_where_they_are_of_the_same(pictures, change, says):
    search("early")
    heard = Heard()
    found = search("a", seed_with=("runs/early",), listener=heard, **change)
    taken_over = found.trials[0].reason == "trained as trial 0 of early"
    assert taken_over is not bool(says)
    front = "the front of runs/early is trained anew, its figures are not taken over: "
    assert heard.remarks == ([front + says] if says else [])


def test_a_seed_that_draws_other_images_has_other_figures(pictures):
    search("early", train_size=12)
    heard = Heard()
    found = search("a", train_size=12, seed=1, seed_with=("runs/early",), listener=heard)
    assert found.trials[0].reason == ""
    assert heard.remarks[0].endswith("seed that draws the images: 0 in runs/early, 1 in runs/a")


def test_a_folder_of_images_that_was_moved_is_the_same(pictures):
    search("early")
    shutil.move(pictures, "elsewhere")
    options = {"epochs": 1, "device": "cpu", "image_size": 8, "strategy": "random", "trials": 1}
    found = api.search("squares.toml", "100%", "elsewhere", name="a", seed_with=("runs/early",), **options)
    assert found.trials[0].reason == "trained as trial 0 of early"


# --- supernets


@pytest.fixture
def supernet(pictures):
    settings = SearchSettings.of(
        dataset="pictures", space="squares.toml", budget="100%", image_size=8, supernet_epochs=1, device="cpu"
    )
    supernets.train_in(Path("net"), settings, make_problem(settings))
    return settings


def test_a_supernet_scores_no_other_images(pictures, supernet):
    inherited = {"evaluator": "inherited", "supernet": "net"}
    assert search("same", **inherited).best is not None
    grow(pictures, a=90, b=90)
    with pytest.raises(RunError, match="the supernet in net is of other images: images to train on: 28 in net, 126 in"):
        search("other", **inherited)
    with pytest.raises(RunError, match="net is another supernet: images to train on: 28 in net, 126 in what is wanted"):
        supernets.train_in(Path("net"), supernet, make_problem(supernet))


def test_scores_of_a_supernet_that_was_trained_anew_are_not_mixed(pictures, supernet):
    search("g", evaluator="inherited", supernet="net")
    shutil.rmtree("net")
    other = supernet.replace(seed=1)
    supernets.train_in(Path("net"), other, make_problem(other))
    with pytest.raises(RunError, match="cannot go on with runs/g: digest of the file behind the scores: "):
        api.resume("runs/g", trials=2)


# --- the rule by itself

SETTINGS = SearchSettings.of(dataset="digits", epochs=4).to_dict()
RECORD = {
    "settings": SETTINGS,
    "budget": {"low": 0, "high": 1000},
    "space_digest": "ab",
    "recipe": {"name": "quick", "epochs": 4, "milestones": [], "learning_rate": 0.05},
}


def changed(**settings):
    return Basis.of(RECORD | {"settings": SETTINGS | settings}, "b")


A = Basis.of(RECORD, "a")


@pytest.mark.parametrize(
    ("other", "says"),
    [
        (changed(), ""),
        (changed(trials=99, strategy="tpe", data_dir="elsewhere", device="cuda", confirm=3), ""),
        (changed(dataset="cifar10"), "data set: digits in a, cifar10 in b"),
        (changed(image_size=16), "image size: the default in a, 16 pixels in b"),
        (changed(validation_size=50), "--validation-size: all in a, 50 in b"),
        (changed(evaluator="proxy:zen"), "evaluator: trained in a, proxy:zen in b"),
        (changed(objectives="top1"), "objectives: front in a, top1 in b"),
        (changed(seed=3), "seed: 0 in a, 3 in b"),
        (Basis.of(RECORD | {"recipe": RECORD["recipe"] | {"epochs": 8}}, "b"), "epochs: 4 in a, 8 in b"),
        (Basis.of(RECORD | {"recipe": RECORD["recipe"] | {"source": "elsewhere"}}, "b"), ""),
        (
            Basis.of(RECORD | {"recipe": RECORD["recipe"] | {"learning_rate": 0.1}}, "b"),
            "learning rate of the recipe: 0.05 in a, 0.1 in b",
        ),
        (Basis.of(RECORD | {"budget": {"low": 5, "high": 2000}}, "b"), "budget: 0 to 1,000 in a, 5 to 2,000 in b"),
    ],
)
def test_what_differs_is_said_with_both_values(other, says):
    assert difference(A, other) == says
    assert unknown(A, other) == ""


def test_what_an_asker_lets_differ_is_not_said():
    other = changed(seed=3, objectives="top1")
    assert difference(A, other, TRAININGS) == ""
    assert difference(A, other, REPORTED) == "objectives: front in a, top1 in b"
    drawn = changed(seed=3, train_size=9)
    assert difference(changed(train_size=9), drawn, REPORTED) == ""
    assert difference(A, drawn, SCORED_BY_SUPERNET) == ""


def test_scores_by_a_file_or_an_object_that_is_not_recorded_are_neither_equal_nor_different():
    table = [Basis.of(RECORD | {"settings": SETTINGS | {"evaluator": "table"}, "evaluator_file": f}, "t") for f in "xy"]
    old = Basis.of(RECORD | {"settings": SETTINGS | {"evaluator": "table"}}, "old")
    assert difference(*table) == "digest of the file behind the scores: x in t, y in t"
    assert difference(table[0], old) == ""
    assert unknown(table[0], old) == "whether the file behind the scores is the same in t and old is not recorded"
    function = changed(evaluator="python:f")
    assert difference(function, function) == ""
    assert unknown(function, function) == (
        "whether the evaluator 'f' of a program is the same in b and b is not recorded"
    )


def test_a_score_without_training_depends_on_no_recipe():
    scored = {"settings": SETTINGS | {"evaluator": "proxy:zen"}}
    longer = Basis.of(RECORD | scored | {"recipe": RECORD["recipe"] | {"epochs": 8}}, "b")
    assert difference(Basis.of(RECORD | scored, "a"), longer) == ""


def test_images_that_a_program_passed_are_not_taken_for_the_data_set_of_that_name():
    given = Basis.of(RECORD | {"given": ["data"]}, "b")
    assert unknown(A, given) == "whether a and b are of the same images is not recorded"


def test_a_basis_survives_json():
    images = {"dataset": "folder:/x/y", "input": [3, 8, 8], "classes": ["a"], "n_train": 5, "n_validation": 2}
    made = Basis.of(RECORD | {"images": images | {"mean": [0.5], "validation_mean": [0.25], "streamed": True}}, "a")
    read = Basis.from_dict(json.loads(json.dumps(made.to_dict())), "b")
    assert (made.dataset, made.reading) == ("y", "streamed")
    assert difference(made, read) == unknown(made, read) == ""


@pytest.mark.parametrize("record", [{"settings": 3}, {"settings": SETTINGS}, RECORD | {"budget": {}}])
def test_a_damaged_record_is_one_line(record):
    with pytest.raises(RunError, match=r"^x does not say what it is of: .*; restore it$"):
        Basis.of(record, "x")


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ({"settings": SETTINGS}, "recipe is missing"),
        (RECORD | {"images": {"mean": 1e-320}}, "images.mean: a list is wanted, got 1e-320"),
        (RECORD | {"images": {"classes": "ab"}}, "images.classes: a list is wanted, got 'ab'"),
    ],
)
def test_what_a_record_lacks_is_named(record, says):
    with pytest.raises(RunError) as caught:
        Basis.of(record, "x")
    assert str(caught.value) == f"x does not say what it is of: {says}; restore it"


def test_the_name_of_a_data_set_says_which_images_it_has_where_they_are_shipped_or_checked():
    bases = {name: Basis.of(RECORD | {"settings": SETTINGS | {"dataset": name}}, "a") for name in data.NAMES}
    assert [bases[name].is_fixed for name in ("digits", "cifar10", "cifar100", "imagenet")] == [True, True, True, False]
    assert [bases[name].reading for name in ("digits", "cifar10", "imagenet")] == ["in memory", "in memory", "streamed"]


def test_audit_of_records_without_their_images_says_so(pictures):
    search("one", trials=LEAST)
    search("two", trials=1, seed=5)
    forget(Path("runs/two"), "images")
    found = api.audit(
        ["runs/one", "runs/two"], evaluators=["macs"], bootstrap=100, device="cpu", out="audit", band=1000.0
    )
    assert found.unknown == (
        "whether runs/one and runs/two are of the same images is not recorded; "
        "whether runs/one and runs/two both streamed their images is not recorded",
    )
