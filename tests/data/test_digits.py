import pytest
import torch

from seesaw_nas.core.errors import DataError
from seesaw_nas.data import load, load_test


@pytest.fixture(scope="module")
def digits():
    return load("digits")


def test_a_fifth_validates_a_fifth_tests_and_the_rest_trains(digits):
    # a fifth of 1,797 is 359.4
    assert (len(digits.train), len(digits.validation), len(load_test("digits"))) == (1079, 359, 359)


def test_digits_are_small_grey_and_never_mirrored(digits):
    assert digits.input == (1, 8, 8)
    assert digits.classes == ("0", "1", "2", "3", "4", "5", "6", "7", "8", "9")
    assert (digits.padding, digits.flip) == (1, False)


def test_every_digit_keeps_its_share_in_every_split(digits):
    # each digit is there 174 to 183 times: a fifth is 34.8 to 36.6
    for part in (digits.validation, load_test("digits")):
        counts = part.labels.bincount()
        assert len(counts) == 10
        assert counts.min() >= 34
        assert counts.max() <= 37


def test_grey_values_use_the_whole_range(digits):
    # scikit-learn's values are 0..16, so there are 17 of them, 0 and 16 become 0 and 255, and 8 is 127.5, rounded
    values = digits.train.images.unique().tolist()
    assert len(values) == 17
    assert (values[0], values[-1]) == (0, 255)
    assert 128 in values


def test_the_splits_hold_every_image_once(digits):
    from sklearn.datasets import load_digits

    parts = torch.cat([digits.train.images, digits.validation.images, load_test("digits").images])
    assert len(parts) == 1797
    # in the original units the sum of all grey values is that of the whole set, with no image lost or doubled
    assert (parts.double() * 16 / 255).round().sum() == load_digits().images.sum()


def test_the_split_never_changes(digits):
    again = load("digits")
    assert torch.equal(digits.train.images, again.train.images)
    assert torch.equal(digits.validation.labels, again.validation.labels)


def test_channel_means_normalise_the_training_images(digits):
    values = digits.train.images.double() / 255
    assert digits.mean == pytest.approx((values.mean().item(),))
    assert digits.std == pytest.approx((values.std(correction=0).item(),))


def test_another_image_size_is_refused():
    with pytest.raises(DataError, match="images of digits are 8 x 8 pixels, got image size 32"):
        load("digits", image_size=32)
