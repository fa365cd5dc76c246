"""Scores of untrained networks: by hand where a network is small enough, and by what must hold of any."""

import math
import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from seesaw_nas import data, space
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.evaluators.proxies import MEASURED, PROXIES, STATIC, score
from seesaw_nas.evaluators.proxies.gradients import grad_norm, snip
from seesaw_nas.evaluators.proxies.measured import ON_IMAGES, WITHOUT_IMAGES
from seesaw_nas.evaluators.proxies.naswot import kernel, naswot
from seesaw_nas.evaluators.proxies.sample import Sample
from seesaw_nas.evaluators.proxies.static import SCORES
from seesaw_nas.evaluators.proxies.synflow import synflow
from seesaw_nas.evaluators.proxies.zen import log_scale
from seesaw_nas.network.models import build
from seesaw_nas.space import Feasible

HALVES = Partition((1, 1))
SMALL = Architecture(8, 1, 10, Stem(8, 1), (Stage(16, 2, (Block(2, 3, HALVES, "share"),)),), Head(16))


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def test_every_name_has_its_function():
    assert [*SCORES] == [*STATIC]
    assert {*WITHOUT_IMAGES, *ON_IMAGES} == {*MEASURED}


def of_ones(c_out):
    """Built from one pixel, every weight -1: stem 1, pw1 1, dw 1, pw2 ``c_out``, head 3, two classes."""
    block = Block(1, 3, Partition((1,)), "none")
    model = build(Architecture(1, 1, 2, Stem(1, 1), (Stage(c_out, 1, (block,)),), Head(3)), seed=0)
    for weight in model.parameters():
        nn.init.constant_(weight, -1.0)
    return model


# Of a padded kernel only the centre sees the pixel. Two channels leave the block, each 1; 3 * 2 leave the head; 2 * 6
# is the sum of the outputs. All of it flows through each of six layers: 72. With one channel the residual makes it 2,
# and 2 * 3 * 2 = 12 leave; the three layers of the block carry half: 3 * 12 + 3 * 6 = 54.
@pytest.mark.parametrize(("c_out", "flow"), [(2, 72), (1, 54)])
def test_synflow_by_hand(c_out, flow):
    assert synflow(of_ones(c_out)) == pytest.approx(math.log(flow), rel=1e-12)


@pytest.mark.thorough
@pytest.mark.parametrize("factor", [1e-4, 1e4])
def test_synflow_of_a_hundred_blocks_leaves_no_range(factor):
    # No two widths in a row are equal, so there is no residual, and a factor on each pw1 is one on the whole flow.
    stages = tuple(Stage(8 + 4 * (i % 2), 1, (Block(2, 3, HALVES, "shuffle"),)) for i in range(100))
    architecture = Architecture(4, 1, 2, Stem(12, 1), stages, Head(4))
    plain, scaled = (build(architecture, seed=0) for _ in range(2))
    for name, weight in scaled.named_parameters():
        if ".pw1.convs" in name:
            weight.data.mul_(factor)
    found = synflow(scaled)
    assert found == pytest.approx(synflow(plain) + 100 * math.log(factor), rel=1e-6)
    assert abs(found) > 745  # e to this power is no float64 but 0 or inf


@pytest.mark.parametrize("seed", range(5))
def test_synflow_grows_with_width(seed):
    wide = replace(SMALL, stages=tuple(replace(stage, channels=2 * stage.channels) for stage in SMALL.stages))
    assert score("synflow", wide, seed=seed) > score("synflow", SMALL, seed=seed)


# Of 4 activations two images agree in 3: (4 + 1)^2 - 3^2 = 16. Of equal images: 5^2 - 4^2 = 9.
@pytest.mark.parametrize(("other", "agreeing", "determinant"), [(-1.0, 3, 16), (9.0, 4, 9)])
def test_naswot_by_hand(other, agreeing, determinant):
    images = torch.tensor([[1.0, -1.0, 0.0, 2.0], [5.0, -3.0, -2.0, other]])
    network = nn.Sequential(nn.ReLU6())
    assert kernel(network, images).tolist() == [[4, agreeing], [agreeing, 4]]
    assert naswot(network, images) == pytest.approx(math.log(determinant), rel=1e-12)


def test_naswot_counts_every_relu6(digits):
    sample = Sample.of(digits, SMALL, torch.device("cpu"))
    found = kernel(build(SMALL, seed=0), sample.images)
    # 8 channels on 8x8 behind the stem, 16 on 4x4 behind dw, 16 on 4x4 behind the head; none behind pw1
    assert found.diagonal().tolist() == [8 * 64 + 16 * 16 + 16 * 16] * 64


# Logits are equal, so each class has 1/2: the gradient is 1/2 of (3, 4), against the true class and for the other.
def test_gradients_by_hand():
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    nn.init.constant_(network[1].weight, 2.0)
    sample = Sample(torch.tensor([3.0, 4.0]).view(1, 2, 1, 1), torch.tensor([0]))
    assert grad_norm(network, sample) == pytest.approx(2.5 * math.sqrt(2), rel=1e-6)
    assert snip(network, sample) == pytest.approx(14, rel=1e-6)  # twice 2 * (3 + 4) / 2


def test_zen_adds_back_what_batch_norms_divided_by():
    network = nn.Sequential(nn.BatchNorm2d(2), nn.ReLU6(), nn.BatchNorm2d(1))
    network[0].running_var = torch.tensor([3.0, 5.0])  # 4 on average: a standard deviation of 2
    network[2].running_var = torch.tensor([25.0])
    assert log_scale(network) == pytest.approx(math.log(10), rel=1e-6)


def test_zen_does_not_hang_on_its_draws():
    # Over 20 seeds the standard deviations were 0.13 and 0.16, and the block more was worth 2.4.
    deeper = replace(SMALL, stages=(*SMALL.stages, *SMALL.stages))
    shallow, deep = ([score("zen", each, seed=seed) for seed in range(5)] for each in (SMALL, deeper))
    assert max(shallow) - min(shallow) < 1.5
    assert max(shallow) + 1 < min(deep)


@pytest.mark.parametrize("name", PROXIES)
def test_seed_decides_and_the_spelling_does_not(name, digits):
    first, again = (score(name, SMALL, data=digits, seed=3) for _ in range(2))
    assert first == again == score(name, SMALL.canonical, data=digits, seed=3)
    assert SMALL.canonical != SMALL
    assert isinstance(first, float)
    assert (score(name, SMALL, data=digits, seed=4) != first) == (name in MEASURED)


@pytest.mark.parametrize("name", PROXIES)
def test_generators_of_the_process_are_left_alone(name, digits):
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    score(name, SMALL, data=digits)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (np.random.get_state()[1].tolist(), random.getstate())


DIGITS = space.load("seesaw-digits")
FEASIBLE = Feasible.of(DIGITS, DIGITS.default_budget)


@pytest.mark.thorough
@settings(max_examples=8)
@given(st.integers(0, 2**32))
def test_scores_of_a_space_are_finite(digits, seed):
    drawn = FEASIBLE.draw(np.random.default_rng(seed))
    assert all(math.isfinite(score(name, drawn, data=digits)) for name in PROXIES)
