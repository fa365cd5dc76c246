"""The final training of one architecture, on few of the digits: test split, record, weights, and going on with it."""

import json
import os
import signal
from dataclasses import replace

import pytest
import torch
from event_files import scalars
from safetensors import safe_open
from safetensors.torch import load_file

from seesaw_nas import data
from seesaw_nas.architecture import cost, specfile
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.errors import DataError, Interrupted, OptionError, RunError, SpecError, TrainingFailed
from seesaw_nas.core.files import write_json
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.network import models
from seesaw_nas.training.options import Training
from seesaw_nas.workflows import train

BLOCK = Block(2, 3, Partition((1, 3)), "shuffle")
SMALL = Architecture(8, 1, 10, Stem(8, 1), (Stage(8, 2, (BLOCK,)), Stage(16, 1, (BLOCK,))), Head(32))


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    path = tmp_path_factory.mktemp("spec") / "small.json"
    named = Named("small", SMALL)
    write_json(path, specfile.document(named, {"dataset": "digits"}))
    return str(path)


@pytest.fixture(scope="module")
def settings(spec):
    return train.TrainSettings.of(spec, recipe="quick", epochs=3, train_size=100, seed=5, device="cpu")


@pytest.fixture(scope="module")
def trained(settings, tmp_path_factory):
    """A training from beginning to end, what it told while it went on, and how often it read the test split."""
    told, reads = [], []
    with pytest.MonkeyPatch.context() as patch:
        load_test = data.load_test
        patch.setattr(data, "load_test", lambda *given, **more: reads.append(given) or load_test(*given, **more))
        result = train.train(
            settings,
            tmp_path_factory.mktemp("runs") / "whole",
            on_begin=lambda named, recipe, n: told.append((named.name, recipe.name, n)),
            on_epoch=lambda epoch: told.append((epoch.epoch, len(reads))),
        )
    return result, told, reads


class Stopped(BaseException):
    """The process ends here."""


def stop_at(number):
    def on_epoch(epoch):
        if epoch.epoch == number:
            raise Stopped

    return on_epoch


def same_weights(one, other):
    """Whether every tensor has the same bits; the files differ in the order of their metadata."""
    one, other = load_file(one.weights), load_file(other.weights)
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def without_times(curve):
    return [(epoch.epoch, epoch.train_loss, epoch.loss, epoch.top1) for epoch in curve]


# --- what it leaves


def test_test_split_is_read_once_after_the_last_epoch(trained):
    _, told, reads = trained
    assert told == [("small", "quick", 100), (1, 0), (2, 0), (3, 0)]
    assert len(reads) == 1


def test_record_says_which_split_each_accuracy_is_from(trained):
    result, *_ = trained
    record = json.loads((result.folder.path / "result.json").read_text())
    assert (record["split"], record["top1"], record["validation_top1"]) == ("test", result.top1, result.validation_top1)
    # the digits: 1,797 images, a fifth of them in the test split and as many in the validation split
    assert (record["n_train"], record["n_validation"], record["n_test"]) == (100, 359, 359)
    assert (record["dataset"], record["recipe"], record["epochs"], record["seed"], record["n_seeds"]) == (
        "digits", "quick", 3, 5, 1,
    )  # fmt: skip
    assert (record["macs"], record["params"]) == (cost.macs(SMALL), cost.params(SMALL))
    assert [epoch["epoch"] for epoch in record["curve"]] == [1, 2, 3]
    assert record["conditions"]["torch"]
    assert result.top1 * 359 == pytest.approx(round(result.top1 * 359))


def test_folder_holds_spec_weights_and_record_and_no_checkpoint(trained):
    result, *_ = trained
    names = {path.name for path in result.folder.path.iterdir()}
    assert names == {"run.json", "spec.json", "result.json", "weights.safetensors", "owner.lock"}
    assert specfile.read(result.folder.path / "spec.json").architecture.digest == SMALL.digest
    assert json.loads((result.folder.path / "spec.json").read_text())["result"]["top1"] == result.top1


def test_weights_rebuild_the_network_that_was_scored(trained):
    from seesaw_nas.training.accuracy import measure

    result, *_ = trained
    with safe_open(result.weights, framework="pt") as file:
        assert file.metadata()["digest"] == SMALL.digest
        assert (file.metadata()["name"], file.metadata()["dataset"]) == ("small", "digits")
    model = models.build(SMALL, dropout=0.0, seed=99)
    model.load_state_dict(load_file(result.weights))
    images = data.load("digits")
    test = measure(model, data.load_test("digits"), images.mean, images.std)
    assert test.top1 == result.top1


def test_seed_decides_the_weights(settings, trained, tmp_path):
    result, *_ = trained
    again = train.train(settings, tmp_path / "again")
    other = train.train(settings.replace(seed=6), tmp_path / "other")
    assert same_weights(again, result)
    assert not same_weights(other, result)


# --- going on with it


@pytest.mark.parametrize("number", [1, 2, 3])
def test_training_interrupted_and_resumed_equals_the_uninterrupted_one(settings, trained, tmp_path, number):
    whole, *_ = trained
    with pytest.raises(Stopped):
        train.train(settings, tmp_path / "cut", on_epoch=stop_at(number))
    epochs = []
    result = train.train(settings, tmp_path / "cut", resume=True, on_epoch=lambda epoch: epochs.append(epoch.epoch))
    assert epochs == list(range(number + 1, 4))
    assert without_times(result.curve) == without_times(whole.curve)
    assert (result.top1, result.loss) == (whole.top1, whole.loss)
    assert same_weights(result, whole)
    assert not (tmp_path / "cut" / "checkpoint.safetensors").exists()


def test_training_ended_by_a_signal_within_an_epoch_goes_on_to_the_same_weights(settings, trained, tmp_path):
    whole, *_ = trained
    before = signal.getsignal(signal.SIGTERM)

    def step(done, _):
        if done == 3:  # of 2 steps an epoch
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(Interrupted) as caught:
        train.train(settings, tmp_path / "cut", on_step=step)
    assert str(caught.value) == (
        "stopped by SIGTERM at epoch 2, step 1, of 3 epochs; the checkpoint is written; the same command with "
        "--resume goes on"
    )
    assert caught.value.code == 143
    assert same_weights(train.train(settings, tmp_path / "cut", resume=True), whole)
    assert signal.getsignal(signal.SIGTERM) == before


def test_training_killed_before_its_spec_was_written_goes_on(settings, tmp_path):
    with pytest.raises(Stopped):
        train.train(settings, tmp_path / "cut", on_epoch=stop_at(1))
    (tmp_path / "cut" / "spec.json").unlink()
    assert len(train.train(settings, tmp_path / "cut", resume=True).curve) == 3
    assert specfile.read(tmp_path / "cut" / "spec.json").architecture.digest == SMALL.digest


def test_resume_of_what_does_not_exist_begins_it(settings, tmp_path):
    assert len(train.train(settings.replace(epochs=1), tmp_path / "new", resume=True).curve) == 1


def test_finished_training_is_not_scored_on_the_test_split_again(settings, trained):
    result, *_ = trained
    before = {path.name: path.read_bytes() for path in result.folder.path.iterdir()}
    with pytest.raises(RunError, match="is finished, and the test split is read once; train again in another --out"):
        train.train(settings, result.folder.path, resume=True)
    with pytest.raises(RunError, match="exists already and nothing is overwritten"):
        train.train(settings, result.folder.path)
    assert {path.name: path.read_bytes() for path in result.folder.path.iterdir()} == before


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"seed": 6}, "seed: 5 in .*cut, 6 in what is wanted now"),
        ({"epochs": 4}, "epochs: 3 in .*cut, 4 in what is wanted now"),
        ({"recipe": "paper"}, "recipe: quick in .*cut, paper in what is wanted now"),
        ({"train_size": 101}, "--train-size: 100 in .*cut, 101 in what is wanted now"),
    ],
)
def test_another_training_is_not_continued(settings, tmp_path, change, says):
    with pytest.raises(Stopped):
        train.train(settings, tmp_path / "cut", on_epoch=stop_at(1))
    with pytest.raises(RunError, match=rf"cut is another training: .*{says}.*; choose another --out"):
        train.train(settings.replace(**change), tmp_path / "cut", resume=True)


def test_folder_of_a_search_is_not_continued(settings, tmp_path):
    RunFolder.create(tmp_path / "search", {"kind": "search"})
    with pytest.raises(RunError, match="is another training: a search"):
        train.train(settings, tmp_path / "search", resume=True)


def test_training_in_progress_is_left_alone(settings, tmp_path):
    with pytest.raises(Stopped):
        train.train(settings, tmp_path / "cut", on_epoch=stop_at(1))
    folder = RunFolder.open(tmp_path / "cut")
    with folder.hold(), pytest.raises(RunError, match="another process is working on"):
        train.train(settings, folder.path, resume=True)


# --- what it tells


def test_event_files_hold_the_curve(settings, trained, tmp_path):
    whole, *_ = trained
    with pytest.raises(Stopped):
        train.train(settings, tmp_path / "t", tensorboard=True, on_epoch=stop_at(2))
    result = train.train(settings, tmp_path / "t", tensorboard=True, resume=True)
    found = scalars(tmp_path / "t" / "events")
    assert found["top1/validation"] == pytest.approx({epoch.epoch: epoch.top1 for epoch in whole.curve})
    assert found["loss/train"] == pytest.approx({epoch.epoch: epoch.train_loss for epoch in whole.curve})
    # two steps an epoch, the last one is step 1, 3, 5 of 6
    rates = {number: settings.training.fitted_recipe.learning_rate_at(2 * number - 1, 2) for number in (1, 2, 3)}
    assert found["rate"] == pytest.approx(rates)
    assert min(found["images_per_second"].values()) > 0
    assert same_weights(result, whole)


def test_estimate_is_told_before_the_first_step(settings, tmp_path):
    told = []
    train.train(
        settings.replace(epochs=1), tmp_path / "t", on_estimate=told.append, on_step=lambda *_: told.append(None)
    )
    assert told[0] > 0
    assert told[1:] == [None, None]


# --- what cannot be trained


@pytest.mark.parametrize("minutes", [0, -1, float("nan")])
def test_impossible_time_between_checkpoints_is_refused(settings, tmp_path, minutes):
    with pytest.raises(OptionError, match="--checkpoint-minutes must be above 0, got"):
        train.train(settings, tmp_path / "t", checkpoint_minutes=minutes)
    assert not (tmp_path / "t").exists()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"spec": "seesaw-shuffle-0.5d", "dataset": "digits"}, SpecError,
         "images of digits have shape (1, 8, 8), the architecture reads (3, 32, 32)"),
        ({"spec": "nothing.json"}, SpecError, "cannot read the spec file nothing.json: No such file or directory"),
        ({"spec": "seesaw-shuffle-1.0d@imagenet"}, DataError,
         "imagenet cannot be downloaded: name the folder that holds train/ and val/, each with a folder of images a "
         "class, by --data-dir"),
        ({"dataset": "digit"}, DataError,
         f"unknown data set 'digit', did you mean 'digits'? (known: {', '.join(data.NAMES)}); the path of a "
         "folder of images by class also works"),
        ({"device": "tpu"}, OptionError, "unknown device 'tpu', did you mean 'cpu'? (known: auto, cpu, cuda)"),
    ],
)  # fmt: skip
def test_training_that_cannot_be_leaves_no_folder(settings, tmp_path, change, error, message):
    with pytest.raises(error) as caught:
        train.train(settings.replace(**change), tmp_path / "out")
    assert str(caught.value) == message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recipe": "slow"}, "unknown recipe 'slow' (known: paper, paper-imagenet, modern, quick)"),
        ({"epochs": -1}, "--epochs must be at least 0, got -1"),
        ({"train_size": -1}, "--train-size must be at least 0, got -1"),
        ({"seed": -1}, "--seed must be at least 0, got -1"),
    ],
)
def test_impossible_settings_are_refused(change, message):
    with pytest.raises(OptionError) as caught:
        train.TrainSettings.of("seesaw-shuffle-0.5d", **change)
    assert str(caught.value) == message


def test_training_that_breaks_says_so_and_reads_no_test_split(settings, tmp_path, monkeypatch):
    wild = replace(settings.training.fitted_recipe, learning_rate=1e30)
    monkeypatch.setattr(Training, "fitted_recipe", wild)
    monkeypatch.setattr(data, "load_test", None)
    with pytest.raises(TrainingFailed, match="loss is not finite in epoch 1 of 3"):
        train.train(settings, tmp_path / "out")
    assert not (tmp_path / "out" / "result.json").exists()


def test_default_folder_is_named_after_network_recipe_and_seed(settings, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = train.train(settings.replace(epochs=1))
    assert str(result.folder.path) == "runs/small-quick-5"
