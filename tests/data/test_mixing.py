import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas.data.mixing import as_pairs, as_squares, cutout, draw_pairs, draw_squares, mixup


def hide(images, centres, share):
    return cutout(images.clone(), torch.from_numpy(as_squares(np.array(centres), images.shape[2])), share)


def drawn_squares(images, share, seed):
    squares = draw_squares(len(images), images.shape[2:], np.random.default_rng(seed))
    return cutout(images.clone(), torch.from_numpy(squares), share)


@pytest.mark.parametrize(
    ("centre", "side", "hidden"),
    [
        ((1, 1), 1, [(1, 1)]),
        ((1, 2), 2, [(0, 1), (0, 2), (1, 1), (1, 2)]),  # an even square ends at its centre
        ((0, 0), 3, [(0, 0), (0, 1), (1, 0), (1, 1)]),  # the rest sticks out
        ((3, 3), 2, [(2, 2), (2, 3), (3, 2), (3, 3)]),
    ],
)
def test_cutout_hides_a_square_and_nothing_else(centre, side, hidden):
    found = hide(torch.ones(1, 1, 4, 4), [centre], side / 4)
    assert [tuple(at) for at in (found[0, 0] == 0).nonzero().tolist()] == hidden


@pytest.mark.parametrize(("height", "width"), [(2, 5), (5, 2)])
def test_the_side_is_a_share_of_the_longer_one(height, width):
    found = hide(torch.ones(1, 1, height, width), [(1, 1)], 0.6)  # three pixels
    assert [tuple(at) for at in (found[0, 0] == 0).nonzero().tolist()] == [
        (row, column) for row in range(min(3, height)) for column in range(min(3, width))
    ]


def test_each_image_has_a_square_of_its_own_in_all_channels():
    found = hide(torch.ones(2, 3, 4, 4), [[0, 0], [3, 3]], 0.25)
    assert torch.equal(found[:, 0], found[:, 2])
    assert (found == 0).sum((1, 2, 3)).tolist() == [3, 3]
    assert (found[0, 0, 0, 0], found[1, 0, 3, 3]) == (0, 0)


def test_mixup_blends_images_and_targets_in_the_same_shares():
    images = torch.tensor([0.0, 8.0]).view(2, 1, 1, 1)
    pairs = as_pairs(np.array([1, 0]), np.array([0.75, 0.5], dtype=np.float32))
    blended, targets = mixup(images, torch.arange(2), 2, torch.from_numpy(pairs))
    assert blended.flatten().tolist() == [2.0, 4.0]  # 3/4 * 0 + 1/4 * 8, half of both
    assert targets.tolist() == [[0.75, 0.25], [0.5, 0.5]]


@given(n=st.integers(2, 9), side=st.integers(1, 12), share=st.floats(0.01, 0.99), seed=st.integers(0, 99))
def test_drawn_squares_are_no_larger_than_wanted_and_the_same_for_a_seed(n, side, share, seed):
    images = torch.ones(n, 2, side, side)
    a, b = (drawn_squares(images, share, seed) for _ in range(2))
    assert torch.equal(a, b)
    hidden = (a == 0).sum((1, 2, 3)) // 2
    assert hidden.min() >= 1
    assert hidden.max() <= max(1, round(share * side)) ** 2


def test_squares_are_drawn_over_the_whole_image():
    # 2,000 draws over 16 pixels: each is missed with a chance of (15/16)^2000, below 1e-55.
    found = drawn_squares(torch.ones(2000, 1, 4, 4), 0.25, 0)
    assert (found == 0).any(0).all()


@given(n=st.integers(2, 9), alpha=st.floats(0.05, 4.0), seed=st.integers(0, 99))
def test_drawn_targets_are_chances_and_every_image_is_somebody_s_partner(n, alpha, seed):
    images = torch.arange(float(n)).view(n, 1, 1, 1)
    pairs = torch.from_numpy(draw_pairs(n, alpha, np.random.default_rng(seed)))
    blended, targets = mixup(images, torch.arange(n), n, pairs)
    assert targets.sum(1).tolist() == pytest.approx([1.0] * n)
    assert targets.min() >= 0
    # the image is its own number, so the blend is the mean class
    assert blended.flatten().tolist() == pytest.approx((targets @ torch.arange(float(n))).tolist(), abs=1e-4)
