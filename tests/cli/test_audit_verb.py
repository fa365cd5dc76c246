"""``audit`` on a table, as a user meets it."""

import json
import os
from pathlib import Path

import pytest
from recorded import drawn, table

from seesaw_nas.evaluators import table as tables

QUICK = ["--evaluators", "macs, params,epoch", "--bootstrap", "100", "--device", "cpu", "--band", "30%"]


@pytest.fixture(autouse=True)
def _no_fsync(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """Twenty architectures in no order, and nine."""
    folder = tmp_path_factory.mktemp("tables")
    top1 = [[0.5 + (7 * i + seed) % 20 / 100 for i in range(20)] for seed in range(3)]
    tables.write(folder / "small.parquet", table(top1, drawn(20)))
    tables.write(folder / "few.parquet", table([[0.5] * 9], drawn(9)))
    return folder


def test_an_audit_prints_a_table_with_its_rule_and_writes_both_files(cli, recorded, tmp_path):
    code, out, err = cli("audit", recorded / "small.parquet", *QUICK)
    assert (code, err) == (0, "")
    assert "small.parquet: digits, recipe quick, 3 epochs; 20 architectures, 60 trainings of 6.00 s" in out
    rows = {line.split()[0] for line in out.splitlines() if line}
    assert rows >= {"macs", "params", "epoch-1", "epoch-2"}
    assert "An evaluator earns its place (yes) where its interval within bands lies above 0" in out
    assert "seed against seed, 20 architectures" in out
    assert "An early epoch of one training is compared with the mean of the architecture's other trainings" in out
    assert "written   audit/audit.html" in out
    assert (tmp_path / "audit/audit.html").stat().st_size < 6_000_000
    assert json.loads((tmp_path / "audit/audit.json").read_text())["result"]["bootstrap"] == 100


def test_json_is_one_object_without_nan(cli, recorded):
    code, out, _ = cli("audit", recorded / "small.parquet", *QUICK, "--out", "elsewhere", "--json")
    assert code == 0
    found = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert {row["name"] for row in found["rows"]} == {"macs", "params", "epoch-1", "epoch-2"}
    assert found["ceiling"]["repeated"] == 20
    assert found == json.loads(Path("elsewhere/audit.json").read_text())["result"]


@pytest.mark.thorough
def test_an_audit_of_a_search_lies_in_its_folder(cli):
    search = ["--budget", "300K", "--epochs", "1", "--train-size", "64", "--device", "cpu"]
    assert cli("search", *search, "--strategy", "random", "--trials", "10", "--name", "few").code == 0
    code, out, err = cli("audit", "runs/few", "--evaluators", "macs,grad-norm,epoch,short-1", "--bootstrap", "100")
    assert (code, err) == (0, "")
    assert "short-1" in out
    assert "noise ceiling: unknown, no architecture was trained with two seeds" in out
    assert "written   runs/few/audit/audit.json" in out
    assert cli("report", "runs/few").code == 0  # which does not mind the folder


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["few.parquet"], "an audit wants 10 trained architectures or more, few.parquet has 9; train more"),
        (["small.parquet", "--band", "6"], "cannot read --band '6' as a share of Multi-Adds; write it like 6%"),
        (["small.parquet", "--evaluators", "luck"], "unknown evaluator to audit 'luck'"),
        (["small.parquet", "--evaluators", "tuned"], "evaluator tuned wants --supernet FOLDER"),
        (["small.parquet", "--bootstrap", "5"], "--bootstrap must be at least 100, got 5"),
        (["small.parquet", "small.parquet"], "is given twice"),
        (["nowhere"], "nowhere"),
    ],
)
def test_mistakes_are_told_in_one_line(refused, recorded, monkeypatch, arguments, told):
    monkeypatch.chdir(recorded)
    assert told in refused("audit", *arguments)
    assert not (recorded / "audit/audit.json").exists()
