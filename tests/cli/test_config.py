"""A search from a file: what it may say, what wins, and what it is refused for."""

import json
import tomllib

import pytest

from seesaw_nas.core.errors import OptionError
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search import configuration
from seesaw_nas.search.settings import SearchSettings

TEXT = """
dataset = "digits"
budget = 300_000
trials = 3
train-size = 64
seeds = 2
seed_with = ["reference"]
curve = false
name = "mine"
time_limit = "2h"
"""


@pytest.fixture
def effective(cli, tmp_path):
    """What a search from a file would do: the configuration that it prints, read as TOML."""

    def read(text, *arguments):
        (tmp_path / "search.toml").write_text(text, encoding="utf-8")
        code, out, err = cli("search", "--config", "search.toml", "--print-config", *arguments)
        assert (code, err) == (0, "")
        assert not (tmp_path / "runs").exists()
        return tomllib.loads(out)

    return read


def test_a_file_gives_options_and_the_command_line_wins(effective):
    found = effective(TEXT, "--trials", "5", "--curve", "--seed-with", "a.json", "--name", "yours")
    assert (found["dataset"], found["budget"], found["train_size"], found["seeds"]) == ("digits", "300000", 64, 2)
    assert (found["trials"], found["curve"], found["seed_with"]) == (5, True, ["a.json"])
    assert (found["name"], found["time_limit"], found["runs_dir"]) == ("yours", "2h", "runs")
    assert (found["recipe"], found["epochs"]) == ("quick", 0)  # what nobody says has its default


def test_what_is_printed_is_read_back_as_it_was(effective, cli, tmp_path):
    first = effective(TEXT.replace('"mine"', '"mi-né"'), "--scheduler", "asha", "--storage", "")
    (tmp_path / "again.toml").write_text(cli("search", "--config", "search.toml", "--print-config").out)
    again = tomllib.loads(cli("search", "--config", "again.toml", "--print-config", "--scheduler", "asha").out)
    assert again == first
    assert len(first) == len(SearchSettings().to_dict()) - 1 + 3  # but gpus_per_trial, of which nothing is said


def test_a_password_is_not_printed(cli):
    out = cli("search", "--print-config", "--storage", "postgresql://me:secret@host/db").out
    assert "secret" not in out
    assert "me" in tomllib.loads(out)["storage"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("trails = 3", "unknown key 'trails', did you mean 'trials'? (known: budget, space, "),
        ("[training]\nepochs = 3", "unknown key 'training'"),
        ("json = true", "unknown key 'json'"),
        ("trials = '3'", "trials wants a whole number, got the text '3'"),
        ("trials = 0", "--trials must be at least 1, got 0"),
        ("strategy = 'evolutoin'", "unknown strategy 'evolutoin', did you mean 'evolution'?"),
        ("seed_with = 'reference'", "seed_with wants a tuple of names, got the text 'reference'"),
        ("seeds = 2\nconfirm_seeds = 3", "confirm_seeds is given twice, under two spellings; keep one of them"),
        ("name = 3", "name wants a text, got 3"),
        ("trials = ", "search.toml is not a TOML file: Invalid value"),
    ],
)
def test_what_is_no_option_is_refused_by_name(refused, tmp_path, text, message):
    (tmp_path / "search.toml").write_text(text)
    said = refused("search", "--config", "search.toml")
    assert said.removeprefix("search.toml: ").startswith(message)
    assert not (tmp_path / "runs").exists()


def test_a_missing_file_is_named(refused):
    assert refused("search", "--config", "none.toml") == (
        "cannot read the configuration none.toml: No such file or directory"
    )


@pytest.fixture
def run_of(tmp_path):
    """A run folder with these settings."""

    def made(kind="search", given=(), **changes):
        settings = SearchSettings.of(dataset="digits", **changes).to_dict()
        about = {"kind": kind, "given": list(given), "settings": settings}
        return RunFolder.create(tmp_path / "runs" / "before", about)

    return made


def test_a_run_is_fed_back(run_of, cli):
    run_of(budget="300K", trials=7, seed_with=("reference",), gpus_per_trial=0.5, engine="ray")
    for path in ("runs/before", "runs/before/run.json"):
        found = tomllib.loads(cli("search", "--config", path, "--print-config", "--seed", "4").out)
        assert (found["budget"], found["trials"], found["seed"], found["engine"]) == ("300K", 7, 4, "ray")
        assert (found["seed_with"], found["gpus_per_trial"]) == (["reference"], 0.5)
        assert "name" not in found  # two runs of one name cannot be


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"storage": "postgresql://me@127.0.0.1:1/db"}, "give --storage postgresql://me@127.0.0.1:1/db, or put"),
        ({"storage": "sqlite:////x/y.db"}, "give --storage sqlite:////x/y.db, or put"),
        ({"engine": "ray", "ray_address": "10.0.0.1:6379"}, "give --ray-address 10.0.0.1:6379, or put its host into"),
        ({"cache_dir": "/nowhere/copies"}, "which holds none; say by --cache-dir where they are now"),
    ],
)
def test_what_a_run_says_is_opened_only_where_the_user_names_it(run_of, refused, cli, tmp_path, changes, message):
    run_of(**changes)
    assert message in refused("search", "--config", "runs/before", "--name", "mine")
    assert message in refused("search", "--config", "runs/before/run.json", "--dry-run")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["before", "run.json", "runs"]
    (option, value) = list(changes.items())[-1]
    named = cli("search", "--config", "runs/before", "--print-config", f"--{option.replace('_', '-')}", value).out
    assert tomllib.loads(named)[option] == value
    assert getattr(configuration.read_settings("runs/before").placement, option, "") == ""


def test_what_the_environment_allows_is_taken_over_from_a_run(run_of, cli, monkeypatch):
    monkeypatch.setenv("SEESAW_NAS_STORAGE_HOSTS", "db.mylab.org")
    run_of(storage="postgresql://me@db.mylab.org/a")
    found = tomllib.loads(cli("search", "--config", "runs/before", "--print-config").out)
    assert found["storage"] == "postgresql://me@db.mylab.org/a"


def test_a_run_that_no_file_can_repeat_is_refused(run_of, refused, tmp_path):
    folder = run_of(given=["evaluator"])
    assert refused("search", "--config", "runs/before") == (
        "runs/before/run.json: that search was given objects of a program, which no file holds: evaluator"
    )
    folder.description_file.write_text(json.dumps({"kind": "training", "settings": {"epochs": 3}}))
    assert "it is not of a search" in refused("search", "--config", "runs/before")
    (tmp_path / "list.json").write_text("[1]")
    assert "is not the description of a run" in refused("search", "--config", "list.json")


def test_a_program_reads_the_same_file(tmp_path):
    path = tmp_path / "search.toml"
    path.write_text(TEXT)
    settings = configuration.read_settings(path)
    assert settings == SearchSettings.of(
        dataset="digits",
        budget="300000",
        trials=3,
        train_size=64,
        confirm_seeds=2,
        seed_with=("reference",),
        curve=False,
    )
    path.write_text("epoch = 3")
    with pytest.raises(OptionError, match=r"search\.toml: unknown key 'epoch', did you mean 'epochs'\?"):
        configuration.read_settings(path)


def test_a_search_is_carried_out_from_a_file(cli, tmp_path):
    (tmp_path / "search.toml").write_text(
        'dataset = "digits"\nbudget = "300K"\ntrials = 1\nevaluator = "proxy:depth"\nname = "filed"\ndevice = "cpu"\n'
    )
    assert cli("search", "--config", "search.toml").code == 0
    assert json.loads((tmp_path / "runs/filed/run.json").read_text())["settings"]["evaluator"] == "proxy:depth"
    assert cli("search", "--config", "runs/filed", "--name", "again", "--trials", "2").code == 0
    assert json.loads((tmp_path / "runs/again/run.json").read_text())["settings"]["trials"] == 2
