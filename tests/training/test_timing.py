from dataclasses import replace

import pytest
import torch

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.core.errors import TrainingFailed
from seesaw_nas.data import Images, load
from seesaw_nas.training import step as training_step
from seesaw_nas.training.recipes import recipe
from seesaw_nas.training.timing import step_seconds, trial_seconds

QUICK = replace(recipe("quick"), batch_size=32, epochs=4)
BLOCK = Block(1, 3, Partition((1, 3)), "shuffle")


@pytest.fixture(scope="module")
def data():
    return load("digits")


@pytest.fixture(scope="module")
def network(data):
    return Architecture(8, 1, 10, Stem(8, 2), (Stage(8, 2, (BLOCK,)),), Head(16))


def test_trial_is_its_batches_and_a_third_for_each_evaluated_image(data):
    def first(images, n):
        return Images(images.images[:n], images.labels[:n])

    small = replace(data, train=first(data.train, 96), validation=first(data.validation, 48))
    # 96 images are 3 batches of 32; 48 evaluated ones are 1.5 batches at a third; 4 epochs of 2 seconds a step.
    assert trial_seconds(2.0, small, replace(QUICK, recalibration_images=0)) == pytest.approx(4 * (3 + 0.5) * 2.0)


def test_step_is_measured_and_leaves_the_global_generator_alone(data, network):
    before = torch.get_rng_state()
    assert step_seconds(network, data, QUICK) > 0
    assert torch.equal(torch.get_rng_state(), before)


def test_exhausted_memory_is_told(data, network, monkeypatch):
    def step(*_):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    monkeypatch.setattr(training_step.Trainer, "step", step)
    with pytest.raises(TrainingFailed, match="out of memory on cpu with batches of 32 images"):
        step_seconds(network, data, QUICK)
