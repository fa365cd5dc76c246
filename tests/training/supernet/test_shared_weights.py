import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from open_spaces import OPEN
from spaces import EVERYTHING, all_at_once
from torch import nn

from seesaw_nas import space
from seesaw_nas.architecture import cost
from seesaw_nas.architecture.partition import DENSE
from seesaw_nas.architecture.spec import Block
from seesaw_nas.core.errors import SpecError
from seesaw_nas.network.models import Network, build
from seesaw_nas.space import Feasible
from seesaw_nas.training.supernet import Supernet

DIGITS = space.load("seesaw-digits")
FEASIBLE = Feasible.of(EVERYTHING, "100%")


def in_double(searched, seed=0):
    """A supernet in double precision in which no weight is 0 or 1."""
    made = Supernet.build(searched, seed=seed)
    noise = torch.randn(made.weights.shape, generator=torch.Generator().manual_seed(7), dtype=torch.double)
    return replace(made, weights=made.weights.double() + 0.1 * noise)


DOUBLE = {"digits": in_double(DIGITS), "everything": in_double(EVERYTHING), "open": in_double(OPEN)}


def images(searched, n=2):
    size = (n, searched.input_channels, searched.input_size, searched.input_size)
    return torch.randn(size, generator=torch.Generator().manual_seed(3), dtype=torch.double)


def check_equal(supernet, architecture):
    x = images(supernet.space)
    with torch.no_grad():
        found, wanted = supernet.extract(architecture)(x), supernet.forward(x, architecture)
    assert (found - wanted).abs().max() < 1e-10, architecture.placed


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("name", "width"),
    [("digits", i) for i in range(DIGITS.widths)] + [("everything", i) for i in range(EVERYTHING.widths)],
)
def test_every_block_at_every_place_computes_what_the_definition_says(name, width):
    supernet = DOUBLE[name]
    for architecture in all_at_once(supernet.space, width):
        check_equal(supernet, architecture)


@pytest.mark.parametrize("searched", [DIGITS, EVERYTHING], ids=lambda searched: searched.name)
def test_the_architectures_of_that_test_have_every_block_at_every_place(searched):
    for width in range(searched.widths):
        shown = {((at.stage, at.index), at.block) for found in all_at_once(searched, width) for at in found.placed}
        offered = {((s.stage, s.index), block) for s in searched.slots(width) for block in searched.options(s)}
        assert shown == offered


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_drawn_architectures_compute_what_the_definition_says(seed):
    check_equal(DOUBLE["everything"], FEASIBLE.draw(np.random.default_rng(seed)))


@pytest.mark.parametrize("outline", range(len(OPEN.outlines)))
def test_absent_stages_and_other_heads_compute_what_the_definition_says(outline):
    """Stages keep their weights where others are absent; a narrower head and its classifier use leading channels."""
    for architecture in all_at_once(OPEN, outline):
        check_equal(DOUBLE["open"], architecture)
        index = DOUBLE["open"].index(architecture)
        assert len(index.unique()) == len(index) == cost.params(architecture)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_an_index_names_an_entry_for_each_parameter_and_none_twice(seed):
    supernet, architecture = DOUBLE["everything"], FEASIBLE.draw(np.random.default_rng(seed))
    index = supernet.index(architecture)
    parameters = torch.cat([weight.flatten() for weight in build(architecture, seed=0).parameters()])
    assert index.shape == parameters.shape
    assert len(index.unique()) == len(index)
    assert int(index.min()) >= 0
    assert int(index.max()) < len(supernet.weights)


def test_gradients_through_the_definition_fall_on_the_entries_of_the_index():
    supernet = DOUBLE["everything"]
    architecture = FEASIBLE.draw(np.random.default_rng(5))
    leaf = supernet.weights.clone().requires_grad_()
    learning = replace(supernet, weights=leaf)
    learning.forward(images(EVERYTHING), architecture).square().sum().backward()
    network, index = supernet.extract(architecture), supernet.index(architecture)
    network(images(EVERYTHING)).square().sum().backward()
    gradient = torch.cat([weight.grad.flatten() for weight in network.parameters()])
    torch.testing.assert_close(leaf.grad[index], gradient, rtol=0, atol=1e-9)
    elsewhere = torch.ones_like(leaf, dtype=torch.bool)
    elsewhere[index] = False
    assert not leaf.grad[elsewhere].any()


def flat_space(partition, flow, expansions="[2]"):
    """A stem of 2 channels, one block from 2 to 2 channels, a head of 1, for 2 classes of grey images."""
    return space.parse(
        f"""
schema_version = 1
name = "flat"
description = "small enough to number by hand"
budget = "100%"
input = {{ size = 4, channels = 1, classes = 2 }}
stem = {{ channels = 2, stride = 1 }}
head = {{ channels = 1 }}
blocks = {{ expansions = {expansions}, kernels = [3, 5], partitions = ["{partition}"], flows = ["{flow}"],
           activations = ["none"] }}
[[stages]]
channels = 2
stride = 1
repeats = [1]
""".replace("\n           activations", " activations"),
        "test",
    )


def test_the_index_of_a_shuffled_block_is_what_one_counts_by_hand():
    searched = flat_space("1:1", "shuffle")
    supernet = Supernet.build(searched, seed=0)
    architecture = searched.build(0, [[searched.options(next(iter(searched.slots(0))))[0]]])
    assert architecture.placed[0].block.kernel == 3
    # In front: stem 2*1*9 = 18, its norm 2 + 2. Then pw1 at 22 (4x2), its norm at 30 and 34, dw at 38 (4x25), its norm
    # at 138 and 142, pw2 at 146 (2x4), its norm at 154 and 156, and the head from 158 on.
    centre = [6, 7, 8, 11, 12, 13, 16, 17, 18]  # of a kernel of 5
    order = [0, 2, 1, 3]  # 0 1 | 2 3 dealt out to two groups: who comes to stand at each place
    block = [
        *(22, 24, 27, 29),  # rows 0, 1 read channel 0 and rows 2, 3 channel 1
        *range(30, 38),
        *(38 + 25 * channel + at for channel in order for at in centre),
        *(138 + channel for channel in order), *(142 + channel for channel in order),
        *(146, 148, 151, 153),  # output 0 reads the places 0, 1, where channels 0, 2 stand; output 1 channels 1, 3
        *range(154, 158),
    ]  # fmt: skip
    assert supernet.index(architecture).tolist() == [*range(22), *block, *range(158, 158 + 2 + 2 + 2 + 2)]


def test_a_network_has_copies_of_the_weights_and_is_fresh():
    supernet = Supernet.build(DIGITS, seed=0)
    architecture = Feasible.of(DIGITS, "300K").draw_even(np.random.default_rng(0))
    network, other = supernet.extract(architecture), supernet.extract(architecture)
    assert type(network) is Network
    assert network.architecture == architecture
    assert repr(network) == repr(build(architecture, seed=0))
    assert network.training
    before = supernet.weights.clone()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(1)
    network(torch.randn(3, 1, 8, 8))
    assert torch.equal(supernet.weights, before)
    fresh = build(architecture, seed=0).state_dict()
    for name, value in other.state_dict().items():
        if "running" in name or "tracked" in name:
            assert torch.equal(value, fresh[name])
    assert [name for name, _ in network.named_parameters()] == [
        name for name, _ in build(architecture, seed=0).named_parameters()
    ]


def test_initial_weights_have_the_scales_of_the_widest_dense_network():
    supernet = Supernet.build(DIGITS, seed=3)
    assert torch.equal(supernet.weights, Supernet.build(DIGITS, seed=3).weights)
    assert not torch.equal(supernet.weights, Supernet.build(DIGITS, seed=4).weights)
    widest = [Block(4, 5, DENSE, "none")]
    network = supernet.extract(DIGITS.build(0, [widest * 2, widest * 3, widest * 3]))
    # He: pw1 of the last block has 4*32 = 128 output channels, its dw as many and a kernel of 25, pw2 has 32
    last = network.stages[2][2]
    deviations = [(last.pw1.convs[0], 2 / 128), (last.dw, 2 / (25 * 128)), (last.pw2.convs[0], 2 / 32)]
    for conv, variance in [*deviations, (network.head, 2 / 128)]:
        assert conv.weight.std().item() == pytest.approx(math.sqrt(variance), rel=0.08)
    assert network.classifier.weight.std().item() == pytest.approx(0.01, rel=0.08)
    assert not network.classifier.bias.any()
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    assert all((norm.weight == 1).all() and not norm.bias.any() for norm in norms)


def test_an_architecture_of_another_space_is_refused():
    supernet = Supernet.build(DIGITS, seed=0)
    stranger = FEASIBLE.draw(np.random.default_rng(0))
    for use in (supernet.index, supernet.extract, lambda a: supernet.forward(images(EVERYTHING), a)):
        with pytest.raises(
            SpecError, match="the architecture is not in space 'seesaw-digits', whose weights these are"
        ):
            use(stranger)


def test_a_pickled_supernet_gives_the_same_networks():
    supernet = DOUBLE["everything"]
    architecture = FEASIBLE.draw(np.random.default_rng(1))
    wanted = supernet.index(architecture)  # keeps indices beside the weights
    again = pickle.loads(pickle.dumps(supernet))
    assert torch.equal(again.index(architecture), wanted)
    assert torch.equal(again.weights, supernet.weights)
