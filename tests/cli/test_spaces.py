import json

import numpy as np
import pytest
from open_spaces import TEXT
from PIL import Image

from seesaw_nas import space


@pytest.fixture
def only_digits(monkeypatch):
    """The others take seconds to count."""
    monkeypatch.setattr(space, "names", lambda: ["seesaw-digits"])


def rows(out):
    return {line.split()[0]: line.split() for line in out.splitlines()[1:5]}


@pytest.mark.thorough
def test_every_space_is_listed_with_its_default_budget(cli):
    code, out, err = cli("spaces")
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split() == ["space", "input", "size", "budget", "fitting", "cheapest", "costliest"]
    assert sorted(rows(out)) == space.names()
    assert rows(out)["seesaw-digits"] == [
        "seesaw-digits", "1x8x8", "1.77e14", "600.0K", "1.56e14", "119.2K", "983.7K",
    ]  # fmt: skip
    unit = "Multi-Adds (MACs) of convolutions and linear layers, one image"
    assert f"Budgets, cheapest, costliest: {unit}, unless another cost is named." in out


def test_json_is_one_object_with_every_digit(cli, only_digits):
    code, out, err = cli("spaces", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["unit"] == "Multi-Adds (MACs) of convolutions and linear layers, one image"
    (digits,) = [row for row in found["spaces"] if row["name"] == "seesaw-digits"]
    assert digits["budget"] == {"low": 0, "high": 600_000}
    assert (digits["cheapest_macs"], digits["costliest_macs"]) == (119_232, 983_680)
    # A block in stage 1 (16 -> 16 channels, both ends) has 6 (expansion, kernel) pairs times 10 groupings: dense, 1:1
    # with and without the permutation or as in IGCV3, 1:3 and 1:7 shuffled, shared or neither. The same holds
    # between 16, 24 and 32 channels: (60 + 60^2) * (60 + 60^2 + 60^3)^2.
    assert digits["architectures"] == (60 + 60**2) * (60 + 60**2 + 60**3) ** 2
    assert 0 < digits["fitting"] < digits["architectures"]


def test_budget_is_counted_in_every_space_and_what_does_not_fit_is_said(cli):
    table = rows(cli("spaces", "--budget", "14M").out)
    assert " ".join(table["seesaw-imagenet"][4:7]) == "none: too small"  # the cheapest has 64.1M
    assert table["seesaw-digits"][2] == table["seesaw-digits"][4]  # all of them fit


def test_band_above_the_costliest_is_too_large(cli, only_digits):
    assert "none: too large" in cli("spaces", "--budget", "1M:2M").out


def test_whole_of_a_space_fits_a_budget_of_all_of_it(cli, only_digits):
    for row in json.loads(cli("spaces", "--budget", "100%", "--json").out)["spaces"]:
        assert row["fitting"] == row["architectures"]


def test_a_space_of_one_s_own_is_written_edited_checked_and_counted(cli, tmp_path):
    code, out, err = cli("spaces", "mine.toml", "--write", "seesaw-digits")
    assert (code, err) == (0, "")
    assert out == (
        "wrote mine.toml; edit it, check it by `seesaw-nas spaces mine.toml`, search it by `seesaw-nas search --space "
        "mine.toml`\n"
    )
    path = tmp_path / "mine.toml"
    text = (
        path.read_text()
        .replace("expansions = [2, 3, 4]", "expansions = [2]")
        .replace("kernels = [3, 5]", "kernels = [3]")
    )
    path.write_text(text)
    (row,) = json.loads(cli("spaces", "mine.toml", "--json").out)["spaces"]
    # One (expansion, kernel) pair times the 10 groupings of a block, where there were six pairs.
    assert (row["name"], row["architectures"]) == ("mine", (10 + 10**2) * (10 + 10**2 + 10**3) ** 2)
    lines = cli("spaces", "mine.toml").out.splitlines()
    assert lines[1].split()[:2] == ["mine", "1x8x8"]
    assert len([line for line in lines if line.startswith("seesaw")]) == 0


def test_every_mistake_of_a_space_file_has_its_line(cli, refused, tmp_path):
    cli("spaces", "mine.toml", "--write", "seesaw-digits")
    path = tmp_path / "mine.toml"
    text = path.read_text()
    path.write_text(text.replace("kernels = [3, 5]", "kernels = [3, 7]").replace("classes = 10", "classes = 1"))
    code, out, err = cli("spaces", "mine.toml")
    first, second, last = err.splitlines()
    assert (code, out) == (2, "")
    assert first.startswith("input.classes: at least 2 is wanted, got 1")
    assert second.startswith("blocks.kernels: 3 or 5 is wanted, got 7")
    assert last == "seesaw-nas: mine.toml has 2 mistakes, each in a line above; correct them"
    path.write_text(text.replace("kernels = [3, 5]", "kernels = [3, 7]"))
    assert refused("spaces", "mine.toml").startswith("mine.toml: blocks.kernels: 3 or 5 is wanted, got 7")


def test_optional_stages_and_heads_are_told(cli, tmp_path):
    (tmp_path / "open.toml").write_text(TEXT)
    (row,) = json.loads(cli("spaces", "open.toml", "--json").out)["spaces"]
    assert (row["heads"], row["optional_stages"], row["architectures"]) == ([8, 12], [1, 3], 1344)
    out = cli("spaces", "open.toml").out
    assert "open: few enough to list (heads of 8 or 12 channels; stages 1, 3 may be absent)" in out.splitlines()
    assert "(heads" not in cli("spaces", "seesaw-digits").out


@pytest.mark.thorough
def test_a_network_without_a_stage_is_searched_trained_exported_and_predicts(cli, tmp_path):
    """With the first stage and its stride of 2 the costliest network has 29,480 Multi-Adds, so here it is absent."""
    text = TEXT.replace("classes = 3", "classes = 10").replace("channels = [4, 6]", "channels = 6")
    for list_, one in (("[8, 6]", "6"), ("[8, 12]\nstride", "12\nstride"), ("[4, 8]", "8")):
        text = text.replace(list_, one)
    (tmp_path / "open.toml").write_text(text)
    settings = ("--dataset", "digits", "--epochs", "1", "--train-size", "64")
    code, out, _ = cli(
        "search", "--space", "open.toml", *settings, "--budget", "30K:90K", "--trials", "3", "--name", "s"
    )
    assert code == 0
    assert "3 trained" in out
    best = json.loads((tmp_path / "runs" / "s" / "best.json").read_text())["architecture"]
    assert best["head"]["channels"] in (8, 12)
    assert (best["stages"][0]["channels"], best["stages"][0]["stride"]) == (12, 1)
    assert cli("train", "runs/s", *settings, "--out", "runs/t").code == 0
    assert cli("export", "runs/t", "--to", "onnx", "--out", "net.onnx").code == 0
    Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / "zero.png")
    assert cli("predict", "net.onnx", "zero.png").out == cli("predict", "runs/t", "zero.png").out != ""
