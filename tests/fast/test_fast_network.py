"""The fast formulation of training is the plain one but for rounding: losses, gradients, running statistics."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from networks import architectures, images, trained
from torch import nn
from torch.nn import functional as F

from seesaw_nas.fast import FastNetwork, fastest
from seesaw_nas.models import build
from seesaw_nas.reference import network
from seesaw_nas.spec import Architecture, Block, Head, Partition, Stage, Stem

LABELS = torch.tensor([0, 1, 4, 2])


def step(model: nn.Module, forward: nn.Module, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Loss, gradients and buffers after one forward and backward pass in training mode."""
    model.train()
    loss = F.cross_entropy(forward(x), LABELS)
    loss.backward()
    gradients = {f"gradient of {name}": weight.grad for name, weight in model.named_parameters()}
    return {"loss": loss.detach()} | gradients | {name: b.clone() for name, b in model.named_buffers()}


def assert_same(architecture: Architecture, folds: bool) -> None:
    plain = trained(architecture).double()
    other = copy.deepcopy(plain)
    x = images(architecture, torch.float64, n=4)
    wanted, found = step(plain, plain, x), step(other, FastNetwork(other, folds), x)
    assert wanted.keys() == found.keys()
    scale = max(float(value.abs().max()) for name, value in wanted.items() if name.startswith("gradient"))
    for name, value in wanted.items():
        atol = 1e-9 * scale if name.startswith("gradient") else 1e-9
        torch.testing.assert_close(found[name], value, rtol=1e-7, atol=atol, msg=lambda text, n=name: f"{n}: {text}")


@given(architectures())
@settings(max_examples=30, deadline=None)
def test_a_step_on_a_cpu_equals_the_plain_one(architecture):
    assert_same(architecture, folds=True)


@given(architectures())
@settings(max_examples=20, deadline=None)
def test_a_step_as_a_gpu_computes_it_equals_the_plain_one(architecture):
    assert_same(architecture, folds=False)


@pytest.mark.parametrize("folds", [True, False])
@pytest.mark.parametrize("partition", ["1:3", "1:1"])
def test_wide_blocks_which_are_computed_in_tiles(partition, folds):
    block = Block(2, 3, Partition.parse(partition), "shuffle")
    stage = Stage(64, 1, (block, block))
    assert_same(Architecture(6, 3, 5, Stem(64, 1), (stage,), Head(64)), folds)


def test_the_papers_network_in_float32_learns_the_same():
    """Three steps: the loss after them, which has gone through all gradients, agrees to float32's precision."""
    plain = build(network("seesaw-shuffle-0.5d@cifar10-tiny"), seed=0)
    other = copy.deepcopy(plain)
    losses = []
    for model, forward in ((plain, plain), (other, fastest(other))):
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)
        for _ in range(3):
            x = images(model.architecture, n=4)
            optimizer.zero_grad()
            loss = F.cross_entropy(forward(x), LABELS)
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_the_plain_network_is_what_is_trained():
    model = trained(network("seesaw-share-v1-0.5d@cifar10-tiny"))
    forward = fastest(model)
    assert {id(weight) for weight in forward.parameters()} == {id(weight) for weight in model.parameters()}


def test_dropout_draws_what_the_plain_network_draws():
    architecture = network("seesaw-share-v1-0.5d@cifar10-tiny")
    model = build(architecture, dropout=0.5, seed=0).double()
    results = []
    for forward in (model, fastest(model)):
        torch.manual_seed(3)
        results.append(forward(images(architecture, torch.float64)))
    torch.testing.assert_close(*results)


def test_a_channel_that_is_constant_does_no_harm():
    """A dead input has no variance: its batch norm gives the bias, and no gradient is infinite."""
    model = trained(network("seesaw-shuffle-0.5d@cifar10-tiny"))
    with torch.no_grad():
        model.stem_bn.weight.zero_()
    result = step(model, fastest(model), images(model.architecture, n=4))
    assert all(torch.isfinite(value).all() for value in result.values())


def test_another_model_is_left_as_it_is():
    model = nn.Linear(2, 2)
    assert fastest(model) is model
