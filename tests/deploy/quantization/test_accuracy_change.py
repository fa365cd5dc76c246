"""The difference of two networks on the same images, and its interval."""

import math

import numpy as np
import pytest
import torch

from seesaw_nas.data.images import Images
from seesaw_nas.deploy.quantization.accuracy import AccuracyChange, compare


class AsTheyAre:
    """A preprocessing that changes nothing but the type."""

    def apply(self, pixels):
        return pixels.astype(np.float32)


def network(classes):
    """Logits of a network that gives image i the class ``classes[i]``; the first pixel of an image is its number."""
    return lambda images: np.eye(3, dtype=np.float32)[np.array(classes)[images[:, 0, 0, 0].astype(int)]]


def test_images_count_in_pairs():
    pixels = torch.arange(5, dtype=torch.uint8).view(5, 1, 1, 1)
    images = Images(pixels, torch.tensor([0, 1, 2, 0, 1]))
    # right before: images 0, 1, 4; right after: 0, 3, 4; image 2 is wrong twice, in the same way
    change = compare(network([0, 1, 0, 2, 1]), network([0, 2, 0, 0, 1]), images, AsTheyAre())
    assert change == AccuracyChange(n=5, right_before=3, right_after=3, gained=1, lost=1, same=3)
    assert change.change == 0


def test_interval_by_hand():
    # 100 images, 3 gained and 8 lost: with one more of each, 4/102 and 9/102, so the centre is -5/102 and the
    # deviation sqrt((13/102 - (5/102)**2) / 102) = 0.03501; 1.96 of it are 0.06862.
    change = AccuracyChange(n=100, right_before=90, right_after=85, gained=3, lost=8, same=89)
    low, high = change.interval
    assert (low, high) == (pytest.approx(-0.11764, abs=2e-5), pytest.approx(0.01960, abs=2e-5))
    assert change.change == pytest.approx(-0.05)
    assert change.sentence == (
        "Top-1 90.00% before and 85.00% after on 100 validation images: -5.00 points (95% interval -11.76 to +1.96); "
        "the same class on 89."
    )


def test_interval_holds_the_truth_as_often_as_it_says():
    """Of 2,000 intervals about 5% miss; fewer than 3.5% or more than 6.5% would be a false alarm in 1 of 400."""
    rng, n, gained, lost = np.random.default_rng(0), 400, 0.03, 0.05
    missed = 0
    for more, fewer, _ in rng.multinomial(n, [gained, lost, 1 - gained - lost], 2_000).tolist():
        low, high = AccuracyChange(n, 300, 300 + more - fewer, more, fewer, n - more - fewer).interval
        missed += not low <= gained - lost <= high
    assert 0.035 < missed / 2_000 < 0.065


def test_nothing_changed_is_still_not_certain():
    low, high = AccuracyChange(n=359, right_before=341, right_after=341, gained=0, lost=0, same=359).interval
    assert high == -low
    assert high == pytest.approx(1.96 * math.sqrt(2 / 361) / math.sqrt(361), rel=1e-3)
