import pytest
import torch
from torch import nn

from seesaw_nas.training.averaging import Average


def after(values, window):
    """The average once a weight has had these values, one a step."""
    model = nn.Linear(1, 1, bias=False)
    average = Average.of(list(model.parameters()), window)
    for step, value in enumerate(values):
        model.weight.data.fill_(value)
        average.move(step)
    return model, average


def test_first_window_is_an_even_average_without_the_initial_weights():
    _, average = after([3.0, 6.0, 12.0], window=10)
    assert average.values[0].item() == pytest.approx(7.0)  # (3 + 6 + 12) / 3


def test_then_older_weights_fade_by_the_window():
    # window 2: 4, (4 + 8) / 2 = 6, then half and half: (6 + 0) / 2 = 3, (3 + 1) / 2 = 2
    _, average = after([4.0, 8.0, 0.0, 1.0], window=2)
    assert average.values[0].item() == pytest.approx(2.0)


def test_window_of_less_than_a_step_is_the_last_weights():
    _, average = after([4.0, 8.0, 5.0], window=0.3)
    assert average.values[0].item() == 5.0


def test_model_has_the_average_in_the_body_and_its_own_weights_again_after_it():
    model, average = after([2.0, 4.0], window=10)
    own = model.weight
    with average.in_place():
        assert model.weight.item() == 3.0
    assert model.weight is own
    assert torch.equal(own, torch.full((1, 1), 4.0))
    average.keep()
    assert own.item() == 3.0
