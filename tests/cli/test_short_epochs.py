"""``--short-epochs`` from the command line: what it refuses, and that every figure says of which schedule it is."""

import json

import pytest

SMALL = ("--dataset", "digits", "--budget", "300K", "--train-size", "64", "--device", "cpu", "--validation-size", "60")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--short-epochs", "few"], "--short-epochs wants auto, or a whole number of epochs from 0 on, got 'few'"),
        (["--short-epochs", "1.5"], "--short-epochs wants auto, or a whole number of epochs from 0 on, got '1.5'"),
        (["--short-epochs", "200000"], "--short-epochs must be at most 100,000, got 200000"),
        (
            ["--short-epochs", "4", "--epochs", "4"],
            "--short-epochs must be less than the 4 epochs of a whole training, got 4",
        ),
        (
            ["--short-epochs", "2", "--scheduler", "asha"],
            "--short-epochs 2 wants --scheduler none, got asha; leave out one of them",
        ),
        (
            ["--short-epochs", "2", "--strategy", "tpe"],
            "--short-epochs 2 wants a strategy that can use short trainings: random, thompson; got tpe",
        ),
        (
            ["--short-epochs", "2", "--plan", "shared"],
            "--short-epochs 2 is no part of --plan shared, which halves in rounds of its own; leave it out",
        ),
        (
            ["--short-epochs", "2", "--evaluator", "proxy:flow"],
            "--short-epochs 2 wants an evaluator that trains from scratch, got proxy:flow; leave it out",
        ),
    ],
)
def test_mistakes_are_one_line(refused, options, message):
    assert refused("search", *SMALL, "--trials", "2", *options) == message


def test_every_figure_says_of_which_schedule_it_is(cli, tmp_path):
    code, out, err = cli("search", *SMALL, "--trials", "2", "--epochs", "3", "--short-epochs", "1", "--name", "a")
    assert (code, err) == (0, "")
    # six epochs: three short trainings, then a whole one
    assert "plan      6 epochs by thompson: 3 short trainings by a 1-epoch schedule, then 1 whole ones of 3" in out
    assert out.count(", by a 1-epoch schedule\n") == 3
    assert "ended because the epochs of 2 whole trainings, 6, are spent; 1 trained, 3 by a 1-epoch schedule" in out
    assert json.loads((tmp_path / "runs/a/run.json").read_text())["settings"]["short_epochs"] == "1"
    best = json.loads((tmp_path / "runs/a/best.json").read_text())["result"]
    assert (best["trial"], best["epochs"]) == (3, 3)
    assert "3 trained by a schedule of 1 epochs" in (tmp_path / "runs/a/report.html").read_text()
    status = cli("status", "runs/a").out
    assert "trials  4 of 4 begun: 3 short, 1 complete\n        short: trained by a 1-epoch schedule" in status
    assert "best    observed top-1" in status
    code, out, _ = cli("resume", "runs/a", "--trials", "3")
    assert code == 0
    assert "plan      1 trial by thompson" in out  # nine epochs: one of the three is exchanged for three short ones


def test_auto_stays_without_them_where_a_search_is_small(cli, tmp_path):
    assert cli("search", *SMALL, "--trials", "1", "--epochs", "1", "--short-epochs", "auto", "--name", "a").code == 0
    assert json.loads((tmp_path / "runs/a/run.json").read_text())["settings"]["short_epochs"] == "0"


def test_a_dry_run_plans_the_short_trainings_that_a_search_would_do(cli):
    options = ("--dataset", "digits", "--budget", "600K", "--train-size", "60", "--epochs", "4", "--trials", "4")
    code, out, err = cli("search", *options, "--short-epochs", "2", "--dry-run")
    assert (code, err) == (0, "")
    assert "16 epochs by thompson: 4 short trainings by a 2-epoch schedule, then 2 whole ones of 4 epochs" in out
