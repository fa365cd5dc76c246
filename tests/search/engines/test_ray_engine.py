"""The search on Ray."""

import signal
from collections import Counter

import pytest

pytest.importorskip("ray.tune", reason="Ray is not installed")
import clusters
import ray
from engine_evaluators import top1_of
from processes import REPOSITORY, gone

from seesaw_nas import api
from seesaw_nas.api import Objects, SearchSettings
from seesaw_nas.core.errors import OptionError
from seesaw_nas.search.engines import ray_tune
from seesaw_nas.search.history.trials_file import read_records
from seesaw_nas.search.listener import Listener

pytestmark = pytest.mark.thorough
TWO = SearchSettings.of(engine="ray", workers=2)


@pytest.fixture(scope="module")
def cluster():
    """This machine as a cluster of two CPUs, whatever it has."""
    with clusters.two_cpus():
        yield


@pytest.fixture
def search(propose, cluster, tmp_path):
    """Run so many trials on the cluster; returns what ended it."""
    return lambda count, evaluator, settings=TWO, **more: ray_tune.run(
        settings, propose(count), evaluator, tmp_path / "ray", **more
    )


def states(history):
    return [record.state for record in history.records()]


def test_a_terminal_s_progress_may_be_shown(search, noting, history):
    """The terminal holds locks, which cannot be pickled, and Ray pickles all that it is given."""
    from seesaw_nas.cli.parts import terminal
    from seesaw_nas.cli.parts.searching import View

    view = View(terminal.console())
    try:
        search(2, noting(), listener=view)
    finally:
        view.stop()
    assert states(history) == ["complete"] * 2


def test_every_job_is_trained_once_on_the_actors(search, noting, history):
    evaluator = noting(seconds=0.5, together=2)
    assert search(5, evaluator) == "the wanted number of trials, 5, is reached"
    assert states(history) == ["complete"] * 5
    assert [record.top1 for record in history.records()] == [top1_of(record.spec) for record in history.records()]
    assert len(set(evaluator.ended())) == len(evaluator.ended()) == 5
    assert len(set(evaluator.of("begun"))) == 2  # which are used again for each job
    assert {record.worker.rpartition(":")[2] for record in history.records()} == {*map(str, evaluator.of("begun"))}


@pytest.mark.thorough
def test_what_breaks_or_kills_twice_costs_its_own_trial_and_what_kills_once_nothing(
    search, noting, history, architectures
):
    digests = [architecture.digest for architecture in architectures]
    evaluator = noting(broken=digests[0], defect=digests[1], deadly={digests[2]: 9, digests[3]: 1})
    search(5, evaluator)
    assert states(history) == ["failed", "failed", "failed", "complete", "complete"]
    assert [record.reason for record in history.records()] == [
        "loss is not finite in epoch 1 of 1",
        "ValueError: no such thing",
        "its worker died 2 times while training it",
        "",
        "",
    ]
    assert [len(evaluator.of("begun", digest)) for digest in digests[:5]] == [1, 1, 2, 2, 1]


@pytest.mark.thorough
def test_no_training_begins_after_the_time_limit(search, noting, history):
    said = search(6, noting(), time_limit=9.0, clock=lambda: 10.0 * bool(history.complete))
    assert said == "the time limit is reached"
    assert 1 <= len(history.complete) == len(history) < 6


@pytest.mark.thorough
def test_first_signal_lets_the_running_trainings_end(search, noting, history):
    evaluator, begun = noting(together=2), []

    class Interrupting(Listener):
        def begun(self, number, architecture, macs):
            begun.append(number)
            if len(begun) == 2:
                signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        search(6, evaluator, listener=Interrupting())
    assert states(history) == ["complete"] * 2
    assert len(evaluator.ended()) == 2


def test_gpus_that_no_node_has_are_told_with_what_there_is(search, noting, history):
    with pytest.raises(OptionError) as refusal:
        search(1, noting(), SearchSettings.of(engine="ray", gpus_per_trial=0.5))
    assert str(refusal.value) == (
        "a trial wants 1 CPU and 0.5 GPU, and no node of the cluster has as much; the nodes have: 2 CPUs and 0 GPUs"
    )
    assert len(history) == 0


def test_refusal_is_one_line_for_the_user(refused, cluster):
    said = refused(
        "search", "--evaluator", "table", "--table", REPOSITORY / "benchmarks/tables/digits-small.parquet",
        "--engine", "ray", "--gpus-per-trial", 0.5,
    )  # fmt: skip
    assert said.startswith("a trial wants 1 CPU and 0.5 GPU, and no node of the cluster has as much; the nodes have: ")


# --- processes


RAY = {"engine": "ray", "workers": 2, "trials": 5}


@pytest.mark.thorough
def test_killed_search_is_resumed(drive, noting, wait_for, tmp_path, cluster):
    folder, evaluator = tmp_path / "runs/a", noting()
    search = drive(0.5, **RAY)
    wait_for(lambda: len(evaluator.ended()) >= 1 and len(evaluator.of("begun")) > len(evaluator.ended()), search)
    search.kill()
    wait_for(lambda: all(gone(pid) for pid in evaluator.of("begun")))  # the actors end with it
    told = {record.digest for record in read_records(folder / "trials.jsonl") if record.state == "complete"}
    before = len(evaluator.notes())
    result = api.resume(folder, given=Objects(evaluator=evaluator))
    assert Counter(record.state for record in result.trials) == {"complete": 5}
    assert not told & {digest for _, digest, _ in evaluator.notes()[before:]}


def test_handlers_of_signals_are_those_of_before_when_ray_is_left(monkeypatch):
    def init(**options):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as ray.init sets a handler of its own

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", init)
    monkeypatch.setattr(ray, "shutdown", lambda: None)
    before = signal.getsignal(signal.SIGTERM)
    with ray_tune.connect(""):
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    assert signal.getsignal(signal.SIGTERM) == before
