"""``runs`` lists what is in a folder, and names what it cannot list."""

import fcntl
import json

import pytest

from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search.settings import SearchSettings

HEADER = '{"schema_version":1,"study":"a","objectives":"front","budget":[0,300000],"genes":{"width":["8"]}}\n'


def propose(number, at):
    return f'{{"propose":{number},"genes":"0","origin":"","attempts":1,"seed":0,"at":{at}}}\n'


def end(number, state, top1=""):
    figure = f',"top1":{top1}' if top1 else ""
    return f'{{"end":{number},"state":"{state}","attempts":1,"seconds":1.0,"after":0,"curve":[]{figure},"at":1.0}}\n'


@pytest.fixture
def make(tmp_path):
    """A run folder with these lines as its history."""

    def made(name, *lines, kind="search", **changes):
        (tmp_path / "runs").mkdir(exist_ok=True)
        settings = SearchSettings.of(dataset="digits", budget="300K", trials=2, **changes).to_dict()
        about = {"kind": kind, "settings": settings, "budget": {"low": 0, "high": 300_000}, "space": "seesaw-digits"}
        folder = RunFolder.create(tmp_path / "runs" / name, about)
        if lines:
            folder.journal.write_text(HEADER + "".join(lines))
        return folder

    return made


def listed(cli, *arguments):
    code, out, err = cli("runs", "--json", *arguments)
    assert (code, err) == (0, "")
    return json.loads(out)


def test_each_run_is_listed_with_state_best_and_trials_the_latest_first(make, cli):
    make("whole", propose(0, 100.0), end(0, "complete", 0.5), propose(1, 101.0), end(1, "complete", 0.75))
    make("short", propose(0, 300.0), end(0, "complete", 0.25))
    make("broken", propose(0, 200.0), end(0, "failed"), propose(1, 201.0), end(1, "failed"))
    rows = {run["name"]: run for run in listed(cli)["runs"]}
    assert list(rows) == ["short", "broken", "whole"]
    assert [rows[name]["state"] for name in rows] == ["stopped", "failed", "finished"]
    assert [rows[name]["best"] for name in rows] == [0.25, None, 0.75]
    assert rows["whole"]["counts"] == {"complete": 2}
    _, *lines = cli("runs").out.splitlines()
    assert lines[0].split()[:6] == ["short", "stopped", "1", "of", "2", "25.00%"]
    assert lines[2].split()[:9] == [
        "whole", "finished", "2", "of", "2", "75.00%", "300.0K", "digits", "seesaw-digits",
    ]  # fmt: skip


def test_a_run_on_which_a_process_works_is_running(make, cli):
    folder = make("now", propose(0, 100.0))
    with (folder.path / "owner.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert listed(cli)["runs"][0]["state"] == "running"
    assert listed(cli)["runs"][0]["state"] == "stopped"


def test_a_search_that_has_begun_nothing_is_listed(make, cli):
    make("new")
    assert cli("runs").out.splitlines()[1].split()[:6] == ["new", "stopped", "0", "of", "2", "-"]


def test_a_proxy_s_score_is_no_percentage(make, cli):
    make("cheap", propose(0, 1.0), end(0, "complete", 0.5), evaluator="proxy:params")
    assert cli("runs").out.splitlines()[1].split()[:6] == ["cheap", "stopped", "1", "of", "2", "0.5"]


def test_trainings_are_listed_with_what_they_came_to(make, cli):
    folder = make("final", kind="training")
    assert listed(cli)["runs"][0]["state"] == "stopped"
    (folder.path / "result.json").write_text('{"top1": 0.9, "split": "test"}')
    run = listed(cli)["runs"][0]
    assert (run["kind"], run["state"], run["best"], run["split"]) == ("training", "finished", 0.9, "test")
    (folder.path / "result.json").write_text('{"top1": 7, "split": "test"}')
    assert listed(cli)["damaged"]["final"] == (
        "runs/final/result.json is damaged (top1: a fraction from 0 to 1 is wanted, got 7); restore it"
    )


def test_damaged_and_foreign_folders_are_named_and_cost_no_other_run(make, cli, tmp_path):
    make("good", propose(0, 1.0), end(0, "complete", 0.5))
    make("torn", "hello\n")
    make("bad").description_file.write_text("{")
    (tmp_path / "runs" / "notes").mkdir()
    found = listed(cli)
    assert [run["name"] for run in found["runs"]] == ["good"]
    assert sorted(found["damaged"]) == ["bad", "torn"]
    assert "line 2 is damaged" in found["damaged"]["torn"]
    assert found["foreign"] == ["notes"]
    code, out, _ = cli("runs")
    assert code == 0
    assert "torn cannot be listed: runs/torn/trials.jsonl is not a readable history" in out
    assert out.endswith("no runs: notes\n")


def test_a_run_in_a_database_says_where_its_trials_are(make, cli):
    make("shared", storage="sqlite:///trials.db")
    assert "shared: its trials are in a database; `status --storage URL` reads them" in cli("runs").out


def test_a_folder_that_is_none_or_a_run_itself_is_refused(make, refused, tmp_path):
    assert refused("runs", "nowhere") == (
        "cannot list the runs in nowhere: No such file or directory; give a folder of runs"
    )
    make("a")
    assert refused("runs", "runs/a").startswith("runs/a is a run itself, `seesaw-nas status runs/a` shows it")


def test_an_empty_folder_has_no_runs(cli, tmp_path):
    (tmp_path / "runs").mkdir()
    assert cli("runs").out == "no runs in runs\n"
