import json
import re
import signal
import time

import pytest
import torch

from seesaw_nas import space
from seesaw_nas.training.supernet import WEIGHTS, load
from seesaw_nas.workflows import supernets

OPTIONS = ["--budget", "300K:600K", "--train-size", "128", "--epochs", "2", "--device", "cpu"]


@pytest.fixture
def supernet(cli):
    return lambda *arguments: cli("supernet", "seesaw-digits", *OPTIONS, *arguments)


def test_space_recipe_epochs_and_what_it_took_are_told(supernet, tmp_path):
    code, out, err = supernet()
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert re.fullmatch(r"space     seesaw-digits: \d\.\d\de\d+ architectures of 300\.0K:600\.0K", lines[0])
    assert lines[1].startswith("recipe    quick (")
    assert ": 2 epochs, batch 64" in lines[1]
    assert lines[2] == "data      128 images to train on"
    assert re.fullmatch(r"threads   \d+ on \d+ cores?, as OMP_NUM_THREADS says", lines.pop(3))
    assert re.fullmatch(r"estimate  \d+ s in all, by a few steps; after each epoch by the epochs", lines[3])
    assert re.fullmatch(r"epoch    1  loss \d\.\d{4}  \d+ s, \d+ s left", lines[4])
    assert re.fullmatch(r"epoch    2  loss \d\.\d{4}  \d+ s", lines[5])
    assert re.fullmatch(r"trained   4 steps in \d+ s, \d+ s of CPU cores", lines[6])
    assert lines[7:] == ["supernet  runs/supernet-seesaw-digits-quick-0"]
    folder = tmp_path / "runs/supernet-seesaw-digits-quick-0"
    assert {path.name for path in folder.iterdir()} - {"owner.lock"} == {"run.json", "result.json", WEIGHTS}
    run, result = (json.loads((folder / name).read_text()) for name in ("run.json", "result.json"))
    assert (run["kind"], run["sampling"], run["epochs"]) == ("supernet", "single-path", 2)
    assert [entry["top1"] for entry in result["curve"]] == [None, None]
    assert result["steps"] == 4
    assert min(result["seconds"], result["core_seconds"]) > 0
    assert result["conditions"]["torch"] == run["conditions"]["torch"]
    assert torch.isfinite(load(folder / WEIGHTS, space.load("seesaw-digits")).weights).all()


def test_json_is_the_only_thing_on_standard_output(supernet):
    code, out, err = supernet("--out", "s", "--sampling", "sandwich", "--json")
    assert (code, "space     seesaw-digits" in err) == (0, True)
    found = json.loads(out)
    assert (found["folder"], found["epochs"], found["steps"]) == ("s", 2, 4)
    assert set(found) == {"folder", "data", "epochs", "steps", "seconds", "core_seconds", "train_loss"}


def test_what_is_done_stays_and_what_is_another_is_refused(supernet, refused, tmp_path):
    supernet("--out", "s")
    before = (tmp_path / "s" / WEIGHTS).read_bytes()
    code, out, _ = supernet("--out", "s", "--resume")
    assert (code, out.splitlines()[-1]) == (0, "supernet  s")
    assert (tmp_path / "s" / WEIGHTS).read_bytes() == before
    verb = ("supernet", "seesaw-digits", *OPTIONS, "--out", "s")
    assert refused(*verb) == (
        "s exists already and nothing is overwritten; choose another name or folder, or go on with it by --resume"
    )
    for change, says in (
        (("--seed", "1"), "s is another supernet: seed: 0 in s, 1 in what is wanted now; choose another folder"),
        (("--sampling", "sandwich"), "sampling: single-path in s, sandwich in what is wanted now"),
        (("--epochs", "3"), "epochs: 2 in s, 3 in what is wanted now"),
        (("--budget", "400K"), "budget: 300,000 to 600,000 in s, 0 to 400,000 in what is wanted now"),
    ):
        assert says in refused(*verb, "--resume", *change)
    (tmp_path / "s" / "result.json").write_text("{")
    assert "result.json is damaged" in refused(*verb, "--resume")


def test_mistakes_are_told_in_one_line(refused):
    assert "unknown sampling 'double'" in refused("supernet", "seesaw-digits", "--sampling", "double")
    assert "recipe 'modern' averages weights" in refused(
        "supernet", "seesaw-digits", "--recipe", "modern", "--train-size", "128", "--device", "cpu"
    )
    assert "--supernet-epochs must be at least 0" in refused("supernet", "seesaw-digits", "--epochs", "-1")


@pytest.mark.thorough
def test_killed_and_resumed_it_comes_to_the_same_weights(start, tmp_path):
    arguments = ["supernet", "seesaw-digits", *OPTIONS, "--epochs", "4", "--out"]
    start(tmp_path, *arguments, "whole").communicate()
    process = start(tmp_path, *arguments, "killed")
    checkpoint, end = tmp_path / "killed" / "checkpoint.safetensors", time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL, "it ended before it was killed"
    assert not (tmp_path / "killed" / "result.json").exists()
    resumed = start(tmp_path, *arguments, "killed", "--resume")
    assert ("epoch    1" in resumed.communicate()[0], resumed.returncode) == (False, 0)
    found, wanted = (load(tmp_path / name / WEIGHTS, space.load("seesaw-digits")) for name in ("killed", "whole"))
    assert torch.equal(found.weights, wanted.weights)
    assert not checkpoint.exists()


def test_no_number_of_epochs_is_three_times_the_recipe_s_own():
    settings = supernets.SearchSettings.of(recipe="quick")
    assert supernets.fitted_recipe(settings).epochs == 12
    assert supernets.fitted_recipe(supernets.SearchSettings.of(recipe="quick", supernet_epochs=5)).epochs == 5
