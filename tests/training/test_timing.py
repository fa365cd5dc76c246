from dataclasses import replace

import pytest
import torch

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.core.errors import TrainingFailed
from seesaw_nas.data import Images, load
from seesaw_nas.training import step as training_step
from seesaw_nas.training import timing
from seesaw_nas.training.recipes import recipe
from seesaw_nas.training.timing import Line, image_seconds, step_seconds, trial_images, trial_seconds

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


def test_evaluations_after_the_last_epoch_alone_take_less(data):
    # 1,078 images in batches of 64 are 17, the largest of 64; 1,000 recalibrated and 359 validated at a third
    recipe = replace(QUICK, batch_size=64, recalibration_images=1000)
    assert trial_seconds(2.0, data, recipe) == pytest.approx(2 * 4 * (17 + 1359 / 64 / 3))
    assert trial_seconds(2.0, data, recipe, each_epoch=False) == pytest.approx(2 * (4 * 17 + 1359 / 64 / 3))
    # scored images as timed, 0.01 s each
    last = trial_seconds(2.0, data, recipe, image=0.01, each_epoch=False)
    assert last == pytest.approx(2 * (4 * 17 + 1000 / 64 / 3) + 3.59)


def test_scoring_is_timed_twice_and_the_second_counts(data, network, monkeypatch):
    times = iter([0.0, 50.0, 100.0, 101.28])
    monkeypatch.setattr(timing.time, "perf_counter", lambda: next(times))
    assert image_seconds(network, data, QUICK) == pytest.approx(0.01)  # 128 images, four batches of 32


def test_images_of_a_training():
    # three epochs of 100 images, and a third for each of 30 validated and 60 of at most 60 recalibrated
    assert trial_images(100, 30, replace(QUICK, epochs=3, recalibration_images=60)) == pytest.approx(3 * 130)


def test_line_through_what_was_timed():
    line = Line.through([(100, 5.0), (200, 10.0), (300, 15.0)])
    assert (line.at(100), line.at(250)) == pytest.approx((5.0, 12.5))
    assert line.at(0) == 2.5  # half of the shortest, not nothing
    assert Line.through([(100, 7.0)]).at(900) == 7.0
    # costlier ones that were quicker, on a busy machine: the mean
    assert Line.through([(100, 9.0), (300, 3.0)]).at(300) == 6.0


def test_long_steps_are_timed_twice(data, network, monkeypatch):
    taken = []

    def step(self, *_):
        taken.append(1)
        monkeypatch.setattr(timing.time, "perf_counter", lambda: 2.0 * len(taken))

    monkeypatch.setattr(training_step.Trainer, "step", step)
    monkeypatch.setattr(timing.time, "perf_counter", lambda: 0.0)
    assert step_seconds(network, data, QUICK) == 2.0
    assert len(taken) == 2


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
