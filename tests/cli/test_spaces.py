import json

import pytest

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
    assert "Budgets: Multi-Adds (MACs) of convolutions and linear layers, one image." in out


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
