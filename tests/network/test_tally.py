"""The walk counts what runs, in the model's own terms, and refuses what it cannot count."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.reference import MODELS, network
from seesaw_nas.core.errors import SeesawError
from seesaw_nas.network import models
from seesaw_nas.network.baselines import build
from seesaw_nas.network.tally import Tally, TallyError, tally

# By hand, on a 12x9x9 image: Multi-Adds are output values times the weights of each.
LAYERS = [
    (nn.Conv2d(12, 24, 3, padding=1), 24 * 81 * 12 * 9),
    (nn.Conv2d(12, 24, 3, stride=2, padding=1, groups=4), 24 * 25 * (12 // 4) * 9),
    (nn.Conv2d(12, 12, (5, 3), padding=(2, 1), groups=12), 12 * 81 * 15),
    (nn.Conv2d(12, 5, 1, bias=False), 5 * 81 * 12),
    (nn.Conv2d(12, 2, 3, dilation=2), 2 * 25 * 12 * 9),
    (nn.Linear(9, 4), 12 * 9 * 4 * 9),  # on the last axis: 12 * 9 vectors of 9
    (nn.Sequential(nn.Flatten(), nn.Linear(972, 7)), 972 * 7),
    (nn.Sequential(nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(3)), 0),
]


@pytest.mark.parametrize(("layer", "macs"), LAYERS, ids=str)
def test_a_layer_by_hand(layer, macs):
    found = tally(layer, (12, 9, 9))
    assert found == Tally(sum(weight.numel() for weight in layer.parameters()), macs)


@pytest.mark.parametrize("name", [*MODELS, "seesaw-shuffle-1.0d@imagenet", "mobilenetv2@cifar100-tiny"])
def test_our_networks_cost_what_arithmetic_says(name):
    architecture = network(name)
    found = tally(models.build(architecture, seed=0), architecture.input)
    assert found == Tally(cost.params(architecture), cost.macs(architecture))


class Twice(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1, bias=False)

    def forward(self, x):
        return self.layer(self.layer(x))


def test_a_layer_that_runs_twice_counts_twice_and_holds_its_weights_once():
    assert tally(Twice(), (3, 4, 4)) == Tally(params=9, macs=2 * 9 * 16)


def test_weights_that_two_layers_share_are_held_once():
    model = nn.Sequential(nn.Conv2d(3, 3, 1, bias=False), nn.Conv2d(3, 3, 1, bias=False))
    model[1].weight = model[0].weight
    assert tally(model, (3, 4, 4)) == Tally(params=9, macs=2 * 9 * 16)


def test_frozen_weights_are_no_params_but_cost_the_same():
    model = nn.Conv2d(3, 3, 1, bias=False).requires_grad_(False)
    assert tally(model, (3, 4, 4)) == Tally(params=0, macs=9 * 16)


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_left_as_it_is(training):
    model = nn.Sequential(nn.Conv2d(3, 8, 4), nn.BatchNorm2d(8), nn.Dropout(), nn.Flatten(), nn.Linear(8, 2))
    model.train(training)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    tally(model, (3, 4, 4))  # a map of one pixel, which batch norm in training would refuse of one image
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(module.training is training for module in model.modules())
    assert not any(module._forward_hooks for module in model.modules())


def test_vgg_16_takes_no_memory():
    with torch.device("meta"):
        model = build("vgg-16@imagenet")
    assert tally(model, (3, 224, 224)).params == 138_357_544
    assert all(weight.is_meta for weight in model.parameters())


class Bare(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        return x * self.scale


class OwnConv(nn.Conv2d):
    pass


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv1d(3, 3, 1), nn.Conv3d(3, 3, 1), nn.ConvTranspose2d(3, 3, 2), nn.MultiheadAttention(4, 2), nn.LSTM(4, 4),
        nn.Embedding(4, 4), nn.LayerNorm(4), nn.PReLU(), nn.Bilinear(4, 4, 4), Bare(), OwnConv(3, 3, 1),
    ],
    ids=lambda layer: type(layer).__name__,
)  # fmt: skip
def test_what_holds_weights_and_is_not_known_is_refused(layer):
    with pytest.raises(TallyError) as refused:
        tally(nn.Sequential(nn.Conv2d(3, 3, 1), nn.Sequential(layer)), (3, 4, 4))
    assert str(refused.value) == (
        f"cannot count '1.0': {type(layer).__name__} holds weights, and only Conv2d, Linear and batch norm are known; "
        "build it of these, or count it by hand"
    )


class Aside(nn.Module):
    """Uses the weight of a layer without calling it."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)

    def forward(self, x):
        return F.conv2d(x, self.layer.weight)


def test_a_layer_that_does_not_run_is_refused():
    with pytest.raises(
        TallyError, match="cannot count 'layer': this Conv2d holds weights, but did not run on the image"
    ):
        tally(Aside(), (3, 4, 4))


def test_the_model_itself_is_named_so():
    with pytest.raises(TallyError, match="cannot count the model itself: Bare holds weights"):
        tally(Bare(), (3, 4, 4))
    assert issubclass(TallyError, SeesawError)
