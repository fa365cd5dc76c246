"""What ``status`` tells of a search that runs, has ended or was killed."""

import json

import pytest

from seesaw_nas import api
from seesaw_nas.core.errors import RunError
from seesaw_nas.workflows.status import read_status


@pytest.fixture
def ended(noting, architectures, tmp_path):
    """The folder of a search of four trials, of which one failed."""
    evaluator = noting()
    found = api.search("seesaw-digits", "300K", evaluator=evaluator, trials=1, runs_dir=tmp_path / "probe")
    breaks = noting(broken=found.trials[0].digest)
    return api.search("seesaw-digits", "300K", evaluator=breaks, trials=4, name="a", runs_dir=tmp_path / "runs")


def test_search_that_has_ended(ended):
    found = read_status(ended.folder.path)
    assert (found.name, found.working, found.trials, found.begun, found.running) == ("a", False, 4, 4, 0)
    assert found.counts == {"failed": 1, "complete": 3}
    assert found.best == ended.best
    assert found.seconds_left == 0.0
    assert found.workers == {}


def test_words_and_json_say_the_same(ended, cli, tmp_path):
    best = ended.best
    code, out, err = cli("status", "runs/a").answer()
    assert (code, err) == (0, "")
    assert out == (
        "run     a: finished, no process works on it\n"
        "trials  4 of 4 begun: 1 failed, 3 complete\n"
        f"best    observed score {best.top1:.6g} at {best.macs:,} Multi-Adds, trial {best.number}\n"
    )
    code, out, err = cli("status", "runs/a", "--json").answer()
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["best"] == {"trial": best.number, "digest": best.digest, "score": best.top1, "macs": best.macs}
    assert (found["begun"], found["running"], found["working"]) == (4, 0, False)


def test_names_of_a_run_cannot_steer_the_terminal(ended, cli, tmp_path):
    (tmp_path / "runs/a").rename(tmp_path / "runs/a\x1b[2J")
    journal = tmp_path / "runs/a\x1b[2J/trials.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"after":0,', b'"after":0,"worker":"\\u001b[31m\\r",', 1))
    code, out, err = cli("status", "runs/a\x1b[2J").answer()
    assert (code, err) == (0, "")
    assert out.startswith("run     a\\x1b[2J: finished, no process works on it\n")
    assert out.endswith("workers 0 busy; trials ended: \\x1b[31m\\r 1\n")


@pytest.mark.thorough
def test_search_that_runs_and_is_killed(drive, cli, noting, wait_for, tmp_path):
    folder = tmp_path / "runs/a"
    search = drive(0.3, engine="local", workers=2, trials=40)
    wait_for(lambda: (folder / "run.json").exists() and read_status(folder).counts.get("complete", 0) >= 3, search)
    found = read_status(folder)
    assert found.working
    assert found.running >= 1
    assert found.seconds_left > 0
    assert sum(found.workers.values()) == found.counts["complete"]
    assert found.workers.keys() <= {"cpu worker 0", "cpu worker 1"}
    watching = cli("status", "runs/a", "--watch")
    search.kill()
    found = read_status(folder)
    assert not found.working
    assert 1 <= found.running <= 2  # which resume begins again
    code, out, err = watching.answer()
    assert (code, err) == (0, "")
    assert "no process works on it" in out


def test_search_that_has_proposed_nothing(ended):
    ended.folder.journal.unlink()
    found = read_status(ended.folder.path)
    assert (found.begun, found.counts, found.best, found.seconds_left) == (0, {}, None, None)


def test_search_whose_journal_has_just_been_made(ended):
    ended.folder.journal.write_bytes(b"")
    assert read_status(ended.folder.path).begun == 0


def test_journal_that_is_being_written_and_one_that_is_damaged(ended):
    whole = ended.folder.journal.read_bytes()
    ended.folder.journal.write_bytes(whole[:-20])  # as while a line is being written
    assert read_status(ended.folder.path).begun == 4
    ended.folder.journal.write_text("nonsense\n" * 3)
    with pytest.raises(RunError, match=r"trials\.jsonl is not a readable history of a search: line 1: "):
        read_status(ended.folder.path)


def test_what_is_no_search_is_told_in_one_line(refused, trained_on_digits, tmp_path):
    assert refused("status", "nowhere").startswith("nowhere is not a run folder: it does not exist")
    said = refused("status", trained_on_digits)
    assert said == f"{trained_on_digits} is no search; of a training, `train --tensorboard` shows the progress"
