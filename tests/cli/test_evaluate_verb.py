"""The accuracy of weights, as the command line prints it."""

import json

import pytest
from safetensors import safe_open
from safetensors.torch import load_file, save_file


@pytest.fixture
def record(trained_on_digits):
    return json.loads((trained_on_digits / "result.json").read_text())


def test_folder_of_a_training_is_measured_on_the_validation_split(cli, trained_on_digits, record):
    code, out, err = cli("evaluate", trained_on_digits, "--device", "cpu")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[1] == f"weights   {trained_on_digits}/weights.safetensors"
    assert lines[2] == "data      digits, validation split, 359 images, normalised as the weights say"
    assert lines[3].startswith(f"validation top-1 {record['validation_top1']:.2%}, top-5 ")
    assert len(lines) == 4


def test_test_split_is_the_one_that_training_read_and_is_told_plainly(cli, trained_on_digits, record):
    code, out, err = cli("evaluate", trained_on_digits, "--split", "test", "--device", "cpu", "--json")
    found = json.loads(out)
    assert (code, found["split"], found["n"], found["top1"]) == (0, "test", 359, record["top1"])
    assert found["loss"] == pytest.approx(record["loss"])
    assert found["top1"] <= found["top5"] <= 1
    assert found["conditions"]["torch"]
    assert (
        err
        == "note      this is the test split: a figure to report, not to choose by; choose on the validation split\n"
    )


def test_bare_weights_are_normalised_by_the_training_split(cli, trained_on_digits, record, tmp_path):
    save_file(load_file(trained_on_digits / "weights.safetensors"), tmp_path / "bare.safetensors")
    spec = tmp_path / "spec.json"
    content = json.loads((trained_on_digits / "spec.json").read_text())
    content.pop("result")
    spec.write_text(json.dumps(content))
    code, out, _ = cli("evaluate", spec, "--weights", "bare.safetensors", "--dataset", "digits", "--json")
    found = json.loads(out)
    assert (code, found["top1"]) == (0, record["validation_top1"])
    assert found["normalised"] == "normalised by the training split"


def test_weights_of_other_classes_are_refused(refused, trained_on_digits, tmp_path):
    weights = trained_on_digits / "weights.safetensors"
    with safe_open(weights, framework="pt") as file:
        header = file.metadata()
    header["preprocessing"] = header["preprocessing"].replace('"0"', '"zero"')
    save_file(load_file(weights), tmp_path / "other.safetensors", header)
    message = refused("evaluate", trained_on_digits, "--weights", "other.safetensors")
    assert message == (
        "the weights tell the classes of digits apart, and digits has others; give the data set that they were "
        "trained on"
    )


def test_what_cannot_be_measured_is_refused_in_one_line(refused, trained_on_digits, tmp_path):
    (tmp_path / "torn.safetensors").write_bytes((trained_on_digits / "weights.safetensors").read_bytes()[:200])
    assert refused("evaluate", trained_on_digits, "--weights", "torn.safetensors").startswith(
        "cannot read weights from"
    )
    assert "are of another network" in refused(
        "evaluate", "seesaw-shuffle-0.5d", "--weights", trained_on_digits / "weights.safetensors"
    )
    assert "comes without weights; name a file with --weights" in refused("evaluate", "seesaw-shuffle-0.5d")
    assert refused("evaluate", trained_on_digits, "--split", "tset") == (
        "unknown split 'tset', did you mean 'test'? (known: validation, test)"
    )
