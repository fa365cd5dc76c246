"""Damaged and foreign files, as a user meets them: one line on standard error and exit code 2 from every verb."""

import json
import os
import shutil
from pathlib import Path

import pytest
import torch
from recorded import drawn, table
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from seesaw_nas import space
from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.reference import network
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.evaluators import table as tables

EXAMPLE = Path(__file__).parents[2] / "runs/examples/digits-600K"
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "a" * 64 + "\nsize 12345\n"
SPEC = json.dumps(specfile.document(Named("small", network("igcv3-0.5d@cifar10"))))
SPACE = (Path(space.files.__file__).parents[2] / "search_spaces/seesaw-digits.toml").read_text()
SEARCH = ["search", "--trials", "1", "--device", "cpu", "--name", "x"]


@pytest.fixture
def run(tmp_path):
    """A finished run in the folder ``run``."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "run"))


@pytest.mark.parametrize(
    "verb", [["show"], ["train"], ["latency"], ["export", "--to", "json"], [*SEARCH, "--seed-with"]]
)
def test_pointer_file_is_told_as_such(refused, tmp_path, verb):
    (tmp_path / "spec.json").write_text(LFS)
    assert "spec.json is a pointer file of Git LFS" in refused(*verb, "spec.json")


def test_pointer_file_as_space_table_weights_and_network(refused, tmp_path, trained_on_digits):
    for name in ("s.toml", "t.parquet", "w.safetensors", "n.onnx"):
        (tmp_path / name).write_text(LFS)
    assert "s.toml is a pointer file of Git LFS" in refused(*SEARCH, "--space", "s.toml")
    assert "t.parquet is a pointer file of Git LFS" in refused(*SEARCH, "--evaluator", "table", "--table", "t.parquet")
    assert "t.parquet is a pointer file of Git LFS" in refused("audit", "t.parquet")
    told = refused("evaluate", trained_on_digits, "--weights", "w.safetensors")
    assert "cannot read weights from w.safetensors: it is a pointer file of Git LFS" in told
    assert "n.onnx is a pointer file of Git LFS" in refused("predict", "n.onnx", "p.png")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_byte_order_mark_is_read(cli, tmp_path, encoding):
    (tmp_path / "spec.json").write_text(SPEC, encoding=encoding)
    (tmp_path / "s.toml").write_text(SPACE, encoding=encoding)
    assert cli("show", "spec.json").code == 0
    assert cli(*SEARCH, "--space", "s.toml", "--budget", "600K", "--train-size", "64", "--epochs", "1").code == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            SPEC.replace('"channels": 32', '"channels": ' + "9" * 400, 1),
            "it holds a whole number of more than 20 digits",
        ),
        (
            SPEC.replace('"channels": 32', '"channels": 99999999', 1),
            "stem.channels: at most 65536 is wanted, got 99999999",
        ),
        (SPEC.replace('"small"', r'"a\u0000b"'), "holds a text with a null character"),
        (SPEC.replace('"small"', r'"a\nb"'), "name: a text of one line, up to 1000 characters"),
        (SPEC.replace('"name"', '"name": "other", "name"'), "has the key 'name' twice in one object; keep one of them"),
        ("[" * 100_000, "is nested too deeply"),
    ],
)
def test_spec_out_of_bounds(refused, tmp_path, text, told):
    (tmp_path / "spec.json").write_text(text)
    assert told.removeprefix("it ") in refused("show", "spec.json")


def test_what_is_no_regular_file(refused, tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    assert refused("show", "pipe.json") == "pipe.json is a pipe; give a regular file"
    assert refused("show", "/dev/zero") == "/dev/zero is a device; give a regular file"
    assert refused("show", "-").startswith("unknown model '-'")
    assert refused("show", "final").endswith("; nor is there a file or folder 'final'")
    assert "has no architecture yet: no spec.json of a training and no best.json of a search" in refused("show", ".")
    assert "pipe.json is a pipe" in refused(*SEARCH, "--evaluator", "table", "--table", "pipe.json")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("repeats = [1, 2, 3]", "repeats = [100000]", "repeats: at most 1000 is wanted, got 100000"),
        ("size = 8", "size = " + "9" * 5000, "holds a whole number of more than 20 digits"),
        ("size = 8", "size = " + "[" * 5000, "is nested too deeply"),
        ("size = 8", "size = 100000", "input.size: at most 65536 is wanted, got 100000"),
    ],
)
def test_space_out_of_bounds(refused, tmp_path, old, new, told):
    text = SPACE.replace(old, new, 1)
    (tmp_path / "s.toml").write_text(text)
    assert told in refused(*SEARCH, "--space", "s.toml")


@pytest.mark.parametrize("name", ["run.json", "confirmed.json", "latency.json"])
@pytest.mark.parametrize("text", ["[" * 5000, "{}", "[]", '{"schema_version": 1, "repeats": 3, "networks": [[]]}', LFS])
def test_damaged_file_of_a_run(refused, run, name, text):
    (run / name).write_text(text)
    told = refused("report", "run")
    assert name in told or told == "run is no search; what a training came to is in its result.json"


@pytest.mark.parametrize("verb", [["status"], ["report"], ["resume"], ["audit"], [*SEARCH, "--seed-with"]])
@pytest.mark.parametrize(
    "change", [{"settings": 3}, {"budget": {"low": "x", "high": 1}}, {"conditions": [1]}, {"given": {}}]
)
def test_description_of_another_kind(refused, run, verb, change):
    (run / "run.json").write_text(json.dumps(json.loads((run / "run.json").read_text()) | change))
    assert "run.json is damaged: " in refused(*verb, "run")


def test_table_with_nulls(refused, tmp_path):
    import pyarrow as pa
    from pyarrow import parquet

    tables.write(tmp_path / "t.parquet", table([[0.5, 0.75]], drawn(2)))
    whole = parquet.read_table(tmp_path / "t.parquet")
    i = whole.column_names.index("top1")
    parquet.write_table(whole.set_column(i, "top1", pa.nulls(len(whole), pa.float64())), tmp_path / "t.parquet")
    told = refused(*SEARCH, "--evaluator", "table", "--table", "t.parquet")
    reason = f"top1: the last epoch of a training of {drawn(2)[0].digest} has none"
    assert told == f"{tmp_path}/t.parquet is no table of recorded trainings ({reason}); make one by `tabulate`"


@pytest.fixture
def not_finite(trained_on_digits, tmp_path):
    """The folder of a training one of whose weights is NaN."""
    folder = Path(shutil.copytree(trained_on_digits, tmp_path / "t"))
    path = folder / "weights.safetensors"
    with safe_open(path, "pt") as file:
        header = file.metadata()
    tensors = load_file(path)
    tensors["classifier.weight"][0, 0] = torch.nan
    save_file(tensors, path, header)
    return folder


def test_weights_that_are_not_finite(refused, not_finite, digit_pictures):
    told = "tensor 'classifier.weight' holds values that are not finite (NaN or infinite)"
    weights = not_finite / "weights.safetensors"
    for arguments in (
        ["predict", "t", digit_pictures],
        ["evaluate", "t"],
        ["export", "t", "--to", "json"],
        ["export", "t", "--to", "onnx"],
        ["latency", "t", "--weights", weights],
    ):
        assert told in refused(*arguments)


def test_finite_weights_whose_outputs_are_not(refused, trained_on_digits, tmp_path, digit_pictures):
    folder = Path(shutil.copytree(trained_on_digits, tmp_path / "t"))
    path = folder / "weights.safetensors"
    with safe_open(path, "pt") as file:
        header = file.metadata()
    tensors = load_file(path)
    tensors["classifier.weight"] *= 1e38
    tensors["head_bn.weight"] *= 1e38
    save_file(tensors, path, header)
    assert "values that are not finite: it is damaged" in refused("predict", "t", digit_pictures)
    assert "its outputs are not finite; train it again" in refused("evaluate", "t")
