"""What the command ``train`` does on each of two GPUs, with and without CUDA graphs."""

from __future__ import annotations

import json
from functools import cache

import pytest
import torch

from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.files import write_json
from seesaw_nas.workflows.train import TrainSettings
from seesaw_nas.workflows.train import train as train_network

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two CUDA devices"),
]

BLOCK = Block(2, 3, Partition((1, 3)), "shuffle")
SMALL = Architecture(8, 1, 10, Stem(8, 1), (Stage(8, 2, (BLOCK,)),), Head(32))
EPOCHS = 5  # of one step each


@pytest.fixture(scope="module")
def train(tmp_path_factory):
    """Train a small network, once for each way; its record."""
    folder = tmp_path_factory.mktemp("trainings")
    spec = folder / "small.json"
    write_json(spec, specfile.document(Named("small", SMALL)))

    @cache
    def run(device, execution="eager"):
        settings = TrainSettings.of(
            str(spec),
            dataset="digits",
            recipe="quick",
            epochs=EPOCHS,
            train_size=64,
            device=device,
            execution=execution,
        )
        out = folder / f"{device}-{execution}"
        train_network(settings, out)
        return json.loads((out / "result.json").read_text())

    return run


def losses(record):
    return [epoch["train_loss"] for epoch in record["curve"]]


def test_the_second_gpu_computes_what_the_first_does(train):
    first, second = losses(train("cuda:0")), losses(train("cuda:1"))
    assert second == pytest.approx(first, rel=0.05)  # bfloat16, and CUDA does not promise the same bits
    assert second[-1] < second[0]


@pytest.mark.parametrize("device", ["cuda:0", "cuda:1"])
def test_recorded_steps_learn_what_plain_ones_do(train, device):
    plain, recorded = train(device), train(device, "graphs")
    assert recorded["conditions"]["steps"] == "CUDA graphs"
    assert losses(recorded) == pytest.approx(losses(plain), rel=0.05)
