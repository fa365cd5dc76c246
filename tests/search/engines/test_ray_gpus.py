"""The search on a Ray cluster that is told to have GPUs: who gets them, and what a full one costs."""

import os

import pytest

pytest.importorskip("ray.tune", reason="Ray is not installed")
import clusters
import ray
from engine_evaluators import Travelling

from seesaw_nas import api
from seesaw_nas.api import SearchSettings
from seesaw_nas.search.engines import ray_tune
from seesaw_nas.search.listener import Listener

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module", autouse=True)
def cluster():
    """This machine as a node of two CPUs and a GPU, whatever it has."""
    with clusters.two_cpus(num_gpus=1):
        yield


class Reserving(Travelling):
    """Notes the share of a GPU that Ray keeps for each training."""

    def evaluate(self, architecture, **more):
        share = ray.get_runtime_context().get_assigned_resources().get("GPU", 0.0)
        self._note("reserved", f"{architecture.digest}:{share:g}")
        return super().evaluate(architecture, **more)

    def reserved(self, architecture):
        shares = [digest.partition(":") for what, digest, _ in self.notes() if what == "reserved"]
        return [float(share) for digest, _, share in shares if digest == architecture.digest]


def states(history):
    return [record.state for record in history.records()]


def test_gpus_are_used_where_the_cluster_has_them_and_the_plan_says_so(tmp_path):
    evaluator, plans = Travelling(tmp_path / "log"), []
    result = api.search(
        "seesaw-digits", "300K", evaluator=evaluator, engine="ray", trials=2, device="auto", name="a",
        runs_dir=tmp_path, on_plan=lambda problem, plan: plans.append((plan.reserves, len(evaluator.of("begun")))),
    )  # fmt: skip
    assert [record.state for record in result.trials] == ["complete"] * 2
    assert plans == [("1 CPU and 1 GPU for each trial", 0)]  # before any training
    put = {(device, int(pid) == os.getpid()) for what, device, pid in evaluator.notes() if what == "put"}
    assert put == {("cpu", True), ("cuda", False)}


def test_full_share_of_a_gpu_is_tried_again_with_a_whole_one(propose, history, architectures, tmp_path):
    once, always = architectures[0], architectures[1]
    evaluator, told = Reserving(tmp_path / "log", large={once.digest: 1, always.digest: 9}), []

    class Hearing(Listener):
        def postponed(self, number, reason, until):
            told.append((number, until))

    settings = SearchSettings.of(engine="ray", gpus_per_trial=0.5)
    ray_tune.run(settings, propose(3), evaluator, tmp_path / "ray", Hearing())
    assert states(history) == ["complete", "failed", "complete"]
    assert history[1].reason == (
        "out of memory in the evaluator: CUDA error: out of memory; let an evaluation take less (with a whole GPU)"
    )
    assert [evaluator.reserved(architecture) for architecture in architectures[:3]] == [[0.5, 1.0], [0.5, 1.0], [0.5]]
    assert sorted(told) == [(0, "a whole GPU is free"), (1, "a whole GPU is free")]
