import pytest
import torch

from seesaw_nas.core import threads
from seesaw_nas.core.threads import Threads, change, choose, recorded, settle

FREE, ONE_BUSY = {4: 1.0, 2: 1.8, 1: 3.5}, {4: 12.0, 2: 2.0, 1: 3.5}


def unmeasured(count):
    raise AssertionError("nothing is to be timed")


@pytest.fixture(autouse=True)
def same_threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
    threads._chosen = Threads(0)


def test_on_an_idle_machine_torch_has_its_own_number():
    assert choose(4, 0, 0, {}, FREE.__getitem__) == Threads(4, "which are free")


def test_on_a_busy_machine_half_as_many_and_half_of_these_while_that_pays():
    chosen = choose(4, 0, 0, {}, ONE_BUSY.__getitem__)
    assert chosen == Threads(2, "the machine is busy: 4 threads do the same work 6.0 times as slowly")
    assert choose(2, 0, 0, {}, {2: 24.0, 1: 1.0}.__getitem__).count == 1
    assert choose(8, 0, 0, {}, {8: 50.0, 4: 12.0, 2: 4.0, 1: 2.0}.__getitem__).count == 1


def test_a_little_faster_with_fewer_is_no_reason_since_figures_depend_on_the_number():
    assert choose(2, 0, 0, {}, {2: 1.0, 1: 0.7}.__getitem__).count == 2


def test_what_the_user_says_is_not_measured():
    assert choose(4, 3, 2, {"OMP_NUM_THREADS": "4"}, unmeasured) == Threads(3, "as --threads says")
    assert choose(4, 0, 2, {"OMP_NUM_THREADS": "4"}, unmeasured) == Threads(4, "as OMP_NUM_THREADS says")
    assert choose(1, 0, 0, {}, unmeasured) == Threads(1)
    assert choose(4, 0, 0, {"MKL_NUM_THREADS": "4,2"}, unmeasured) == Threads(4, "as MKL_NUM_THREADS says")


@pytest.mark.parametrize("text", ["junk", "0", "-2", "", " ", "0x"])
def test_a_variable_without_a_number_says_nothing(text):
    assert choose(4, 0, 0, {"OMP_NUM_THREADS": text}, ONE_BUSY.__getitem__).count == 2
    assert choose(4, 0, 3, {"OMP_NUM_THREADS": text}, unmeasured).why == "as it began"


def test_what_goes_on_has_as_many_as_before_but_no_more_than_there_are_cores(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 8)
    assert choose(4, 0, 2, {}, unmeasured) == Threads(2, "as it began")
    assert choose(4, 0, 64, {}, unmeasured).count == 8


def test_settled_threads_are_those_that_torch_uses(monkeypatch):
    monkeypatch.setattr(threads, "cores", lambda: 8)
    assert settle(3) == threads.current() == Threads(3, "as --threads says")
    assert torch.get_num_threads() == 3
    assert str(threads.current()) == "3 on 8 cores, as --threads says"
    torch.set_num_threads(2)  # by the program itself, for no reason that is known here
    assert str(threads.current()) == "2 on 8 cores"


def test_work_is_timed_without_a_trace():
    before = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        drawn = torch.rand(9)
        torch.manual_seed(0)
        assert threads.time_work(2) > 0
        assert torch.equal(torch.rand(9), drawn)
    assert torch.get_num_threads() == before


@pytest.mark.parametrize(
    ("conditions", "count"),
    [
        ({"device": "CPU, 1 thread"}, 1),
        ({"device": "CPU, 16 threads"}, 16),
        ({"device": "NVIDIA H200"}, 0),
        ({}, 0),
        (None, 0),
        ("CPU, 2 threads", 0),
    ],
)
def test_the_number_that_a_run_recorded(conditions, count):
    assert recorded({"conditions": conditions}) == count


def test_another_number_is_told_with_what_follows_and_how_to_keep_the_first():
    two = {"conditions": {"device": "CPU, 2 threads"}}
    assert change(two, 1) == (
        "it began with 2 threads and goes on with 1 thread, so the same seeds give other figures than they would have; "
        "--threads 2 goes on as it began"
    )
    assert change(two, 2) == change(two, 0) == change({}, 2) == ""
