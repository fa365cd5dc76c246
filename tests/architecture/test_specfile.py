"""Spec files: what is written is read back, and what was changed by hand is told by its field."""

import json

import numpy as np
import pytest

from seesaw_nas import space
from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.reference import MODELS, SETTINGS, network
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.errors import SpecError
from seesaw_nas.space import Budget, Feasible

NAME = "seesaw-shuffle-0.5d@cifar10"
NAMED = Named(NAME, network(NAME))


def content() -> dict:
    return json.loads(json.dumps(specfile.document(NAMED)))


def write(folder, value):
    path = folder / "net.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def refusal(path) -> str:
    with pytest.raises(SpecError) as refused:
        specfile.read(path)
    assert "\n" not in str(refused.value)
    assert str(path) in str(refused.value)
    return str(refused.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize("name", [f"{model}@{setting}" for model in MODELS for setting in SETTINGS])
def test_every_network_of_the_paper_is_read_back(tmp_path, name):
    path = write(tmp_path, specfile.document(Named(name, network(name))))
    assert specfile.read(path) == Named(name, network(name))


@pytest.mark.parametrize("seed", range(5))
def test_drawn_networks_are_read_back(tmp_path, seed):
    digits = space.load("seesaw-digits")
    drawn = Feasible(digits, Budget(0, 600_000)).draw(np.random.default_rng(seed))
    assert specfile.read(write(tmp_path, specfile.document(Named("found", drawn)))).architecture == drawn


def test_a_file_tells_its_reader_what_it_holds():
    found = specfile.document(NAMED, {"top1": 0.951, "split": "test"})
    assert list(found) == [
        "schema_version", "name", "digest", "params", "macs", "input", "architecture", "result"
    ]  # fmt: skip
    # Table 3 of the paper prints 1.5M and 108M.
    assert (found["params"], found["macs"], found["input"]) == (1_459_834, 108_212_736, [3, 32, 32])
    assert found["result"] == {"top1": 0.951, "split": "test"}
    assert "result" not in specfile.document(NAMED)


def test_a_file_needs_nothing_but_its_version_and_architecture(tmp_path):
    whole = content()
    least = {"architecture": whole["architecture"], "schema_version": 1}
    assert specfile.read(write(tmp_path, least)) == Named("net", NAMED.architecture)


def test_the_data_set_comes_from_the_result(tmp_path):
    path = write(tmp_path, specfile.document(NAMED, {"dataset": "cifar10", "top1": 0.9}))
    assert specfile.read(path).dataset == "cifar10"
    assert specfile.read(write(tmp_path, content() | {"result": {"dataset": 3}})).dataset == ""


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("macs", 108_000_000, "108212736"),
        ("params", 0, "1459834"),
        ("digest", "0" * 16, "'a9fc1dd573bb25f1'"),
        ("input", [3, 224, 224], "[3, 32, 32]"),
    ],
)
def test_figures_that_the_architecture_does_not_have_are_refused(tmp_path, field, value, expected):
    assert refusal(write(tmp_path, content() | {field: value})) == (
        f"{field}: the file says {value!r}, but its architecture has {expected}; correct or remove this field"
    )


def test_an_edited_architecture_no_longer_fits_its_figures(tmp_path):
    edited = content()
    edited["architecture"]["stages"][3]["blocks"][1]["kernel"] = 5
    assert refusal(write(tmp_path, edited)).startswith("digest: the file says 'a9fc1dd573bb25f1', but")
    for field in ("digest", "params", "macs"):
        del edited[field]
    assert specfile.read(write(tmp_path, edited)).architecture.stages[3].blocks[1].kernel == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 2}, "schema_version: this release reads version 1, got 2"),
        ({"schema_version": True}, "schema_version: this release reads version 1, got True"),
        ({"schema_version": "1"}, "schema_version: this release reads version 1, got '1'"),
        ({"name": ""}, "name: a text is wanted, got ''"),
        ({"name": 3}, "name: a text is wanted, got 3"),
        ({"result": "0.95"}, "result: an object is wanted, got '0.95'"),
        ({"architecture": []}, "architecture: an object with input_size, "),
        ({"mac": 1}, "mac: unknown field 'mac', did you mean 'macs'? (known: "),
    ],
)
def test_a_wrong_field_is_named(tmp_path, change, message):
    assert refusal(write(tmp_path, content() | change)).startswith(message)


def test_a_mistake_deep_in_the_architecture_has_its_whole_path(tmp_path):
    broken = content()
    broken["architecture"]["stages"][2]["blocks"][1]["kernel"] = 7
    assert refusal(write(tmp_path, broken)) == (
        "architecture.stages[2].blocks[1].kernel: 3 or 5 is wanted, got 7; the nearest legal value: 5"
    )


@pytest.mark.parametrize("field", ["schema_version", "architecture"])
def test_a_missing_field_is_named(tmp_path, field):
    broken = content()
    del broken[field]
    assert refusal(write(tmp_path, broken)) == (f"{field}: this field is missing; wanted: schema_version, architecture")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON: "),
        ("{", "is not JSON: "),
        ("{'name': 1}", "is not JSON: "),
        ("[" * 100_000, "is nested too deeply: more than 60 levels"),
        ("[]", "an object with schema_version, architecture is wanted, got []"),
        ("null", "an object with schema_version, architecture is wanted, got None"),
        ('{"schema_version": 1, "architecture": {"input_size": NaN}}', "architecture.input_channels: this field is"),
    ],
)  # fmt: skip
def test_what_is_no_spec_file_is_refused(tmp_path, text, message):
    assert message in refusal(write(tmp_path, text))


def test_binary_is_no_spec_file(tmp_path):
    path = tmp_path / "weights.json"
    path.write_bytes(b"\x80\x81\x82")
    assert "is not JSON: 'utf-8' codec can't decode" in refusal(path)


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    assert refusal(tmp_path / "none.json") == (
        f"cannot read the spec file {tmp_path / 'none.json'}: No such file or directory"
    )
    assert "Is a directory" in refusal(tmp_path)


# What a user may write for an architecture


def test_a_name_without_a_setting_is_cifar10():
    assert specfile.resolve("seesaw-shuffle-0.5d") == Named(NAME, network(NAME), "cifar10")


def test_a_name_brings_its_data_set():
    assert specfile.resolve("igcv3-0.5d@cifar100-tiny").dataset == "cifar100"


def test_a_path_is_a_spec_file(tmp_path, monkeypatch):
    path = write(tmp_path, content())
    assert specfile.resolve(str(path)).name == NAME
    monkeypatch.chdir(tmp_path)
    assert specfile.resolve("net.json").name == NAME


def test_a_run_folder_is_its_best(tmp_path):
    write(tmp_path, content()).rename(tmp_path / "best.json")
    assert specfile.resolve(str(tmp_path)).architecture == NAMED.architecture


def test_the_folder_of_a_training_stands_for_what_was_trained(tmp_path):
    write(tmp_path, content()).rename(tmp_path / "spec.json")
    assert specfile.resolve(str(tmp_path)).architecture == NAMED.architecture


@pytest.mark.parametrize("text", ["missing.json", "runs/missing"])
def test_a_path_that_does_not_exist_is_not_taken_for_a_name(text):
    with pytest.raises(SpecError, match=f"cannot read the spec file {text}: No such file"):
        specfile.resolve(text)


def test_nothing_is_no_architecture():
    with pytest.raises(SpecError, match="a spec file, a run's folder or MODEL@SETTING is wanted, got nothing"):
        specfile.resolve("")
