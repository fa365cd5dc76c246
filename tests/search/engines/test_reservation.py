"""What a trial reserves on a Ray cluster, by the device and the share that are asked for."""

import pytest

from seesaw_nas.core.errors import OptionError
from seesaw_nas.search.engines.reservation import reserve
from seesaw_nas.search.settings import SearchSettings

CPUS, GPUS = {"CPU": 8.0, "memory": 1e9}, {"CPU": 4.0, "GPU": 2.0}
HAVE = "the nodes have: 8 CPUs and 0 GPUs"


def settings(device, share):
    return SearchSettings.of(engine="ray", device=device, gpus_per_trial=share)


@pytest.mark.parametrize(
    ("device", "share", "nodes", "reserved"),
    [
        ("auto", None, [CPUS], "1 CPU and 0 GPU for each trial"),
        ("auto", None, [CPUS, GPUS], "1 CPU and 1 GPU for each trial"),
        ("auto", 0.25, [CPUS, GPUS], "1 CPU and 0.25 GPU for each trial"),
        ("auto", 0.0, [GPUS], "1 CPU and 0 GPU for each trial"),
        ("cpu", None, [GPUS], "1 CPU and 0 GPU for each trial"),
        ("cpu", 0.0, [GPUS], "1 CPU and 0 GPU for each trial"),
        ("cuda", None, [CPUS, GPUS], "1 CPU and 1 GPU for each trial"),
        ("cuda", 0.5, [GPUS], "1 CPU and 0.5 GPU for each trial"),
    ],
)
def test_reservation(device, share, nodes, reserved):
    assert reserve(settings(device, share), nodes).text == reserved


@pytest.mark.parametrize(
    ("device", "share", "nodes", "told"),
    [
        (
            "cuda", 0.0, [GPUS],
            "--device cuda wants a GPU for each trial, got --gpus-per-trial 0; leave one of them out",
        ),
        ("cuda", None, [CPUS], f"--device cuda wants a GPU, and no node of the cluster has one; {HAVE}"),
        ("cuda", 0.5, [CPUS], f"--device cuda wants a GPU, and no node of the cluster has one; {HAVE}"),
        (
            "cpu", 0.5, [GPUS],
            "--gpus-per-trial 0.5 would reserve GPUs that --device cpu leaves idle; leave one of them out",
        ),
        ("cuda:1", None, [GPUS], "Ray chooses the GPUs itself, got --device cuda:1; write --device cuda"),
        (
            "auto", 0.5, [CPUS],
            f"a trial wants 1 CPU and 0.5 GPU, and no node of the cluster has as much; {HAVE}",
        ),
        (
            "auto", None, [CPUS, {"CPU": 0.0, "GPU": 1.0}],
            f"a trial wants 1 CPU and 1 GPU, and no node of the cluster has as much; {HAVE}; 0 CPUs and 1 GPUs",
        ),
    ],
)  # fmt: skip
def test_contradictions_and_what_no_node_has_are_refused(device, share, nodes, told):
    with pytest.raises(OptionError) as refusal:
        reserve(settings(device, share), nodes)
    assert str(refusal.value) == told


@pytest.mark.parametrize("share", [-0.5, 1.5, float("nan")])
def test_a_trial_trains_on_one_gpu_at_most(share):
    with pytest.raises(OptionError, match=r"^--gpus-per-trial wants 0 to 1, a trial trains on one GPU; got "):
        settings("auto", share)
