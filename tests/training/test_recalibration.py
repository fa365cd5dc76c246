import pytest
import torch
from torch import nn

from seesaw_nas.data import normalise
from seesaw_nas.training.recalibration import recalibrate

MEAN, STD = (0.5,), (0.25,)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Dropout(0.9), nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))


@pytest.fixture
def images():
    return torch.randint(0, 256, (400, 1, 6, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))


def test_the_first_norm_holds_the_statistics_of_its_inputs(images):
    model = network()
    recalibrate(model, images, MEAN, STD)
    seen = model[0](normalise(images, MEAN, STD)).detach()
    # two batches of 200: the mean of equal halves is the mean of all; the variance leaves out that between the halves
    torch.testing.assert_close(model[1].running_mean, seen.mean((0, 2, 3)), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model[1].running_var, seen.var((0, 2, 3)), rtol=1e-2, atol=1e-4)


def test_what_was_averaged_before_counts_nothing(images):
    fresh, used = network(), network()
    used[1].running_mean += 5.0
    for model in (fresh, used):
        recalibrate(model, images, MEAN, STD)
    assert torch.equal(fresh[1].running_mean, used[1].running_mean)


def test_nothing_is_dropped_and_no_generator_is_used(images):
    one, other = network(), network()
    recalibrate(one, images, MEAN, STD)
    state = torch.random.get_rng_state()
    recalibrate(other, images, MEAN, STD)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(one[4].running_var, other[4].running_var)


@pytest.mark.parametrize("training", [True, False])
def test_mode_momentum_and_weights_stay(images, training):
    model = network().train(training)
    weights = [weight.clone() for weight in model.parameters()]
    recalibrate(model, images, MEAN, STD)
    assert all(module.training is training for module in model.modules())
    assert model[1].momentum == 0.1
    assert all(map(torch.equal, weights, model.parameters()))
