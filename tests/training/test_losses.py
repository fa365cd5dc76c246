import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from seesaw_nas.training.losses import cross_entropy


def test_two_even_classes():
    # logits 0, 0: chances 1/2 each, loss ln 2; the gradient of the right class's logit is (1/2 - 1) / n
    loss, gradient = cross_entropy(torch.zeros(2, 2), torch.tensor([0, 1]))
    assert loss.item() == pytest.approx(math.log(2))
    assert gradient.tolist() == [[-0.25, 0.25], [0.25, -0.25]]


def test_smoothed_labels():
    # smoothing 0.2 of 2 classes wants 0.9 and 0.1; logits (ln 3, 0) are chances 3/4 and 1/4
    loss, gradient = cross_entropy(torch.tensor([[math.log(3), 0.0]]), torch.tensor([0]), 0.2)
    assert loss.item() == pytest.approx(-0.9 * math.log(0.75) - 0.1 * math.log(0.25))
    assert gradient[0].tolist() == pytest.approx([0.75 - 0.9, 0.25 - 0.1])


@given(
    st.integers(1, 5), st.integers(2, 6), st.sampled_from([0.0, 0.1, 0.5]), st.booleans(), st.sampled_from([1.0, 0.7])
)
def test_loss_and_gradient_are_those_of_torch(n, classes, smoothing, blended, weight):
    generator = torch.Generator().manual_seed(n * classes)
    logits = torch.randn(n, classes, dtype=torch.float64, generator=generator).requires_grad_()
    targets = torch.randint(0, classes, (n,), generator=generator)
    if blended:
        targets = torch.rand(n, classes, dtype=torch.float64, generator=generator).softmax(1)
    wanted = F.cross_entropy(logits, targets, label_smoothing=smoothing)
    (wanted * weight).backward()
    loss, gradient = cross_entropy(logits.detach(), targets, smoothing, weight)
    torch.testing.assert_close((loss, gradient), (wanted.detach(), logits.grad), rtol=1e-12, atol=1e-12)


def test_half_precision_is_summed_in_float32_and_its_gradient_is_half_again():
    logits = torch.randn(8, 10, generator=torch.Generator().manual_seed(0)).bfloat16()
    loss, gradient = cross_entropy(logits, torch.arange(8))
    assert (loss.dtype, gradient.dtype) == (torch.float32, torch.bfloat16)
    assert loss.item() == pytest.approx(F.cross_entropy(logits.float(), torch.arange(8)).item(), rel=1e-6)
