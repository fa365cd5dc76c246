"""Runtimes as backends of latency and of profiles."""

import sys
from importlib.util import find_spec

import pytest

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.deploy import latency, runtimes
from seesaw_nas.deploy.latency import LatencySettings
from seesaw_nas.deploy.latency.measuring import conditions
from seesaw_nas.deploy.profiling import measuring_networks
from seesaw_nas.deploy.profiling.request import ProfileSettings
from seesaw_nas.network.folded import rule
from seesaw_nas.network.folded.folding import fold
from seesaw_nas.network.models import build

BLOCK = Block(6, 3, Partition((1, 3)), "shuffle")
SMALL = Architecture(8, 1, 3, Stem(16, 1), (Stage(16, 1, (BLOCK,)),), Head(8))
HERE = [name for name in ("openvino", "ncnn", "mnn") if find_spec({"mnn": "MNN"}.get(name, name))]


@pytest.mark.skipif(not HERE, reason="openvino, ncnn and MNN are not installed: pip install '.[openvino,ncnn,mnn]'")
def test_runtimes_are_compared_with_eager_and_timed_in_one_go():
    settings = LatencySettings(
        batches=(1, 3), threads=(1,), backends=("eager", "onnxruntime", *HERE), device="cpu", seconds=0.01
    )
    found = latency.measure(SMALL, settings)
    assert [(entry.batch, entry.backend) for entry in found] == [
        (batch, backend) for batch in (1, 3) for backend in settings.backends
    ]
    assert [entry.reason for entry in found if entry.reason] == []
    assert all(entry.median_ms and entry.difference < 1e-5 and entry.device == "cpu" for entry in found)
    told = conditions(settings)
    assert all(runtimes.find(name).title in told["settings"] for name in HERE)
    assert all(version in told["runtimes"] for name in HERE for version in runtimes.find(name).versions.values())


def test_settings_are_those_of_the_precision():
    def told(*backends):
        return conditions(LatencySettings(backends=backends, device="cpu"))["settings"]

    assert "weights in float32" in told("openvino")
    assert told("openvino-int8").startswith("OpenVINO in int8: float32 for what is not in int8")
    assert "weights in float32" not in told("openvino-int8")
    assert told("openvino", "openvino-int8") == f"{told('openvino')}. {told('openvino-int8')}"


def test_a_runtime_that_is_not_installed_costs_a_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "litert_torch", None)
    settings = LatencySettings(batches=(1,), threads=(1,), backends=("eager", "litert"), device="cpu", seconds=0.01)
    eager, litert = latency.measure(SMALL, settings)
    assert eager.median_ms
    assert litert.median_ms is None
    assert (
        litert.reason
        == "litert-torch is not installed; pip install ai-edge-litert litert-torch, in an environment of their own"
    )


@pytest.mark.parametrize("backend", ["onnxruntime", *HERE])
def test_networks_are_timed_in_the_backend_of_a_profile(backend):
    times = measuring_networks.measure_networks([SMALL] * 2, ProfileSettings(backend=backend, batch=2))
    assert (times.backend, times.batch, len(times.networks)) == (backend, 2, 2)
    assert all(len(network.wall) == 48 for network in times.networks)  # 8 turns of 6
    versions = runtimes.find(backend).versions
    assert versions.items() <= times.machine.items()


def test_the_rule_of_forms_is_the_runtime_s_own():
    (block,) = fold(build(SMALL, seed=0)).blocks
    narrow = min(piece.stop - piece.start for piece in block.pieces)
    assert narrow < 24
    wide = fold(build(Architecture(8, 1, 3, Stem(32, 1), (Stage(32, 1, (BLOCK,)),), Head(8)), seed=0)).blocks[0]
    least = min(piece.stop - piece.start for piece in wide.pieces)
    assert 24 <= least < 48
    forms = {name: (rule.graph(name)(block), rule.graph(name)(wide)) for name in runtimes.RUNTIMES}
    assert forms.pop("mnn") == ("dense", "split")
    assert set(forms.values()) == {("dense", "dense")}
