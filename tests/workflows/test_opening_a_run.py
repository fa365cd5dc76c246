"""A run is opened once: each of its files is read once, and what was read opens none again."""

import json
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

import pytest

from seesaw_nas import api, report
from seesaw_nas.core.errors import RunError
from seesaw_nas.core.files import write_json
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.deploy import latency
from seesaw_nas.search.history import shared
from seesaw_nas.workflows import run_reading, train
from seesaw_nas.workflows.audit import trainings
from seesaw_nas.workflows.status import read_status

TABLE = Path(__file__).resolve().parents[2] / "benchmarks" / "tables" / "digits-small.parquet"
_LISTENING: list[list[Path]] = []


def _heard(event, arguments):
    if event == "open" and _LISTENING and isinstance(arguments[0], str | Path):
        _LISTENING[-1].append(Path(arguments[0]))


sys.addaudithook(_heard)  # for the rest of the process: Python has no way to take one away


@contextmanager
def opened(folder):
    """How often each JSON file of a folder is opened within."""
    paths, counts = [], Counter()
    _LISTENING.append(paths)
    try:
        yield counts
    finally:
        _LISTENING.pop()
        counts.update(path.name for path in paths if path.suffix == ".json" and path.parent == folder)


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A search of 20 trials, its two best trained again, and its front timed."""
    found = api.search(
        evaluator="table", table=str(TABLE), trials=20, device="cpu", confirm=2, confirm_seeds=2,
        name="a", runs_dir=tmp_path_factory.mktemp("runs"),
    )  # fmt: skip
    write_json(found.folder.latency, latency.document([], {"device": "CPU"}))
    return found


def test_a_run_is_read_once_for_its_report(searched):
    folder = searched.folder.path
    with opened(folder) as counts:
        run = run_reading.read(folder)
    assert counts == {"run.json": 1, "confirmed.json": 1, "latency.json": 1, "best.json": 1}
    with opened(folder) as counts:
        shown = report.all_figures(run)
        report.compare_runs([run, run])
        assert run.best.digest == searched.best.digest
    assert counts == {}
    assert "calibration" in {one.name for one in shown}


def test_a_run_is_read_once_for_its_status(searched):
    with opened(searched.folder.path) as counts:
        assert read_status(searched.folder.path).counts["complete"] == 20
    assert counts == {"run.json": 1}


def test_a_front_is_listed_without_opening_a_file(searched):
    with opened(searched.folder.path) as counts:
        front = searched.front()
        assert len(front) > 4
        assert searched.best.digest in searched.confirmed.spreads
        assert (searched.timings.latencies, searched.stages) == ({}, [])
        for member in front:
            searched.named(member)
    assert counts == {}


def test_a_resumed_search_reads_what_it_is_once_and_writes_it_never(searched):
    before = searched.folder.description_file.stat().st_mtime_ns
    with opened(searched.folder.path) as counts:
        again = api.resume(searched.folder.path)
    assert counts["run.json"] == 1
    assert again.front() == searched.front()
    assert searched.folder.description_file.stat().st_mtime_ns == before


def test_every_reader_refuses_a_run_of_a_newer_release(searched, tmp_path):
    newer = tmp_path / "newer"
    newer.mkdir()
    write_json(newer / "run.json", {**searched.folder.description, "schema_version": 2})
    readers = (run_reading.read, read_status, api.resume, lambda path: trainings.read([path]))
    for reader in readers:
        with pytest.raises(RunError, match=r"run\.json has schema version 2, this release reads up to 1"):
            reader(newer)


def test_a_newer_release_s_training_is_not_gone_on_with(searched, tmp_path):
    newer = tmp_path / "newer"
    newer.mkdir()
    write_json(newer / "run.json", {"kind": "training", "schema_version": 2})
    settings = train.TrainSettings.of(str(searched.folder.best), dataset="digits", epochs=1, device="cpu")
    with pytest.raises(RunError, match=r"run\.json has schema version 2"):
        train.train(settings, newer, resume=True)


def test_a_newer_release_s_search_in_a_database_is_not_joined(tmp_path):
    url = f"sqlite:///{tmp_path}/history.db"
    shared.create(url, "a", "front", {"kind": "search", "schema_version": 2})
    with pytest.raises(RunError) as caught:
        api.join("a", url, runs_dir=tmp_path)
    assert str(caught.value) == (
        "the search 'a' in the storage has schema version 2, this release reads up to 1; use a newer release"
    )


def test_a_search_from_before_there_was_a_schema_version_is_read(searched, tmp_path):
    before = tmp_path / "before"
    before.mkdir()
    description = {name: value for name, value in searched.folder.description.items() if name != "schema_version"}
    write_json(before / "run.json", description)
    (before / "trials.jsonl").write_bytes(searched.folder.journal.read_bytes())
    assert [trial.digest for trial in run_reading.read(before).records] == [trial.digest for trial in searched.trials]
    assert json.loads(searched.folder.description_file.read_text())["schema_version"] == 1
    assert RunFolder.open(before).description == description
