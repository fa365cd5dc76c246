"""Several processes on one search, through a PostgreSQL server that is begun for these tests."""

import json
from collections import Counter
from dataclasses import replace

import pytest
import sqlalchemy
from engine_evaluators import top1_of
from postgres import Server
from processes import REPOSITORY, InOrder

from seesaw_nas.core.errors import SpecError
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.evaluators import Score
from seesaw_nas.search.history import database, patient, shared
from seesaw_nas.search.proposer import Proposer

TABLE = REPOSITORY / "benchmarks/tables/digits-small.parquet"


@pytest.fixture(scope="module")
def server():
    """The URL of a database."""
    made = Server()
    try:
        made.start()
        yield made.url
    finally:
        made.close()


@pytest.fixture
def sql(server):
    """Run a statement on the server; returns the rows."""
    engine = sqlalchemy.create_engine(server.replace("postgresql://", "postgresql+psycopg://"))

    def run(statement):
        with engine.begin() as connection:
            found = connection.execute(sqlalchemy.text(statement))
            return found.all() if found.returns_rows else []

    yield run
    engine.dispose()


# --- histories in this process, none of which shows a sign of life before ten seconds are over


@pytest.fixture
def open_shared(server, feasible, request):
    """The history in the database, opened anew with every call, as by another process."""
    name = request.node.name
    shared.create(server, name, "front", {"kind": "search"})
    opened = []

    def one():
        study, _ = shared.join(server, name)
        opened.append(shared.SharedHistory(study, feasible.space, feasible.budget))
        return opened[-1]

    yield one
    for history in opened:
        history.close()


@pytest.fixture
def silent(sql, monkeypatch):
    """As if there had been no sign of life of any running trial for an hour, from a server that was there all along."""
    monkeypatch.setattr(patient, "uptime", lambda engine: 3600.0)
    return lambda: sql("update trial_heartbeats set heartbeat = heartbeat - interval '1 hour'")


def proposer(history, architectures):
    return Proposer(history, InOrder(architectures), trials=len(architectures))


def tell(asked, job):
    asked.tell(job, Score(top1_of(job.architecture), "validation", 1.0))


def states(history):
    return [record.state for record in history.records()]


def test_other_process_s_trial_is_seen_and_waited_for(open_shared, architectures):
    one, other = open_shared(), open_shared()
    first, second = proposer(one, architectures[:2]), proposer(other, architectures[:2])
    jobs = first.ask(), second.ask()
    assert [job.number for job in jobs] == [0, 1]
    assert jobs[0].architecture != jobs[1].architecture
    tell(second, jobs[1])
    assert (second.ask(), second.ended) == (None, "")  # the first may be lost yet
    tell(first, jobs[0])
    assert second.ask() is None
    assert second.ended == first.ask() or second.ended == "the wanted number of trials, 2, is reached"
    assert states(one) == states(other) == ["complete"] * 2
    assert one.records() == other.records()


def test_same_architecture_from_two_processes_is_trained_by_the_one_with_the_lower_number(open_shared, architectures):
    one, other = open_shared(), open_shared()
    first, jobs = proposer(one, architectures[:1]), []

    class AtOnce:
        def propose(self, history, taken):
            jobs.append(first.ask())  # between this process's look at the database and its proposal
            return history.add(architectures[0])

    second = Proposer(other, AtOnce(), trials=1)
    assert second.ask() is None
    assert (other[1].state, other[1].reason) == ("duplicate", "same architecture as trial 0")
    tell(first, jobs[0])
    assert second.ask() is None
    assert second.ended == "the wanted number of trials, 1, is reached"
    assert states(other) == ["complete", "duplicate"]


def test_trial_of_a_silent_process_is_begun_once_more_by_one_other(open_shared, architectures, silent):
    one, other, third = open_shared(), open_shared(), open_shared()
    job = proposer(one, architectures[:1]).ask()
    second = proposer(other, architectures[:1])
    assert second.ask() is None
    silent()
    again = second.ask()
    assert (again.number, again.architecture) == (1, job.architecture)
    assert other.attempts(1) == 1  # that a process was lost is not held against it
    assert proposer(third, architectures[:1]).ask() is None
    tell(second, again)
    assert states(other) == ["lost", "complete"]
    assert other[1].origin == "again: trial 0 was lost"


def test_trial_is_begun_again_however_many_processes_are_lost_within_it(open_shared, architectures, silent):
    for number in range(4):
        history = open_shared()
        silent()
        asked = proposer(history, architectures[:1])
        job = asked.ask()
        assert (job.number, job.architecture) == (number, architectures[0])
        history.close()
    tell(asked, job)
    assert states(history) == ["lost"] * 3 + ["complete"]


def test_process_that_was_only_slow_loses_its_trial_and_goes_on(open_shared, architectures, silent):
    one, other = open_shared(), open_shared()
    first, second = proposer(one, architectures[:2]), proposer(other, architectures[:2])
    slow = first.ask()
    silent()
    again = second.ask()
    tell(first, slow)
    assert one[0].state == "lost"
    assert one[0].reason == "no sign of life came from its process, so that another took it over"
    job = first.ask()
    tell(second, again)
    tell(first, job)
    assert first.ask() is None
    assert first.ended == "the wanted number of trials, 2, is reached"
    assert Counter(states(one)) == {"lost": 1, "complete": 2}
    assert {record.digest for record in one.complete} == {a.digest for a in architectures[:2]}


def test_process_that_slept_takes_up_its_own_trial(open_shared, architectures, silent):
    history = open_shared()
    asked = proposer(history, architectures[:1])
    first = asked.ask()
    silent()
    again = asked.ask()
    assert again.architecture == first.architecture
    tell(asked, first)
    tell(asked, again)
    assert states(history) == ["lost", "complete"]


def test_trial_whose_process_died_before_its_first_sign_of_life_is_found(open_shared, architectures, silent, sql):
    proposer(open_shared(), architectures[:1]).ask()
    sql("delete from trial_heartbeats")
    second = proposer(open_shared(), architectures[:1])
    assert second.ask() is None
    silent()
    assert second.ask().number == 1


def test_dropped_trial_that_was_lost_meanwhile_does_no_harm(open_shared, architectures, silent):
    one, other = open_shared(), open_shared()
    first = proposer(one, architectures[:1])
    job = first.ask()
    silent()
    other.refresh()
    first.drop(job)
    assert len(other.take_over_lost()) == 1


def test_proposal_that_another_process_is_about_to_close_is_left_to_it(open_shared, monkeypatch):
    def decode(space, genotype):
        raise SpecError("there is no such block")

    one, other = open_shared(), open_shared()
    with monkeypatch.context() as patch:
        patch.setattr("seesaw_nas.search.history.study_history.decode", decode)
        number = one.ask()
    other.refresh()
    assert other.records() == []
    one.finish(number, replace(one[number], state="infeasible"))
    other.refresh()
    assert (other[number].state, other[number].reason) == ("infeasible", "there is no such block")


# --- processes


def records(server, name="a"):
    return shared.read_records(server, name)


@pytest.mark.thorough
def test_two_processes_train_everything_once_and_share_it(drive, noting, server, tmp_path):
    settings = {"storage": server, "trials": 10, "together": 2}
    first = drive(0.1, name="together", **settings)
    noted = noting()
    while not noted.of("begun"):
        assert first.popen.poll() is None, first.answer()
    second = drive(0.1, name="together", join=True, storage=server, together=2)
    assert first.answer() == second.answer() == (0, "", "")
    trained = [record for record in records(server, "together") if record.state == "complete"]
    assert len(trained) == len({record.digest for record in trained}) == 10
    assert sorted(noted.ended()) == sorted(record.digest for record in trained)
    assert set(noted.of("ended")) == {first.pid, second.pid}
    folders = sorted((tmp_path / "runs").iterdir())
    assert [folder.name.startswith("together") for folder in folders] == [True, True]
    fronts = [(folder / "pareto.csv").read_text() for folder in folders]
    assert fronts[0] == fronts[1]


@pytest.mark.thorough
def test_trial_of_a_killed_process_is_trained_by_the_one_that_joined(drive, noting, wait_for, server):
    first = drive(600.0, name="killed", storage=server, trials=3, short_grace=3)
    wait_for(lambda: noting().of("begun"), first)
    second = drive(0.0, name="killed", join=True, storage=server, short_grace=3)
    wait_for(lambda: len(noting().ended()) == 2, first, second)
    first.kill()
    assert second.answer() == (0, "", "")
    assert Counter(record.state for record in records(server, "killed")) == {"lost": 1, "complete": 3}
    assert len(set(noting().ended())) == len(noting().ended()) == 3


@pytest.mark.thorough
def test_killed_search_in_a_database_is_resumed_to_its_end(drive, noting, wait_for, server, tmp_path, monkeypatch):
    from seesaw_nas import api

    first = drive(600.0, name="resumed", storage=server, trials=3, short_grace=2)
    wait_for(lambda: noting().of("begun"), first)
    first.kill()
    monkeypatch.setattr(database, "GRACE_SECONDS", 2)
    result = api.resume(tmp_path / "runs/resumed", storage=server, given=api.Objects(evaluator=noting()))
    assert Counter(record.state for record in result.trials) == {"lost": 1, "complete": 3}
    assert len(set(noting().ended())) == 3


# --- the command line


def table_search(server, *arguments):
    return ["search", "--evaluator", "table", "--table", TABLE, "--device", "cpu", "--storage", server, *arguments]


@pytest.mark.thorough
def test_search_with_a_password_is_joined_and_told_without_it(cli, server, tmp_path, monkeypatch):
    with_password = server.replace("@", ":geheim@wort/:zeichen@")
    answer = cli(*table_search(with_password, "--trials", 6, "--name", "tabled")).answer()
    assert (answer.code, answer.err) == (0, "")
    assert "geheim" not in answer.out
    assert "zeichen" not in answer.out
    for file in (tmp_path / "runs/tabled").iterdir():
        content = file.read_text(errors="replace")
        assert not [part for part in ("geheim", "zeichen") if part in content]
    assert RunFolder.open(tmp_path / "runs/tabled").description["settings"]["storage"] == server
    answer = cli("search", "--join", "tabled", "--storage", with_password, "--trials", 9, "--json").answer()
    assert answer.code == 0
    assert json.loads(answer.out)["counts"]["recorded"] == 9
    assert "geheim" not in answer.out + answer.err
    assert len({record.digest for record in records(server, "tabled")}) == 9
    told = json.loads(cli("status", "runs/tabled", "--storage", server, "--json").answer().out)
    assert (told["counts"], told["working"]) == ({"complete": 9}, False)


def test_mistakes_are_told_in_one_line(refused, server, tmp_path):
    nowhere = server.replace("127.0.0.1:", "127.0.0.1:1", 1).rpartition(":")[0] + ":1/nothing"
    shared.create(server, "taken", "front", {"kind": "search"})
    secret = nowhere.replace("@", ":secret@")
    said = refused("search", "--join", "nobody", "--storage", server)
    assert said.startswith("the storage has no search called 'nobody' (it has: ")
    assert refused("search", "--join", "taken") == "--join wants the --storage that the search is in"
    named = refused("search", "--join", "taken", "--storage", "sqlite:///a.db", "--name", "mine")
    assert named == "--join makes a folder of its own; leave out --name and --resume"
    said = refused(*table_search(secret))
    assert said.startswith(f"cannot reach the storage {nowhere}: ")
    assert "secret" not in said
    assert refused(*table_search("nonsense")) == (
        "--storage wants the URL of a database, such as postgresql://user@host/name, got 'nonsense'"
    )
    said = refused(*table_search(server, "--scheduler", "asha"))
    assert said == "--scheduler asha wants the history in the run's file; leave out --storage"
    said = refused(*table_search(server, "--name", "taken"))
    assert said.startswith("the storage has a search called 'taken' already; join it by --join taken, or choose")
    assert not list((tmp_path / "runs").iterdir())
