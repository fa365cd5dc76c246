"""A device whose memory is full costs one trial, once it was tried with nothing else on the device."""

import os
from collections import Counter
from multiprocessing import Pipe

import pytest
import torch
from engine_evaluators import Travelling

from seesaw_nas.core.errors import OptionError
from seesaw_nas.evaluators import Score
from seesaw_nas.search.engines import local, serial, worker
from seesaw_nas.search.engines import pool as engine_pool
from seesaw_nas.search.engines.pool import Pool, Worker
from seesaw_nas.search.engines.worker import Idle, Outcome, Place, Release
from seesaw_nas.search.listener import Listener

TWO = [Place("worker 0", "cpu"), Place("worker 1", "cpu")]
OUT = "out of memory in the evaluator: CUDA error: out of memory; let an evaluation take less"


def states(history):
    return [record.state for record in history.records()]


# --- by processes


def test_training_that_ran_out_of_memory_beside_others_is_done_alone(propose, noting, history, architectures):
    large = architectures[1].digest
    evaluator = noting(large={large: 1}, seconds=0.1)
    local.run(propose(4), evaluator, TWO)
    assert states(history) == ["complete"] * 4
    running, beside = set(), {}
    for what, digest, _ in evaluator.notes():
        if what == "begun":
            beside[digest] = set(running)  # of two beginnings, the second
            running.add(digest)
        else:
            running.discard(digest)
    assert beside[large] == set()
    assert len(evaluator.of("begun", large)) == 2
    assert Counter(what for what, *_ in evaluator.notes()) == {"begun": 5, "ended": 4, "out-of-memory": 1}


def test_user_is_told_what_the_trial_waits_for(propose, noting, architectures, capsys):
    from seesaw_nas.cli.parts import terminal
    from seesaw_nas.cli.parts.searching import View

    view = View(terminal.console())
    local.run(propose(2), noting(large={architectures[0].digest: 1}), TWO, view)
    view.stop()
    said = " ".join(capsys.readouterr().out.split())
    assert f"trial 0 {OUT}; it is tried again when nothing else trains on cpu" in said


def test_training_that_is_too_large_by_itself_has_failed_and_no_other(propose, noting, history, architectures):
    evaluator = noting(large={architectures[0].digest: 9})
    local.run(propose(4), evaluator, TWO)
    assert states(history) == ["failed", "complete", "complete", "complete"]
    assert history[0].reason == f"{OUT} (nothing else was being trained there)"
    assert len(evaluator.of("begun", architectures[0].digest)) == 2
    assert history.attempts(0) == 1  # no process died of it


def test_worker_that_has_its_device_alone_anyway_does_not_try_again(propose, noting, history, architectures):
    evaluator = noting(large={architectures[0].digest: 1})
    local.run(propose(2), evaluator, TWO[:1])
    assert states(history) == ["failed", "complete"]
    assert history[0].reason == OUT
    assert len(evaluator.of("begun", architectures[0].digest)) == 1


def test_this_process_does_not_try_again_either(propose, noting, history, architectures):
    evaluator = noting(large={architectures[0].digest: 1})
    serial.run(propose(2), evaluator)
    assert states(history) == ["failed", "complete"]
    assert history[0].reason == OUT


def test_worker_without_room_for_the_images_is_one_line(propose, tmp_path):
    with pytest.raises(OptionError) as refusal:
        local.run(propose(2), Travelling(tmp_path / "log", proposing=os.getpid()), TWO[:1])
    assert str(refusal.value) == (
        "worker 0 cannot begin: out of memory on cpu for the images; take fewer or smaller ones"
    )


def test_evaluator_travels_on_the_cpu_and_is_put_on_each_worker_s_device(propose, history, tmp_path):
    evaluator = Travelling(tmp_path / "log", together=2)
    local.run(propose(4), evaluator, [Place("worker 0", "cpu:0"), Place("worker 1", "cpu:1")])
    assert states(history) == ["complete"] * 4
    put = [(device, int(pid) == os.getpid()) for what, device, pid in evaluator.notes() if what == "put"]
    assert put[0] == ("cpu", True)
    assert sorted(put[1:]) == [("cpu:0", False), ("cpu:1", False)]


def test_worker_chooses_its_gpu_before_anything_else(monkeypatch):
    done = []

    class Placed:
        def on(self, device):
            done.append(("on", device))
            return self

    monkeypatch.setattr(torch.cuda, "set_device", lambda device: done.append(("set_device", device)))
    worker._move_to_place(Placed(), Place("cuda:1 worker 0", "cuda:1"))
    assert done == [("set_device", "cuda:1"), ("on", "cuda:1")]


# --- who gets what, without processes


class Puppet(Worker):
    """A worker whose part the test plays."""

    def __init__(self, place):
        self.place, self.jobs = place, []
        self.alone = self.keeps = self.releasing = False
        self.ready = True
        self.connection, self.theirs = Pipe()

    def received(self):
        """What it was sent since: jobs by number, and whatever else."""
        found = []
        while self.theirs.poll():
            what = self.theirs.recv()
            found += [what] if isinstance(what, Release) else [job.number for job in what]
        return found


@pytest.fixture
def pool(propose):
    """Of two workers on one device and one on another, with 7 architectures to train."""
    return Pool(propose(7), None, Listener(), [Puppet(Place(f"worker {i}", "ab"[i // 2])) for i in range(3)])


def say(pool, index, what):
    pool.workers[index].theirs.send(what)
    pool.collect()
    pool.hand_out()


def scored(number):
    return Outcome(number, score=Score(0.5, "validation", 1.0))


def received(pool):
    return [each.received() for each in pool.workers]


def test_job_that_waits_for_its_device_holds_back_the_workers_there_alone(pool):
    pool.hand_out()
    assert received(pool) == [[0], [1], [2]]
    say(pool, 0, Outcome(0, reason="full", out_of_memory=True))
    assert received(pool) == [[], [], []]  # the neighbour is still at work
    say(pool, 2, scored(2))
    assert received(pool) == [[], [], [3]]  # on the other device
    say(pool, 1, scored(1))
    assert received(pool) == [[Release()], [Release()], []]
    say(pool, 1, Idle())
    assert received(pool) == [[], [], []]  # the other one has not given back its memory yet
    say(pool, 0, Idle())
    assert received(pool) == [[0], [], []]
    say(pool, 2, scored(3))
    assert received(pool) == [[], [], [4]]
    say(pool, 0, scored(0))
    assert received(pool) == [[5], [6], []]


def test_jobs_that_wait_for_the_same_device_have_it_one_after_another(pool, history):
    pool.hand_out()
    for index in (0, 1):
        say(pool, index, Outcome(index, reason="full", out_of_memory=True))
    for index in (0, 1):
        say(pool, index, Idle())
    assert received(pool) == [[0, Release(), 0], [1, Release()], [2]]
    say(pool, 0, Outcome(0, reason="full", out_of_memory=True))
    assert history[0].reason == "full (nothing else was being trained there)"
    say(pool, 0, Idle())
    assert received(pool) == [[Release(), 1], [], []]


def test_jobs_that_wait_are_taken_back_at_the_end(pool, history):
    pool.hand_out()
    say(pool, 0, Outcome(0, reason="full", out_of_memory=True))
    pool.drop()
    assert [history.attempts(number) for number in range(3)] == [0, 0, 0]


def test_job_whose_worker_dies_while_it_has_its_device_alone_has_it_alone_again(pool, monkeypatch):
    monkeypatch.setattr(engine_pool, "Worker", lambda evaluator, place: Puppet(place))
    monkeypatch.setattr(Puppet, "death", lambda self: "worker 0 died (SIGKILL)")
    pool.hand_out()
    say(pool, 0, Outcome(0, reason="full", out_of_memory=True))
    say(pool, 1, scored(1))
    for index in (0, 1):
        say(pool, index, Idle())
    assert received(pool) == [[0, Release(), 0], [1, Release()], [2]]
    pool.workers[0].theirs.close()
    pool.collect()
    pool.hand_out()
    assert received(pool) == [[0], [], []]
