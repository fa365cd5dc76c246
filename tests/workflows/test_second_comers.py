"""Of two that make the same thing at once, the second is refused or gets a name of its own, before it trains."""

import os
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from seesaw_nas import api, space
from seesaw_nas.architecture import specfile
from seesaw_nas.core import files
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.core.files import write_json
from seesaw_nas.core.run_folder import NameTaken, RunFolder
from seesaw_nas.evaluators.trained import TrainedEvaluator
from seesaw_nas.search.history import shared
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.space import Feasible
from seesaw_nas.training import loop
from seesaw_nas.training.options import TrainSettings
from seesaw_nas.workflows import folders, supernets, tabulate

SMALL = SearchSettings.of(
    dataset="digits", budget="300K", trials=1, strategy="random", epochs=1, train_size=64, device="cpu"
)


class SameSecond(datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2026, 11, 28, 14, 5, 43)


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(folders, "datetime", SameSecond)


@pytest.fixture
def untrained(monkeypatch):
    """Fails the test where anything is trained."""

    def train(*_, **__):
        pytest.fail("it trained")

    monkeypatch.setattr(loop, "train", train)
    monkeypatch.setattr(supernets, "train_supernet", train)
    monkeypatch.setattr(TrainedEvaluator, "evaluate", train)


def half(architecture, seed):
    return 0.5


def search(**more):
    return api.search("seesaw-digits", "300K", evaluator=half, strategy="random", trials=1, **more)


def write_spec(path, name):
    feasible = Feasible.of(space.load("seesaw-digits"), "300K")
    named = specfile.Named("net", feasible.draw(np.random.default_rng(0)))
    write_json(path, specfile.document(named, {"dataset": "digits"}) | {"name": name})


def test_searches_of_the_same_second_get_names_of_their_own():
    names = [search().folder.name for _ in range(3)]
    stem = "seesaw-digits-300.0K-20261128-140543"
    assert names == [stem, f"{stem}-2", f"{stem}-3"]


@pytest.mark.thorough
def test_searches_of_the_same_second_on_two_machines_get_studies_of_their_own():
    storage = {"storage": "sqlite:///runs.db"}
    names = [search(runs_dir=machine, **storage).folder.name for machine in ("one", "two")]
    assert names == ["seesaw-digits-300.0K-20261128-140543", "seesaw-digits-300.0K-20261128-140543-2"]
    assert os.listdir("two") == names[1:]  # what could not begin is not left behind


def test_a_search_of_the_same_name_is_refused():
    search(name="a")
    with pytest.raises(NameTaken):
        search(name="a")


@pytest.mark.parametrize("name", ["../x", "/x", "..", "a\nb", "a\0b"])
def test_a_search_is_below_its_folder_of_runs(name, tmp_path):
    with pytest.raises(OptionError, match="is no name for a file or folder"):
        search(name=name)
    assert list(tmp_path.iterdir()) == []


def test_a_search_on_a_folder_of_a_strange_name_gets_a_name():
    name = folders.default_name("folder:..", Feasible.of(space.load("seesaw-digits"), "300K").budget)
    assert name.endswith("-300.0K-20261128-140543")
    assert not name.startswith(".")


def test_a_second_table_is_refused_while_the_first_is_made(untrained, tmp_path):
    log = tmp_path / "t.parquet.part.jsonl"
    with files.open_locked(log), pytest.raises(RunError) as caught:
        api.tabulate(SMALL, "t.parquet", seeds=1)
    assert str(caught.value) == "another process is making t.parquet; wait for it, or choose another name"
    assert log.read_text() == ""


def test_a_table_that_another_process_finished_meanwhile_is_not_made_again(untrained, tmp_path, monkeypatch):
    prepare = tabulate.make_problem

    def other_finishes(settings):
        (tmp_path / "t.parquet").write_text("theirs")
        return prepare(settings)

    monkeypatch.setattr(tabulate, "make_problem", other_finishes)
    with pytest.raises(RunError, match=r"t\.parquet exists already and nothing is overwritten"):
        api.tabulate(SMALL, "t.parquet", seeds=1)
    assert [path.name for path in tmp_path.iterdir()] == ["t.parquet"]
    assert (tmp_path / "t.parquet").read_text() == "theirs"


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_supernet_is_refused_while_the_first_is_trained(untrained, monkeypatch, resume):
    path = "runs/supernet-seesaw-digits-quick-0"

    def first_begins(*_, **__):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(supernets, "train_supernet", first_begins)
        with pytest.raises(ZeroDivisionError):
            api.supernet(SMALL)
    run = RunFolder.open(Path(path))
    with run.hold(), pytest.raises(RunError, match="another process is working on"):
        api.supernet(SMALL, resume=resume)


@pytest.mark.parametrize("resume", [False, True])
def test_a_second_training_is_refused_while_the_first_runs(untrained, monkeypatch, tmp_path, resume):
    write_spec(tmp_path / "net.json", "net")
    settings = TrainSettings.of("net.json", recipe="quick", epochs=1, train_size=64, device="cpu")

    def first_begins(*_, **__):
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(loop, "train", first_begins)
        with pytest.raises(ZeroDivisionError):
            api.train(settings)
    run = RunFolder.open(tmp_path / "runs" / "net-quick-0")
    with run.hold(), pytest.raises(RunError, match="another process is working on"):
        api.train(settings, resume=resume)


@pytest.mark.parametrize(
    ("name", "folder"), [("../../x", "x-quick-0"), ("/tmp/x", "tmp-x-quick-0"), ("..", "unnamed-quick-0")]
)
def test_a_name_in_a_spec_file_leads_nowhere(name, folder, tmp_path, monkeypatch):
    write_spec(tmp_path / "net.json", name)
    settings = TrainSettings.of("net.json", recipe="quick", epochs=1, train_size=64, device="cpu")

    def begins(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(loop, "train", begins)
    with pytest.raises(ZeroDivisionError):
        api.train(settings)
    api.export("net.json", "json")
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.json")) == sorted(
        ["net.json", f"{folder.removesuffix('-quick-0')}.json", f"runs/{folder}/run.json", f"runs/{folder}/spec.json"]
    )


def test_a_study_that_a_killed_search_had_made_is_taken_when_it_goes_on_and_no_other(tmp_path):
    url, about = "sqlite:///runs.db", {"kind": "search", "study": "a"}
    shared.create(url, "a", "front", about)
    for other, again in ((about, False), ({"kind": "search", "study": "a", "budget": "1M"}, True)):
        with pytest.raises(NameTaken, match="the storage has a search called 'a' already"):
            shared.create(url, "a", "front", other, again=again)
    study = shared.create(url, "a", "front", about, again=True)
    study.enqueue_trial({})
    with pytest.raises(NameTaken, match="the storage has a search called 'a' already"):
        shared.create(url, "a", "front", about, again=True)
