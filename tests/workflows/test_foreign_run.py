"""A run folder of somebody else's names a database: nobody connects to it, and nothing is written into a file."""

import json
import shutil
import socket
import sqlite3
from pathlib import Path

import pytest

from seesaw_nas import api
from seesaw_nas.core.errors import OptionError, RunError, StorageError
from seesaw_nas.search.history.addresses import HOSTS
from seesaw_nas.workflows import run_reading
from seesaw_nas.workflows.audit import trainings
from seesaw_nas.workflows.dashboard import dashboard
from seesaw_nas.workflows.status import read_status

TABLE = Path(__file__).resolve().parents[2] / "benchmarks/tables/digits-small.parquet"
SETTINGS = {"evaluator": "table", "table": str(TABLE), "device": "cpu"}


def seed_with(path):
    api.search(**SETTINGS, trials=1, seed_with=(str(path),), name="new", runs_dir=path.parent)


READERS = {
    "report": run_reading.read,
    "status": read_status,
    "resume": lambda path: api.resume(path, trials=3),
    "audit": lambda path: trainings.read([path]),
    "dashboard": dashboard,
    "seed-with": seed_with,
}


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """A search of two trials whose history is in an SQLite file."""
    place = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        return api.search(**SETTINGS, trials=2, storage="sqlite:///history.db", name="a", runs_dir=place)


@pytest.fixture
def foreign(searched, tmp_path):
    """The run's folder with another URL in it."""

    def made(url):
        shutil.copytree(searched.folder.path, tmp_path / "b")
        content = json.loads((tmp_path / "b/run.json").read_text())
        content["settings"]["storage"] = url
        (tmp_path / "b/run.json").write_text(json.dumps(content))
        return tmp_path / "b"

    return made


@pytest.mark.parametrize("verb", READERS)
def test_server_that_a_folder_names_is_not_connected_to(verb, foreign, monkeypatch):
    monkeypatch.setenv("PGPASSWORD", "secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0)
        path = foreign(f"postgresql://me@127.0.0.1:{server.getsockname()[1]}/db")
        with pytest.raises(OptionError, match=r"b keeps its trials in a database, .*: give --storage postgresql://me@"):
            READERS[verb](path)
        with pytest.raises(BlockingIOError):
            server.accept()


@pytest.mark.parametrize("verb", READERS)
def test_file_that_a_folder_names_is_not_touched(verb, foreign, tmp_path):
    (tmp_path / "other.db").write_bytes(b"")
    path = foreign(f"sqlite:///{tmp_path}/other.db")
    with pytest.raises(
        OptionError, match=r"give --storage sqlite:///.*, or put .*/other.db into SEESAW_NAS_STORAGE_HOSTS"
    ):
        READERS[verb](path)
    assert (tmp_path / "other.db").read_bytes() == b""


def test_relative_file_is_kept_as_an_absolute_path(searched):
    folder = searched.folder
    assert folder.description["settings"]["storage"] == f"sqlite:///{folder.path.parent}/history.db"


def test_history_is_read_where_the_user_names_the_database(searched, monkeypatch):
    path, url = searched.folder.path, searched.folder.description["settings"]["storage"]
    before = (path.parent / "history.db").read_bytes()
    assert read_status(path, url).counts == {"complete": 2}
    assert len(run_reading.read(path, url).records) == 2
    monkeypatch.setenv(HOSTS, str(path.parent))
    assert read_status(path).counts == {"complete": 2}
    assert (path.parent / "history.db").read_bytes() == before


def test_moved_database_is_named_at_resume(searched, foreign, tmp_path):
    shutil.copy(searched.folder.path.parent / "history.db", tmp_path / "moved.db")
    path = foreign("sqlite:////nowhere/history.db")
    result = api.resume(path, storage=f"sqlite:///{tmp_path}/moved.db", trials=3)
    assert [record.state for record in result.trials] == ["complete"] * 3


@pytest.mark.parametrize("content", ["", "create table notes (text)"], ids=["empty", "another program's"])
def test_file_without_searches_is_told_and_gains_no_tables(content, searched, tmp_path):
    file = tmp_path / "other.db"
    file.write_bytes(b"")
    with sqlite3.connect(file) as connection:
        connection.execute(content)
    connection.close()
    before = file.read_bytes()
    url = f"sqlite:///{file}"
    for read in (run_reading.read, read_status, lambda path, storage: api.resume(path, storage=storage)):
        with pytest.raises(
            StorageError, match=r"other\.db holds no searches: it has no tables of Optuna's, and none are"
        ):
            read(searched.folder.path, url)
    with pytest.raises(StorageError, match=r"holds no searches"):
        api.join("a", url, runs_dir=tmp_path)
    assert file.read_bytes() == before


def test_file_that_is_not_there_is_not_made(searched, tmp_path):
    with pytest.raises(OptionError, match=r"^cannot reach the storage sqlite:.*: there is no file .*gone\.db$"):
        read_status(searched.folder.path, f"sqlite:///{tmp_path}/gone.db")
    assert not (tmp_path / "gone.db").exists()


def test_file_that_is_no_database_is_told(searched, tmp_path):
    (tmp_path / "text.db").write_text("This is no database, whatever its name says. " * 30)
    with pytest.raises((OptionError, RunError), match=r"text\.db.*not a database"):
        read_status(searched.folder.path, f"sqlite:///{tmp_path}/text.db")
