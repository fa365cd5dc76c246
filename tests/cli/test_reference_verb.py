"""``seesaw-nas reference``: the paper's tables for people, for programs and for spreadsheets."""

import csv
import io
import json

import pytest

CONVENTION = "Multi-Adds (MACs) of convolutions and linear layers, one image"


@pytest.mark.thorough
def test_table_for_people(cli):
    code, out, err = cli("reference", "--table", "5")
    assert (code, err) == (0, "")
    heading, *lines = out.splitlines()
    assert heading.split() == [
        "table", "network", "name", "top-1", "Params", "ours", "diff", "Multi-Adds", "ours", "diff", "notes"
    ]  # fmt: skip
    rows = lines[: lines.index("")]
    assert len(rows) == 11
    assert " ".join(rows[0].split()) == "5 VGG-16 vgg-16@imagenet 71.50% 138,357,544 15,300M 15,470,264,320 +1.11%"
    assert " ".join(rows[-1].split()[3:-1]) == (
        "seesaw-shuffle-1.0d@imagenet 72.90% 3.6M 3,644,184 +1.23% 361M 360,950,976 -0.01%"
    )
    assert CONVENTION in out
    assert "top-1 as published, not ours" in out


def test_notes_are_numbered_and_said_once(cli):
    lines = cli("reference", "--table", "3").out.splitlines()
    notes = lines[lines.index("", lines.index("") + 1) + 1 :]
    assert [note.split()[0] for note in notes] == [str(i + 1) for i in range(len(notes))]
    assert len({note[4:] for note in notes}) == len(notes) == 6  # five families, and why CondenseNet differs
    assert lines[1].split()[-2:] == ["1", "2"]
    assert notes[1].startswith(" 2  why: the authors' released counter adds")
    assert lines[2].split()[-1] == lines[6].split()[-1] == "3"  # both depths of IGCV3


def test_figures_that_were_fitted_are_not_shown_as_agreement(cli):
    (row,) = [line for line in cli("reference", "--table", "5").out.splitlines() if "nasnet-b-4@imagenet" in line]
    assert row.split().count("fitted") == 2
    assert "%" not in row.replace("72.80%", "")


def test_json(cli):
    code, out, err = cli("reference", "--dataset", "cifar10", "--json")
    assert (code, err) == (0, "")
    content = json.loads(out)
    assert content["unit"] == CONVENTION
    assert content["top1"] == "top-1 as published, not ours"
    assert content["source"] == "Zhang 2019, arXiv:1905.03672, tables 3 to 7"
    assert {row["table"] for row in content["rows"]} == {3, 6}
    assert content["rows"][1] == {
        "table": 3,
        "label": "IGCV3 0.5D",
        "dataset": "cifar10",
        "network": "igcv3-0.5d@cifar10",
        "top1_published": 0.9475,
        "params_printed": 1_400_000,
        "params": 1_379_722,
        "params_difference": -0.0145,
        "macs_printed": 100_000_000,
        "macs": 100_348_416,
        "macs_difference": 0.0035,
        "stand_in": False,
        "source": "Sun et al. 2018, arXiv:1806.00178",
        "reading": "two even groups with both permutations",
        "why": "",
    }


def test_csv(cli):
    code, out, err = cli("reference", "--csv")
    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 37
    assert out.splitlines()[0].startswith("table,label,dataset,network,top1_published,params_printed,params,")
    assert {row["unit"] for row in rows} == {f"{CONVENTION}; top-1 as published, not ours"}
    assert all(row["source"] and row["network"] for row in rows)
    (vgg,) = [row for row in rows if row["network"] == "vgg-16@imagenet"]
    assert (vgg["params_printed"], vgg["params"], vgg["macs"]) == ("", "138357544", "15470264320")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--table", "2"], "the tables with networks are 3 to 7, got 2"),
        (["--table", "five"], "Invalid value for '--table'"),
        (["--dataset", "digits"], "unknown data set of the paper 'digits' (known: cifar10, cifar100, imagenet)"),
        (
            ["--table", "3", "--dataset", "imagenet"],
            "table 3 is about cifar10, not imagenet; leave one of the two away",
        ),
        (["--json", "--csv"], "--json and --csv are two forms of the same rows; leave one away"),
    ],
)
def test_mistakes_end_in_one_line(refused, arguments, text):
    assert refused("reference", *arguments).startswith(text)


@pytest.mark.parametrize("name", ["vgg-16@imagenet", "vgg-16", "condensenet-light-94@cifar100", "mobilenetv1@imagenet"])
@pytest.mark.parametrize("verb", ["show", "train"])
def test_a_baseline_is_pointed_to_this_verb(refused, verb, name):
    assert refused(verb, name) == (
        f"'{name.partition('@')[0]}' lies outside this space, so there is no architecture of it to show or train; its "
        "figures stand in `seesaw-nas reference`"
    )
