from contextlib import contextmanager

import pytest
import torch
from torch import nn

from seesaw_nas.data import Images
from seesaw_nas.training import accuracy
from seesaw_nas.training.accuracy import measure


class Ranked(nn.Module):
    """The class of an image's own pixel is the likeliest, the next ones follow in order."""

    def __init__(self, classes):
        super().__init__()
        self.classes = classes

    def forward(self, x):
        first = (x[:, 0, 0, 0] * 255).round().long()  # (N,)
        return -((torch.arange(self.classes) - first[:, None]) % self.classes).float()


def images(pixels, labels):
    return Images(torch.tensor(pixels, dtype=torch.uint8).view(-1, 1, 1, 1), torch.tensor(labels))


def test_first_guess_and_first_five():
    # Guesses begin at 0: labels 0 and 0 are first, 4 is fifth, 5 and 9 come later.
    found = measure(Ranked(10), images([0] * 5, [0, 4, 5, 9, 0]), (0.0,), (1.0,), batch_size=2)
    assert (found.n, found.top1, found.top5) == (5, pytest.approx(2 / 5), pytest.approx(3 / 5))


@pytest.mark.parametrize(("classes", "top5"), [(2, None), (3, None), (5, None), (6, 1.0)])
def test_with_five_classes_or_fewer_there_is_no_top_5(classes, top5):
    """Every label is among the first five then, so the figure would say nothing."""
    found = measure(Ranked(classes), images([0, 1, 0], [1, 1, 1]), (0.0,), (1.0,))
    assert (found.top1, found.top5) == (pytest.approx(1 / 3), top5)


def test_loss_is_the_mean_cross_entropy():
    # logits 0 and -1: the label's chance is 1 / (1 + 1/e), so the loss is ln(1 + 1/e) = 0.313262, or 1.313262.
    found = measure(Ranked(2), images([0, 0], [0, 1]), (0.0,), (1.0,))
    assert found.loss == pytest.approx((0.313262 + 1.313262) / 2, abs=1e-6)


def test_accuracy_is_measured_in_full_precision(monkeypatch):
    inside = []

    @contextmanager
    def entered(device):
        inside.append(str(device))
        yield
        inside.append("left")

    class Watched(Ranked):
        def forward(self, x):
            inside.append("forward")
            return super().forward(x)

    monkeypatch.setattr(accuracy, "full_precision", entered)
    measure(Watched(2), images([0, 0], [0, 1]), (0.0,), (1.0,))
    assert inside == ["cpu", "forward", "left"]
