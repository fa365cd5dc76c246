"""A database that stays away for a while, or for too long: a server of our own is stopped and started."""

import json
from collections import Counter

import pytest
import sqlalchemy
from engine_evaluators import top1_of
from postgres import Server
from processes import InOrder

from seesaw_nas.core.errors import StorageError
from seesaw_nas.evaluators import Score
from seesaw_nas.search.history import database, patient, shared
from seesaw_nas.search.proposer import Proposer


@pytest.fixture(scope="module")
def server():
    made = Server()
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture
def open_shared(server, feasible, request, tmp_path, monkeypatch):
    """The history in the database, opened anew with every call, as by another process."""
    monkeypatch.setattr(patient, "RETRY_SECONDS", 0.05)
    name = request.node.name
    shared.create(server.url, name, "front", {"kind": "search"})
    opened = []

    def one(wait="60s", folder="a"):
        monkeypatch.setenv(database.WAIT, wait)
        study, _ = shared.join(server.url, name, keep=tmp_path / folder / "undelivered")
        (tmp_path / folder).mkdir(exist_ok=True)
        opened.append(shared.SharedHistory(study, feasible.space, feasible.budget))
        return opened[-1]

    yield one
    for history in opened:
        history.close()


def proposer(history, architectures):
    return Proposer(history, InOrder(architectures), trials=len(architectures))


def tell(asked, job):
    asked.tell(job, Score(top1_of(job.architecture), "validation", 1.0))


def states(history):
    return [record.state for record in history.records()]


def test_what_was_trained_is_kept_in_a_file_and_delivered_by_the_next_process(
    server, open_shared, architectures, tmp_path
):
    asked = proposer(open_shared("0.01s"), architectures[:2])
    jobs = [asked.ask(), asked.ask()]
    server.stop()
    try:
        for job in jobs:
            with pytest.raises(StorageError) as caught:
                tell(asked, job)
    finally:
        server.start()
    folder = tmp_path / "a/undelivered"
    said = str(caught.value)
    assert said.startswith(f"the storage {server.url} has not answered for ")
    assert f"what was trained is kept in {folder}; when it is back, go on by `seesaw-nas resume" in said
    assert "\n" not in said
    kept = [json.loads(file.read_text())["result"] for file in folder.iterdir()]
    assert sorted(result["top1"] for result in kept) == sorted(top1_of(job.architecture) for job in jobs)
    again = open_shared()
    assert states(again) == ["complete", "complete"]
    assert [trial.state.name for trial in again.study.trials] == ["COMPLETE", "COMPLETE"]
    assert not folder.exists()
    other = proposer(open_shared(folder="b"), architectures[:2])
    assert (other.ask(), other.trained) == (None, 2)


def test_kept_result_of_a_trial_that_another_process_took_over_is_dropped(server, open_shared, architectures, tmp_path):
    asked = proposer(open_shared("0.01s"), architectures[:1])
    job = asked.ask()
    server.stop()
    try:
        with pytest.raises(StorageError):
            tell(asked, job)
    finally:
        server.start()
    other = open_shared(folder="b")
    other.study._storage.set_trial_state_values(other._ids[0], patient.TrialState.FAIL)
    assert states(open_shared()) == ["lost"]
    assert not (tmp_path / "a/undelivered").exists()


def test_silent_trials_of_a_server_that_was_away_are_not_lost(server, open_shared, architectures, monkeypatch):
    """Signs of life are an hour old, as after an outage of an hour; the server has just been started."""
    one, other = open_shared(), open_shared(folder="b")
    job, second = proposer(one, architectures[:1]).ask(), proposer(other, architectures[:1])
    assert second.ask() is None
    one.close()
    engine = patient.optuna_private.storage(other.study)._database.engine
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("update trial_heartbeats set heartbeat = heartbeat - interval '1 hour'"))
    assert 0 < patient.uptime(engine) < 3600
    monkeypatch.setattr(patient, "uptime", lambda engine: 30.0)
    assert (second.ask(), states(other)) == (None, ["running"])
    monkeypatch.setattr(patient, "uptime", lambda engine: 61.0)
    assert second.ask().architecture == job.architecture


def test_connection_that_is_cut_within_a_look_at_the_trials_is_made_anew(open_shared, architectures):
    """Optuna takes the cut for a statement that is too long, and tries another in the same transaction."""
    history = open_shared()
    job = proposer(history, architectures[:1]).ask()
    engine, cut = patient.optuna_private.storage(history.study)._database.engine, []
    other = sqlalchemy.create_engine(engine.url)

    @sqlalchemy.event.listens_for(engine, "before_cursor_execute")
    def before(connection, cursor, statement, *_):
        if "FROM trials" in statement and "ORDER BY" in statement and not cut:
            cut.append(connection.connection.dbapi_connection.info.backend_pid)
            with other.connect() as own:
                own.execute(sqlalchemy.text(f"select pg_terminate_backend({cut[0]})"))

    assert [record.digest for record in open_shared().records()] == [job.architecture.digest]
    history.refresh()
    other.dispose()
    assert (len(cut), states(history)) == (1, ["running"])


@pytest.mark.thorough
def test_two_processes_lose_and_repeat_nothing_while_the_server_is_restarted_twice(drive, noting, wait_for, server):
    settings = {"storage": server.url, "trials": 10, "together": 2}
    first = drive(0.3, name="restarted", **settings)
    wait_for(lambda: noting().of("begun"), first)
    second = drive(0.3, name="restarted", join=True, storage=server.url, together=2)
    for ended in (2, 5):
        wait_for(lambda ended=ended: len(noting().ended()) >= ended, first, second)
        server.stop()
        wait_for(lambda: len(noting().ended()) == len(noting().of("begun")), first, second)  # nothing new is begun
        server.start()
    answers = [first.answer(), second.answer()]
    assert [(code, out) for code, out, _ in answers] == [(0, ""), (0, "")]
    assert all("Traceback" not in err for *_, err in answers)
    records = shared.read_records(server.url, "restarted")
    trained = [record.digest for record in records if record.state == "complete"]
    assert len(trained) == len(set(trained)) == 10
    assert sorted(noting().ended()) == sorted(trained)
    assert not Counter(record.state for record in records)["lost"]
