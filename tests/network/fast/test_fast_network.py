"""The fast formulation of training is the plain one but for rounding: losses, gradients, running statistics."""

from __future__ import annotations

import copy

import pytest
import torch
from hypothesis import given, settings
from networks import architectures, images, trained
from torch import nn
from torch.nn import functional as F

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.reference import network
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.network.fast import FastNetwork, Formulation, speed_up
from seesaw_nas.network.models import Network, build

LABELS = torch.tensor([0, 1, 4, 2])
CPU, GPU = Formulation(folds=True), Formulation(folds=False, multiple=8)
FORMULATIONS = [CPU, Formulation(folds=False), GPU]


def step(model: Network, fast: FastNetwork | None, x: torch.Tensor) -> dict[str, torch.Tensor]:
    """Loss, gradients and buffers after one forward and backward pass in training mode, by the names of the model."""
    model.train()
    loss = F.cross_entropy((fast or model)(x), LABELS)
    loss.backward()
    gradients = {name: weight.grad for name, weight in model.named_parameters()}
    if fast:
        gradients = fast.flat.views(torch.cat([fast.weights.grad, fast.vectors.grad, torch.zeros(1)]))
        fast.batches += 1
        fast.write_statistics()
        fast.flat.write_statistics()
    named = {f"gradient of {name}": gradient for name, gradient in gradients.items()}
    return {"loss": loss.detach()} | named | {name: b.clone() for name, b in model.named_buffers()}


def assert_same(architecture: Architecture, formulation: Formulation) -> None:
    plain = trained(architecture).double()
    other = copy.deepcopy(plain)
    x = images(architecture, torch.float64, n=4)
    wanted, found = step(plain, None, x), step(other, FastNetwork(other, formulation), x)
    assert wanted.keys() == found.keys()
    scale = max(float(value.abs().max()) for name, value in wanted.items() if name.startswith("gradient"))
    for name, value in wanted.items():
        atol = 1e-12 * scale if name.startswith("gradient") else 1e-12
        torch.testing.assert_close(found[name], value, rtol=1e-9, atol=atol, msg=lambda text, n=name: f"{n}: {text}")


@given(architectures())
@settings(max_examples=30, deadline=None)
def test_a_step_on_a_cpu_equals_the_plain_one(architecture):
    assert_same(architecture, CPU)


@pytest.mark.thorough
@given(architectures())
@settings(max_examples=20, deadline=None)
def test_a_step_as_a_gpu_computes_it_equals_the_plain_one(architecture):
    assert_same(architecture, GPU)


@pytest.mark.parametrize("formulation", FORMULATIONS)
@pytest.mark.parametrize("partition", ["1:3", "1:1"])
def test_wide_blocks_which_are_computed_in_tiles(partition, formulation):
    block = Block(2, 3, Partition.parse(partition), "shuffle")
    stage = Stage(64, 1, (block, block))
    assert_same(Architecture(6, 3, 5, Stem(64, 1), (stage,), Head(64)), formulation)


def test_the_papers_network_in_float32_learns_the_same():
    """Three steps: the loss after them, which has gone through all gradients, agrees to float32's precision."""
    plain = build(network("seesaw-shuffle-0.5d@cifar10-tiny"), seed=0)
    losses = []
    for forward in (plain, speed_up(copy.deepcopy(plain))):
        optimizer = torch.optim.SGD(forward.parameters(), lr=0.01, momentum=0.9)
        for _ in range(3):
            x = images(plain.architecture, n=4)
            optimizer.zero_grad()
            loss = F.cross_entropy(forward(x), LABELS)
            loss.backward()
            optimizer.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-3)


def test_a_linked_network_follows_what_is_trained_until_it_is_given_tensors_of_its_own():
    model = trained(network("seesaw-share-v1-0.5d@cifar10-tiny"))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fast = speed_up(model)
    fast.flat.link()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    with torch.no_grad():
        fast.weights.add_(1)
        fast.vectors.add_(2)
    for name, weight in model.named_parameters():
        torch.testing.assert_close(weight, before[name] + (1 if weight.ndim > 1 else 2))
    fast.flat.unlink()
    with torch.no_grad():
        fast.weights.zero_()
    assert float(model.stem.weight.detach().abs().min()) > 0


@given(architectures())
@settings(max_examples=10, deadline=None)
def test_what_is_padded_stays_zero(architecture):
    """Of every layer the activations behind its own channels, and the running means there, are zero after a step."""
    fast = FastNetwork(trained(architecture), GPU)
    fast(images(architecture, n=4)).sum().backward()
    outside = fast.order.statistics.index == fast.order.statistics.size
    assert not fast._running[0][outside].any()
    assert all(width % 8 == 0 for width in fast.order.layers.norms)


def test_dropout_draws_what_the_plain_network_draws():
    architecture = network("seesaw-share-v1-0.5d@cifar10-tiny")
    model = build(architecture, dropout=0.5, seed=0).double()
    results = []
    for forward in (model, speed_up(model)):
        torch.manual_seed(3)
        results.append(forward(images(architecture, torch.float64)))
    torch.testing.assert_close(*results)


def test_a_channel_that_is_constant_does_no_harm():
    """A dead input has no variance: its batch norm gives the bias, and no gradient is infinite."""
    model = trained(network("seesaw-shuffle-0.5d@cifar10-tiny"))
    with torch.no_grad():
        model.stem_bn.weight.zero_()
    result = step(model, speed_up(model), images(model.architecture, n=4))
    assert all(torch.isfinite(value).all() for value in result.values())


def test_another_model_has_no_fast_formulation():
    assert speed_up(nn.Linear(2, 2)) is None
