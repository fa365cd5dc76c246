"""CondenseNet: which inputs are read, and the authors' count of it, which is not ours."""

import pytest
import torch
from torch import nn

from seesaw_nas.network import baselines
from seesaw_nas.network.baselines.condensenet import CIFAR_86, DenseLayer, Keep, condensenet
from seesaw_nas.network.tally import tally
from seesaw_nas.workflows.reference import WHYS


def test_keeping_is_an_index():
    kept = Keep(2)
    kept.indices.copy_(torch.tensor([2, 0]))
    assert kept(torch.arange(3.0).view(1, 3, 1, 1)).flatten().tolist() == [2, 0]


def test_an_index_is_no_parameter_but_is_saved():
    assert not list(Keep(3).parameters())
    assert list(Keep(3).state_dict()) == ["indices"]


def test_a_layer_adds_its_growth_behind_what_it_reads():
    layer, x = DenseLayer(16, 8, 4).eval(), torch.randn(1, 16, 5, 5)
    assert layer(x).shape == (1, 24, 5, 5)
    assert torch.equal(layer(x)[:, :16], x)


def test_a_layer_costs_its_groups_share():
    # 1x1: 16 * 32 / 4 = 128 a pixel; 3x3: 32 * 8 * 9 / 4 = 576. Batch norm on 16 and on 32 channels.
    found = tally(DenseLayer(16, 8, 4), (16, 5, 5))
    assert (found.macs, found.params) == ((128 + 576) * 25, 128 + 576 + 2 * (16 + 32))


def test_depth_is_what_the_name_says():
    # 86 = the stem, two convolutions in each of 3 * 14 layers, the classifier.
    layers = [m for m in condensenet(CIFAR_86, 10).modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert len(layers) == 86


@pytest.mark.parametrize(
    ("name", "size", "total", "printed"),
    [
        ("condensenet-light-94@cifar10", 32, 121_923_430, 122),
        ("condensenet-light-94@cifar100", 32, 121_942_780, 122),
        ("condensenet-86@cifar10", 32, 65_812_394, 65.8),  # 65.8M in the authors' repository, 65M in their paper
        ("condensenet-g8@imagenet", 224, 274_233_480, 274),
    ],
)
def test_the_authors_counter_explains_the_printed_figure(name, size, total, printed):
    counted, image = {"relu": 0, "pool": 0}, (3, size, size)
    with torch.device("meta"):
        network = baselines.build(name)
    for module in network.modules():
        kind = {nn.ReLU: "relu", nn.AvgPool2d: "pool", nn.AdaptiveAvgPool2d: "pool"}.get(type(module))
        if kind:

            def add(_module, inputs, _output, kind=kind):
                counted[kind] += inputs[0][0].numel()

            module.register_forward_hook(add)
    bias = network[-1].out_features
    assert tally(network, image).macs + sum(counted.values()) + bias == total
    assert total / 1e6 == pytest.approx(printed, abs=0.5 if isinstance(printed, int) else 0.05)
    for figure in (*counted.values(), total):
        assert f"{figure:,}" in WHYS[name]
