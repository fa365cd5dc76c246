"""``seesaw-nas export``: what it prints, and what it answers to mistakes."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from seesaw_nas.architecture import reference, specfile
from seesaw_nas.architecture.spec import Head
from seesaw_nas.network import models

ANY = "seesaw-shuffle-0.5d"
ENDINGS = {"onnx": ".onnx", "torch-export": ".pt2", "json": ".json", "folder": ""}


@pytest.fixture
def training(trained_on_digits, tmp_path):
    """The training, in a folder next to where the command line runs."""
    shutil.copytree(trained_on_digits, tmp_path / "t")
    return Path("t")


@pytest.fixture
def weights_of():
    def saved(file, architecture, **header):
        models.save_weights(models.build(architecture, seed=0), Path(file), header)
        return file

    return saved


def test_written_file_and_agreement_are_told(cli, training):
    code, out, err = cli("export", training, "--to", "onnx")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert re.fullmatch(r"network   small: [\d,]+ Params, [\d,]+ Multi-Adds", lines[0])
    assert lines[1] == "weights   t/weights.safetensors"
    assert lines[2] == f"written   small.onnx, {Path('small.onnx').stat().st_size:,} bytes"
    assert re.fullmatch(
        r"checked   Differs from the unfused network by at most \d\.\de-0[67] of the largest logit, on 6 random images "
        r"and 256 validation images of digits; top-1 is the same on 256\.",
        lines[3],
    )
    assert len(lines) == 4


@pytest.mark.parametrize("target", ENDINGS)
def test_json_is_the_only_thing_on_standard_output(cli, training, target):
    code, out, err = cli("export", training, "--to", target, "--out", f"x{ENDINGS[target]}", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert (found["target"], found["path"], found["name"]) == (target, f"x{ENDINGS[target]}", "small")
    assert Path(found["path"]).exists()
    assert (found["agreement"] is None) == (target == "json")


def test_spec_alone_needs_no_weights(cli):
    code, out, _ = cli("export", ANY, "--to", "json")
    assert code == 0
    assert "weights" not in out
    assert specfile.read(Path(f"{ANY}@cifar10.json")).architecture == reference.network(ANY)


@pytest.mark.thorough
def test_weights_of_other_code_take_the_data_set(cli, refused, training):
    save_file(load_file(training / "weights.safetensors"), "plain.safetensors")
    arguments = ["export", training / "spec.json", "--to", "onnx", "--weights", "plain.safetensors"]
    assert refused(*arguments) == (
        "the weights in plain.safetensors do not say how their images were normalised; export them with --dataset, "
        "naming what they were trained on"
    )
    assert cli(*arguments, "--dataset", "digits").code == 0
    assert "unknown data set 'digit', did you mean 'digits'?" in refused(*arguments[:-1], "plain.safetensors", "--out",
                                                                         "y.onnx", "--dataset", "digit")  # fmt: skip


def test_unknown_target(refused, training):
    text = "unknown target 'onxx', did you mean 'onnx'? (known: onnx, torch-export, json, folder, openvino, ncnn, mnn, "
    assert refused("export", training, "--to", "onxx") == text + "litert, executorch)"
    assert "Missing option '--to'" in refused("export", training)


def test_weights_that_do_not_fit(refused, training, weights_of):
    named = specfile.resolve("t")
    wide = weights_of("wide.safetensors", replace(named.architecture, head=Head(128)))
    assert refused("export", training, "--to", "onnx", "--weights", wide) == (
        "the weights in wide.safetensors are of another network: tensor 'head.weight' should be (64, 24, 1, 1) and is "
        "(128, 24, 1, 1); build the architecture they belong to"
    )
    other = weights_of("other.safetensors", named.architecture, digest="0" * 16, name="other")
    assert refused("export", training, "--to", "onnx", "--weights", other).startswith(
        "the weights in other.safetensors are of the architecture other 0000000000000000, wanted those of small "
    )


def test_weights_that_are_none(refused, training):
    Path("w.safetensors").write_bytes((training / "weights.safetensors").read_bytes()[:999])
    export = ["export", training, "--to", "onnx", "--weights"]
    assert "cannot read weights from w.safetensors: " in refused(*export, "w.safetensors")
    assert "cannot read weights from no.safetensors: No such file or directory" in refused(*export, "no.safetensors")
    torch.save({}, "w.pth")
    assert refused(*export, "w.pth") == (
        "w.pth looks like a pickle, and opening one can run any code, so it is never opened here; give weights as "
        ".safetensors, which safetensors.torch.save_file(model.state_dict(), ...) writes"
    )
    assert not Path("small.onnx").exists()


def test_network_without_weights(cli, refused, training):
    text = (
        "comes without weights; name a file with --weights, or give a finished training's folder, which "
        "`seesaw-nas train` makes"
    )
    assert refused("export", ANY, "--to", "onnx") == f"'{ANY}@cifar10' {text}"
    (training / "weights.safetensors").unlink()
    assert refused("export", training, "--to", "onnx") == f"'small' {text}"
    assert cli("export", training, "--to", "json").code == 0


def test_place_that_cannot_be(refused, training):
    export = ["export", training, "--to", "folder", "--out"]
    assert refused(*export, "t") == "t exists already and nothing is overwritten; choose another --out"
    assert refused(*export, "no/x") == "cannot write no/x: there is no folder no; make it, or choose another --out"
    assert refused("export", training, "--to", "onnx", "--out", "x") == "--out for onnx ends in .onnx, got x"


def test_images_that_are_named_must_be_there(refused, weights_of):
    small = weights_of("w.safetensors", reference.network("igcv3-0.5d"))
    text = refused(
        "export", "igcv3-0.5d", "--to", "onnx", "--weights", small, "--dataset", "cifar10", "--data-dir", "no"
    )
    assert "no/data_batch_1.bin is missing, wanted 30,730,000 bytes" in text
