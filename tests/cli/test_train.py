import json
import re
import signal

import pytest
import torch
from safetensors.torch import load_file

from seesaw_nas import data
from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.files import write_json
from seesaw_nas.training import execution

BLOCK = Block(2, 3, Partition((1, 3)), "shuffle")
SMALL = Architecture(8, 1, 10, Stem(8, 1), (Stage(8, 2, (BLOCK,)), Stage(16, 1, (BLOCK,))), Head(32))
OPTIONS = ["--dataset", "digits", "--recipe", "quick", "--epochs", "2", "--train-size", "64", "--device", "cpu"]


@pytest.fixture
def train(cli, tmp_path):
    write_json(tmp_path / "small.json", specfile.document(Named("small", SMALL)))

    def trained(*arguments):
        return cli("train", "small.json", *OPTIONS, *arguments)

    return trained


def test_network_recipe_epochs_and_test_accuracy_are_told(train, tmp_path):
    code, out, err = train()
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert re.fullmatch(r"network   small: [\d,]+ Params, [\d,]+ Multi-Adds", lines[0])
    assert lines[1].startswith("recipe    quick (")
    assert lines[2] == "data      64 images to train on"
    assert re.fullmatch(r"threads   \d+ on \d+ cores?, as OMP_NUM_THREADS says", lines.pop(3))
    assert re.fullmatch(r"estimate  \d+ s in all, by a few steps; after each epoch by the epochs", lines[3])
    epoch = r"epoch +{} +loss \d+\.\d{{4}}  validation top-1 \d+\.\d\d%  \d+ s"
    assert re.fullmatch(epoch.format(1) + r", \d+ s left", lines[4])
    assert re.fullmatch(epoch.format(2), lines[5])
    record = json.loads((tmp_path / "runs/small-quick-0/result.json").read_text())
    assert lines[6] == (
        f"test top-1 {record['top1']:.2%} (read once), validation top-1 {record['validation_top1']:.2%}"
    )
    assert lines[7] == "weights runs/small-quick-0/weights.safetensors"
    assert len(lines) == 8


def test_json_is_the_only_thing_on_standard_output(train, tmp_path):
    code, out, err = train("--out", "t", "--json")
    assert (code, "network   small" in err) == (0, True)
    found = json.loads(out)
    record = json.loads((tmp_path / "t/result.json").read_text())
    assert (found["folder"], found["weights"], found["epochs"]) == ("t", "t/weights.safetensors", 2)
    assert (found["split"], found["top1"], found["validation_top1"]) == (
        "test", record["top1"], record["validation_top1"],
    )  # fmt: skip


def test_interrupted_training_goes_on_to_the_same_result(train, tmp_path, monkeypatch):
    whole = json.loads(train("--out", "whole", "--json").out)
    with monkeypatch.context() as patch:
        patch.setattr(data, "load_test", interrupt)  # after the last epoch, before the test images
        code, _, err = train("--out", "cut")
    assert code == 130
    assert err.startswith("seesaw-nas: interrupted; what was finished is kept")
    assert (tmp_path / "cut" / "checkpoint.safetensors").exists()
    code, out, _ = train("--out", "cut", "--resume", "--json")
    cut = json.loads(out)
    assert (code, cut["top1"], cut["validation_top1"]) == (0, whole["top1"], whole["validation_top1"])


@pytest.mark.thorough
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_it_with_a_checkpoint_one_line_and_the_shell_s_code(train, start, tmp_path, number):
    whole = json.loads(train("--out", "whole", "--epochs", "60", "--json").out)
    arguments = ["train", "small.json", *OPTIONS, "--epochs", "60", "--out", "cut"]
    with start(tmp_path, *arguments) as process:
        for line in process.stdout:
            if line.startswith("epoch "):
                process.send_signal(number)
                break
        out, err = process.communicate()
    assert process.returncode == 128 + number, err
    assert re.fullmatch(
        rf"seesaw-nas: stopped by {number.name} at .*; `seesaw-nas train small\.json .* --out cut --resume` goes on\n",
        err,
    )
    assert "test top-1" not in out
    code, out, _ = train("--out", "cut", "--epochs", "60", "--resume", "--json")
    assert (code, json.loads(out)["top1"]) == (0, whole["top1"])
    a, b = (load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "cut"))
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("recipe", ["paper", "paper-imagenet", "modern", "quick"])
def test_every_recipe_trains_and_is_printed_with_its_source(train, tmp_path, recipe):
    code, out, err = train("--recipe", recipe, "--out", "t", "--epochs", "1")
    assert (code, err) == (0, "")
    assert f"recipe    {recipe} (" in out
    assert json.loads((tmp_path / "t/run.json").read_text())["recipe"]["name"] == recipe


def interrupt(*_, **__):
    raise KeyboardInterrupt


def test_trained_spec_is_shown(train, cli):
    train("--out", "t")
    assert cli("show", "t/spec.json").code == 0


@pytest.mark.thorough
def test_compiled_training_is_told_in_its_conditions_and_goes_on_without(train, tmp_path, monkeypatch):
    monkeypatch.setattr(execution, "COMPILER", "aot_eager")  # which generates no code
    with monkeypatch.context() as patch:
        patch.setattr(data, "load_test", interrupt)
        code, out, _ = train("--out", "t", "--epochs", "1", "--execution", "compile")
    assert code == 130
    assert re.search(r"^note      torch\.compile takes 60 s or more before the first steps, this training ", out, re.M)
    assert json.loads((tmp_path / "t/run.json").read_text())["conditions"]["steps"] == "torch.compile, aot_eager"
    assert train("--out", "t", "--epochs", "1", "--resume").code == 0
    assert json.loads((tmp_path / "t/result.json").read_text())["conditions"]["steps"] == "eager"


def test_cuda_graphs_without_cuda_are_one_line(train, tmp_path):
    code, out, err = train("--out", "t", "--execution", "graphs")
    assert (code, out) == (2, "")
    assert err == "seesaw-nas: --execution graphs wants a CUDA device, got cpu; leave it out\n"
    assert not (tmp_path / "t").exists()
