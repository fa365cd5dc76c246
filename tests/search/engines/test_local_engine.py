"""The search on worker processes: who trains what, what a dead worker costs, and how it ends."""

import json
import signal
from collections import Counter

import pytest
from processes import gone

from seesaw_nas import api
from seesaw_nas.api import Objects
from seesaw_nas.core.errors import OptionError
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search.engines import local
from seesaw_nas.search.engines.worker import Place, places
from seesaw_nas.search.history.trials_file import read_records
from seesaw_nas.search.listener import Listener

TWO = [Place("worker 0", "cpu"), Place("worker 1", "cpu")]  # without a share of the CPU, so that torch is not loaded
DIGITS = {"device": "cpu", "epochs": 1, "train_size": 64}

# --- where workers compute


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (("cpu", 2, 1, 0, 8), [("cpu worker 0", "cpu", 4), ("cpu worker 1", "cpu", 4)]),
        (("cpu", 3, 1, 0, 8), [(f"cpu worker {i}", "cpu", 2) for i in range(3)]),  # 8 cores: 2 each, 2 are left
        (("cpu", 0, 1, 2, 3), [(f"cpu worker {i}", "cpu", 1) for i in range(3)]),
        (("cpu", 4, 1, 0, 2), [(f"cpu worker {i}", "cpu", 1) for i in range(4)]),
        (("cpu", 2, 1, 0, 8, 3), [("cpu worker 0", "cpu", 3), ("cpu worker 1", "cpu", 3)]),  # as the user says
        (("cpu", 2, 1, 0, 8, 0, 1), [("cpu worker 0", "cpu", 1), ("cpu worker 1", "cpu", 1)]),  # as the system says
        (("cuda", 0, 1, 2, 8), [("cuda:0 worker 0", "cuda:0", 0), ("cuda:1 worker 1", "cuda:1", 0)]),
        (("cuda", 0, 2, 2, 8), [(f"cuda:{i % 2} worker {i}", f"cuda:{i % 2}", 0) for i in range(4)]),
        (("cuda", 3, 1, 2, 8), [(f"cuda:{i % 2} worker {i}", f"cuda:{i % 2}", 0) for i in range(3)]),
        (("cuda:1", 0, 1, 4, 8), [("cuda:1 worker 0", "cuda:1", 0)]),
        (("cuda:1", 0, 3, 4, 8), [(f"cuda:1 worker {i}", "cuda:1", 0) for i in range(3)]),
        (("cuda:1", 2, 1, 4, 8), [(f"cuda:1 worker {i}", "cuda:1", 0) for i in range(2)]),
    ],
)
def test_workers_get_their_share_of_the_cores_or_the_gpus_in_turn(given, wanted):
    assert [(place.name, place.device, place.threads) for place in places(*given)] == wanted


# --- what is trained


@pytest.mark.thorough
def test_search_on_two_workers_as_a_user_types_it(cli, tmp_path):
    answer = cli(
        "search", "--budget", "300K", "--epochs", 1, "--train-size", 64, "--device", "cpu", "--trials", 4,
        "--engine", "local", "--workers", 2, "--name", "a",
    ).answer()  # fmt: skip
    assert (answer.code, answer.err) == (0, "")
    assert "engine    local: 2 workers on cpu, 1 thread each\n" in answer.out
    assert "ended because the wanted number of trials, 4, is reached; 4 trained" in answer.out
    records = read_records(tmp_path / "runs/a/trials.jsonl")
    assert [record.state for record in records] == ["complete"] * 4
    assert len({record.digest for record in records}) == 4
    assert {record.worker for record in records} == {"cpu worker 0", "cpu worker 1"}
    for name in ("run.json", "pareto.csv", "best.json", "report.html"):
        assert (tmp_path / "runs/a" / name).stat().st_size
    best = max(records, key=lambda record: record.top1)
    assert json.loads((tmp_path / "runs/a/best.json").read_text())["result"]["top1"] == best.top1


@pytest.mark.thorough
def test_run_of_two_workers_goes_on_without_them(tmp_path):
    begun = api.search(
        "seesaw-digits", "300K", **DIGITS, trials=1, engine="local", workers=2, runs_dir=tmp_path, name="a"
    )
    ended = api.resume(begun.folder.path, engine="serial", trials=2)
    assert [record.state for record in ended.trials] == ["complete"] * 2
    assert [bool(record.worker) for record in ended.trials] == [True, False]


@pytest.mark.thorough
def test_workers_find_what_this_process_finds_and_go_on_from_checkpoints(tmp_path):
    result = api.search(
        "seesaw-digits", "300K", **DIGITS | {"epochs": 3}, trials=4, engine="local", workers=2, scheduler="asha",
        name="a", runs_dir=tmp_path,
    )  # fmt: skip
    states = Counter(record.state for record in result.trials)
    assert states.total() == 4
    # The best of the first three goes on, and the fourth where it is better; the workers decide who comes first.
    assert states in ({"complete": 1, "stopped": 3}, {"complete": 2, "stopped": 2})
    for record in result.trials:
        alone = result.problem.evaluator.evaluate(record.spec, seed=record.seed, until=len(record.curve))
        assert [(e.epoch, e.train_loss, e.top1) for e in record.curve] == [
            (e.epoch, e.train_loss, e.top1) for e in alone.curve
        ]
    assert list((tmp_path / "a/checkpoints").iterdir()) == []


def test_every_job_is_handed_out_once_and_each_worker_does_some(propose, noting, history):
    evaluator = noting(seconds=0.1)
    assert local.run(propose(6), evaluator, TWO) == "the wanted number of trials, 6, is reached"
    assert sorted(evaluator.ended()) == sorted(record.digest for record in history.complete)
    assert len(set(evaluator.ended())) == 6
    assert len(set(evaluator.of("ended"))) == len({record.worker for record in history.complete}) == 2


def test_no_training_begins_after_the_time_limit(propose, noting, history):
    said = local.run(
        propose(6), noting(), TWO, time_limit=9.0, clock=lambda: 10.0 * bool(history.complete)
    )  # fmt: skip
    assert said == "the time limit is reached"
    assert 1 <= len(history.complete) == len(history) <= 2  # what ran came to its end


def test_nothing_is_begun_without_time(propose, noting, history):
    assert local.run(propose(6), noting(), TWO, time_limit=0.0) == "the time limit is reached"
    assert len(history) == 0


# --- workers that die


def test_killed_worker_costs_its_training_which_is_begun_once_more(propose, noting, history, architectures):
    evaluator = noting(deadly={architectures[1].digest: 1})
    local.run(propose(4), evaluator, TWO)
    assert [record.state for record in history.records()] == ["complete"] * 4
    assert sorted(evaluator.ended()) == sorted(a.digest for a in architectures[:4])
    first, again = evaluator.of("begun", architectures[1].digest)
    assert first != again
    assert gone(first)


def test_trial_that_kills_every_worker_has_failed_and_no_other(propose, noting, history, architectures):
    evaluator = noting(deadly={architectures[1].digest: 9})
    local.run(propose(4), evaluator, TWO)
    assert [record.state for record in history.records()] == ["complete", "failed", "complete", "complete"]
    assert len(evaluator.of("begun", architectures[1].digest)) == 2
    reason = history[1].reason
    assert reason.endswith(" died (SIGKILL) while training it, as another worker had")
    assert history[1].worker == reason.split(" died")[0]
    assert history[1].worker in {"worker 0", "worker 1"}


def test_trial_whose_worker_died_at_the_end_is_still_owed_its_second_training(propose, noting, history, architectures):
    """The time is over before the second training could begin: another process begins it."""
    evaluator = noting(deadly={architectures[0].digest: 1})
    time_is_over = lambda: 10.0 * bool(evaluator.of("begun"))  # noqa: E731
    assert local.run(propose(1), evaluator, TWO[:1], time_limit=9.0, clock=time_is_over) == "the time limit is reached"
    assert (history[0].state, history.attempts(0)) == ("running", 1)
    local.run(propose(1), evaluator, TWO[:1])
    assert history[0].state == "complete"


def test_broken_training_fails_its_trial(propose, noting, history, architectures):
    local.run(propose(3), noting(broken=architectures[0].digest), TWO)
    assert [record.state for record in history.records()] == ["failed", "complete", "complete"]
    assert history[0].reason == "loss is not finite in epoch 1 of 1"
    assert history[0].worker


def test_defect_of_an_evaluator_ends_the_search_with_its_traceback(propose, noting, history, architectures):
    evaluator = noting(defect=architectures[1].digest, seconds=30.0)
    with pytest.raises(local.WorkerError, match=r"(?s)^worker [01], trial 1: Traceback .*ValueError: no such thing"):
        local.run(propose(3), evaluator, TWO)
    assert [record.state for record in history.records()] == ["running"] * 2
    assert [history.attempts(number) for number in (0, 1)] == [0, 0]  # neither is held against its trial
    assert all(gone(pid) for pid in evaluator.of("begun"))


def test_evaluator_that_cannot_be_sent_is_told_in_one_line(propose):
    with pytest.raises(OptionError, match=r"^the evaluator cannot be sent to a worker .*; define it in a module"):
        local.run(propose(1), lambda: None, TWO)


class Refusing:
    """Arrives in no other process."""

    def __reduce__(self):
        return (exec, ("raise SystemExit(3)",))


def test_worker_that_cannot_begin_ends_the_search_and_fails_no_trial(propose, history):
    with pytest.raises(local.WorkerError, match=r"^worker [01] could not begin \(exit code 3\); its own traceback"):
        local.run(propose(3), Refusing(), TWO)
    assert {record.state for record in history.records()} <= {"running"}
    assert {history.attempts(record.number) for record in history.records()} <= {0}


# --- stopped and killed


class Waiting(Listener):
    """Sends a signal to this process when so many trainings have begun."""

    def __init__(self, count, send):
        self.left, self.send, self.heard = count, send, []

    def begun(self, number, architecture, macs):
        self.left -= 1
        if not self.left:
            self.send()

    def stopping(self, running):
        self.heard.append(running)


def test_first_signal_lets_the_running_trainings_end(propose, noting, history):
    evaluator = noting(seconds=0.3)
    listener = Waiting(2, lambda: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        local.run(propose(6), evaluator, TWO, listener)
    assert [record.state for record in history.records()] == ["complete"] * 2
    assert listener.heard == [2]
    assert len(evaluator.ended()) == 2


RUNNING = {"engine": "local", "workers": 2, "trials": 6}


def states(folder):
    return Counter(record.state for record in read_records(folder / "trials.jsonl"))


@pytest.mark.thorough
def test_ctrl_c_lets_trainings_end_and_resume_trains_nothing_twice(cli, wait_for, tmp_path):
    folder = tmp_path / "runs/a"
    search = cli(
        "search", "--budget", "300K", "--epochs", 3, "--train-size", 300, "--device", "cpu", "--trials", 6,
        "--engine", "local", "--workers", 2, "--name", "a",
    )  # fmt: skip
    wait_for(lambda: (folder / "trials.jsonl").exists() and states(folder)["complete"] >= 1, search)
    search.signal(signal.SIGINT)  # to the workers, too, as Ctrl-C in a terminal does
    answer = search.answer()
    assert answer.code == 130
    assert answer.err.startswith("seesaw-nas: interrupted; what was finished is kept")
    assert answer.err.count("\n") == 1
    kept = read_records(folder / "trials.jsonl")
    assert 2 <= len(kept) < 6
    assert {record.state for record in kept} == {"complete"}
    assert json.loads((folder / "best.json").read_text())["result"]["top1"] == max(record.top1 for record in kept)
    result = api.resume(folder, engine="serial", workers=1)
    assert [record.state for record in result.trials] == ["complete"] * 6
    assert list(result.trials[: len(kept)]) == kept


@pytest.mark.thorough
def test_second_ctrl_c_drops_the_trainings_which_resume_does_again(drive, noting, wait_for, tmp_path):
    search = drive(60.0, **RUNNING)
    wait_for(lambda: len(noting().of("begun")) == 2, search)
    search.signal(signal.SIGINT)
    wait_for(lambda: (tmp_path / "stopping").exists(), search)
    search.signal(signal.SIGINT)
    assert search.answer() == (130, "", "")
    assert noting().ended() == []
    assert all(gone(pid) for pid in noting().of("begun"))
    result = api.resume(tmp_path / "runs/a", given=Objects(evaluator=noting()), engine="serial", workers=1)
    assert [record.state for record in result.trials] == ["complete"] * 6
    assert len(set(noting().ended())) == len(noting().ended()) == 6


@pytest.mark.thorough
def test_workers_of_a_killed_search_end_by_themselves_and_resume_completes(drive, noting, wait_for, tmp_path):
    evaluator, folder = noting(seconds=0.5), tmp_path / "runs/a"
    search = drive(0.5, **RUNNING)
    wait_for(lambda: len(evaluator.ended()) >= 2 and len(evaluator.of("begun")) > len(evaluator.ended()), search)
    search.kill()
    wait_for(lambda: all(gone(pid) for pid in evaluator.of("begun")))
    told = {record.digest for record in read_records(folder / "trials.jsonl") if record.state == "complete"}
    before = len(evaluator.notes())
    result = api.resume(folder, given=Objects(evaluator=evaluator), engine="local", workers=2)
    assert [record.state for record in result.trials] == ["complete"] * 6
    again = {digest for what, digest, _ in evaluator.notes()[before:] if what == "begun"}
    assert told
    assert not told & again
    assert not RunFolder.open(folder).is_held()
