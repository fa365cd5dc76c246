"""A fused network says what the trained one says, for every partition and flow, in every formulation."""

from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given, settings
from networks import architectures, images, trained
from torch import Tensor, nn

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.reference import network
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.network import folded
from seesaw_nas.network.folded import FusedNetwork, SplitNetwork, rule
from seesaw_nas.network.folded.folding import FoldedBlock, fold
from seesaw_nas.network.models import build
from seesaw_nas.network.ops import Permutation
from seesaw_nas.network.wiring import tiles

RELATIVE = 1e-5  # of the largest logit, in float32


def distance(found: Tensor, wanted: Tensor) -> float:
    return float((found - wanted).abs().max() / wanted.abs().max())


def possible(formulation: str, block: FoldedBlock) -> str:
    """Native groups are for equal ones."""
    return "dense" if formulation == "native" and not block.placed.block.partition.is_even else formulation


@given(architectures())
@settings(max_examples=60, deadline=None)
def test_every_formulation_equals_the_network_in_eval_mode(architecture):
    model = trained(architecture)
    with torch.no_grad():
        wanted, folded = model(images(architecture)), fold(model)
        for tiled in (False, True):
            assert distance(FusedNetwork(folded, lambda _, t=tiled: t)(images(architecture)), wanted) < RELATIVE
        for formulation in ("dense", "split"):
            assert distance(SplitNetwork(folded, lambda _, f=formulation: f)(images(architecture)), wanted) < RELATIVE
        turns = itertools.cycle(["split", "dense", "native"])
        mixed = SplitNetwork(folded, lambda block: possible(next(turns), block))
        assert distance(mixed(images(architecture)), wanted) < RELATIVE


@given(architectures())
@settings(max_examples=20, deadline=None)
def test_in_float64_nothing_but_rounding_is_left(architecture):
    model = trained(architecture).double()
    x = images(architecture, torch.float64)
    with torch.no_grad():
        wanted = model(x)
        assert distance(FusedNetwork(fold(model), lambda _: True)(x), wanted) < 1e-12
        assert distance(SplitNetwork(fold(model), lambda _: "split")(x), wanted) < 1e-12


@pytest.mark.parametrize(
    "name",
    ["seesaw-shuffle-0.5d", "seesaw-share-v1-0.5d", "seesaw-share-v0-0.5d", "igcv3-0.5d", "mobilenetv2",
     "seesaw-share-v2-0.5d@cifar10-tiny"],
)  # fmt: skip
def test_the_papers_networks_by_the_default_rules(name):
    model = trained(network(name))
    with torch.no_grad():
        wanted = model(images(model.architecture))
        assert distance(folded.fuse(model)(images(model.architecture)), wanted) < RELATIVE
        assert distance(folded.split(model)(images(model.architecture)), wanted) < RELATIVE


def test_the_network_itself_stays_as_it_was_and_the_fused_one_is_no_view_of_it():
    architecture = network("seesaw-shuffle-0.5d@cifar10-tiny")
    model = trained(architecture)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fused, apart = folded.fuse(model), folded.split(model)
    with torch.no_grad():
        wanted = fused(images(architecture)), apart(images(architecture))
        assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
        for weight in model.parameters():
            weight.zero_()
        assert torch.equal(fused(images(architecture)), wanted[0])
        assert torch.equal(apart(images(architecture)), wanted[1])


def test_images_are_not_changed_and_any_batch_and_layout_will_do():
    architecture = network("seesaw-shuffle-0.5d@cifar10-tiny")
    fused = folded.fuse(trained(architecture))
    x = images(architecture, n=4)
    before = x.clone()
    with torch.no_grad():
        together = fused(x)
        assert torch.equal(x, before)
        torch.testing.assert_close(fused(x.contiguous(memory_format=torch.channels_last)), together)
        for i in range(4):
            torch.testing.assert_close(fused(x[i : i + 1]), together[i : i + 1], rtol=1e-4, atol=1e-5)


def test_nothing_of_batch_norm_or_permutation_is_left():
    model = trained(network("igcv3-0.5d@cifar10-tiny"))
    for ready in (folded.fuse(model), folded.split(model)):
        assert not [m for m in ready.modules() if isinstance(m, nn.BatchNorm2d | Permutation)]
        assert not ready.training
        assert not [p for p in ready.parameters() if p.requires_grad]


def test_what_training_mode_left_behind_is_used_not_the_batch():
    """A model still in training mode is fused as it would be in eval mode."""
    model = trained(network("seesaw-share-v1-0.5d@cifar10-tiny"))
    x = images(model.architecture)
    with torch.no_grad():
        wanted = model(x)
        assert distance(folded.fuse(model.train())(x), wanted) < RELATIVE


def test_tiles_hold_every_weight_of_a_convolution():
    for block in fold(trained(network("seesaw-shuffle-0.5d@cifar10-tiny"))).blocks:
        for layer in (block.pw1, block.pw2):
            inside = torch.zeros_like(layer.weight, dtype=torch.bool)
            for tile in layer.tiles:
                assert not inside[tile.outputs, tile.inputs].any(), "tiles do not overlap"
                inside[tile.outputs, tile.inputs] = True
            assert not layer.weight[~inside].any()


def test_a_shuffled_block_of_1_to_3_is_read_in_three_slices():
    """16 of 64 inner channels are of group 0; its pw2 reads 8 of them and 8 of group 1, which stand at the two ends."""
    block = Block(4, 3, Partition((1, 3)), "shuffle")
    model = build(Architecture(4, 3, 2, Stem(16, 1), (Stage(16, 1, (block,)),), Head(8)), seed=0)
    (folded,) = fold(model).blocks
    assert folded.pieces == (slice(0, 8), slice(8, 16), slice(16, 56), slice(56, 64))
    assert [(t.outputs, t.inputs) for t in folded.pw1.tiles] == [
        (slice(0, 16), slice(0, 4)), (slice(16, 64), slice(4, 16))
    ]  # fmt: skip
    assert [(t.outputs, t.inputs) for t in folded.pw2.tiles] == [
        (slice(0, 4), slice(0, 8)), (slice(0, 4), slice(56, 64)), (slice(4, 16), slice(8, 56))
    ]  # fmt: skip


def test_a_shared_block_has_the_middle_for_both_big_groups():
    block = Block(4, 3, Partition((1, 3)), "share")
    model = build(Architecture(4, 3, 2, Stem(16, 1), (Stage(16, 1, (block,)),), Head(8)), seed=0)
    (folded,) = fold(model).blocks
    assert folded.pieces == (slice(0, 16), slice(16, 48), slice(48, 64))


def test_tiles_are_where_labels_meet():
    found = [(t.outputs, t.inputs) for t in tiles([0, 1, 1], [0, 0, 1])]
    assert found == [(slice(0, 1), slice(0, 2)), (slice(1, 3), slice(2, 3))]


def test_the_rule_tiles_wide_uneven_layers_and_never_a_dense_one():
    blocks = fold(trained(network("seesaw-shuffle-0.5d"))).blocks
    on_cpu, on_cuda = rule.eager(torch.device("cpu")), rule.eager(torch.device("cuda"))
    tiled = {(block.placed.c_in, on_cpu(block.pw1)) for block in blocks}
    assert tiled == {(32, False), (16, False), (24, False), (64, True), (96, True), (160, True)}
    assert not any(on_cpu(block.pw1) for block in fold(trained(network("mobilenetv2"))).blocks)
    assert not on_cuda(blocks[-1].pw1)


def formulations(name: str) -> set[tuple[int, str]]:
    return {(block.placed.c_in, rule.graph()(block)) for block in fold(trained(network(name))).blocks}


def test_the_rule_for_graphs_splits_where_every_piece_is_wide():
    # c_in 64: an eighth of 384 is 48; c_in 32: an eighth of 192 is 24.
    assert formulations("seesaw-shuffle-0.5d") == {
        (32, "dense"), (16, "dense"), (24, "dense"), (64, "split"), (96, "split"), (160, "split")
    }  # fmt: skip
    assert {how for _, how in formulations("mobilenetv2")} == {"dense"}


def test_the_rule_for_graphs_wants_more_of_a_block_that_permutes_twice():
    # Native groups where both halves are whole blocks of 16 channels; pieces of 240 only from 160 channels.
    assert formulations("igcv3-0.5d") == {
        (32, "native"), (16, "dense"), (24, "dense"), (64, "native"), (96, "native"), (160, "split")
    }  # fmt: skip
