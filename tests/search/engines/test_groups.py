"""Workers that score several architectures together: each is told of, and a death costs the one that causes it."""

from engine_evaluators import NotingTogether, top1_of
from processes import InOrder

from seesaw_nas.search.engines import local
from seesaw_nas.search.engines.worker import Place
from seesaw_nas.search.proposer import Proposer

TWO = [Place("worker 0", "cpu"), Place("worker 1", "cpu")]


class Objects(InOrder):
    learns = False


def search(history, architectures, evaluator):
    local.run(Proposer(history, Objects(architectures), trials=len(architectures)), evaluator, TWO)
    return history.records()


def test_workers_score_groups_and_every_trial_is_told(history, architectures, tmp_path):
    evaluator = NotingTogether(tmp_path / "log")
    records = search(history, architectures[:7], evaluator)
    assert [(record.state, record.top1) for record in records] == [("complete", top1_of(a)) for a in architectures[:7]]
    assert [record.worker for record in records[:6]] == ["worker 0"] * 3 + ["worker 1"] * 3
    assert sorted(evaluator.ended()) == sorted(architecture.digest for architecture in architectures[:7])


def test_few_trials_are_shared_out_among_the_workers(history, architectures, tmp_path):
    records = search(history, architectures[:2], NotingTogether(tmp_path / "log"))
    assert [record.worker for record in records] == ["worker 0", "worker 1"]


def test_an_architecture_that_kills_every_worker_fails_alone(history, architectures, tmp_path):
    deadly = architectures[1].digest
    evaluator = NotingTogether(tmp_path / "log", deadly={deadly: 9})
    records = search(history, architectures[:6], evaluator)
    assert [record.state for record in records] == ["complete", "failed", *["complete"] * 4]
    assert len(evaluator.of("begun", deadly)) == 2
    assert records[1].reason.endswith(" died (SIGKILL) while training it, as another worker had")


def test_one_that_breaks_fails_alone(history, architectures, tmp_path):
    evaluator = NotingTogether(tmp_path / "log", broken=architectures[4].digest)
    records = search(history, architectures[:6], evaluator)
    assert [record.state for record in records] == [*["complete"] * 4, "failed", "complete"]
    assert records[4].reason == "loss is not finite in epoch 1 of 1"
