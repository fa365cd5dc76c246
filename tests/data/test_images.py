import dataclasses

import pytest
import torch

from seesaw_nas.core.errors import DataError
from seesaw_nas.data import Images, SearchData, cut, subset


def some_images(n=12, classes=3):
    return Images(torch.arange(n, dtype=torch.uint8).view(n, 1, 1, 1).repeat(1, 2, 4, 4), torch.arange(n) % classes)


def test_images_of_another_type_or_shape_are_refused():
    labels = torch.zeros(2, dtype=torch.int64)
    with pytest.raises(
        DataError, match=r"images are uint8 of shape \(N, C, H, W\), got torch.float32 of shape \(2, 1,"
    ):
        Images(torch.zeros(2, 1, 4, 4), labels)
    with pytest.raises(DataError, match=r"labels are int64 of shape \(3,\), one an image, got torch.int64 .*\(2,\)"):
        Images(torch.zeros(3, 1, 4, 4, dtype=torch.uint8), labels)


def test_a_data_set_cannot_be_changed_and_knows_its_input():
    data = SearchData.of("x", ("a", "b", "c"), some_images(), some_images(3), flip=False, padding=1)
    assert data.input == (2, 4, 4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.padding = 2


def test_moving_to_a_device_keeps_everything():
    data = SearchData.of("x", ("a", "b", "c"), some_images(), some_images(3), flip=True, padding=1).to("cpu")
    assert (len(data.train), len(data.validation), data.flip, data.padding) == (12, 3, True, 1)
    assert data.train.images.device == data.validation.labels.device == torch.device("cpu")


def test_channel_means_are_those_of_the_training_images_alone():
    # Channel 0: half black, half white: mean 1/2, deviation 1/2. Channel 1: values 0, 0, 0, 51 = 0.2:
    # mean 0.05, deviation sqrt(0.04 / 4 - 0.0025) = sqrt(0.0075).
    values = torch.tensor([[0, 0], [255, 0], [0, 0], [255, 51]], dtype=torch.uint8)
    train = Images(values.view(4, 2, 1, 1), torch.zeros(4, dtype=torch.int64))
    white = Images(torch.full((9, 2, 1, 1), 255, dtype=torch.uint8), torch.zeros(9, dtype=torch.int64))
    data = SearchData.of("x", ("a", "b"), train, white, flip=False, padding=0)
    assert data.mean == pytest.approx((0.5, 0.05))
    assert data.std == pytest.approx((0.5, 0.0075**0.5))


def test_images_that_show_nothing_are_refused():
    blank = Images(torch.full((3, 1, 2, 2), 7, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64))
    with pytest.raises(DataError, match="channel 0 has one value in all 3 training images"):
        SearchData.of("x", ("a", "b"), blank, blank, flip=False, padding=0)


def test_a_subset_keeps_images_with_their_labels_and_classes_in_proportion():
    images = some_images(12, 3)
    part = subset(images, 6, seed=1)
    assert part.labels.bincount().tolist() == [2, 2, 2]
    kept = part.images[:, 0, 0, 0].long()  # image i shows the value i, and its class is i % 3
    assert torch.equal(kept % 3, part.labels)
    assert len(kept.unique()) == 6


def test_a_subset_depends_on_its_seed_alone():
    images = some_images(100, 2)
    assert torch.equal(subset(images, 30, seed=4).images, subset(images, 30, seed=4).images)
    assert not torch.equal(subset(images, 30, seed=4).images, subset(images, 30, seed=5).images)


def numbered(first, n):
    """Images that show the numbers from ``first``; of two classes, the even and the odd ones."""
    shown = torch.arange(first, first + n)
    return Images(shown.to(torch.uint8)[:, None, None, None].expand(n, 1, 2, 2).contiguous(), shown % 2)


def shown(images):
    return images.images[:, 0, 0, 0].tolist()


def two_splits():
    return SearchData.of("x", ("even", "odd"), numbered(0, 20), numbered(100, 6), flip=False, padding=0)


def test_more_images_to_validate_with_come_from_those_that_nothing_is_trained_on():
    part = cut(two_splits(), 8, 12, seed=3)
    assert (len(part.train), shown(part.validation)[:6]) == (8, [100, 101, 102, 103, 104, 105])
    added = shown(part.validation)[6:]
    assert len(set(added)) == 6
    assert set(added) <= set(range(20)) - set(shown(part.train))
    assert part.validation.labels.tolist() == [number % 2 for number in shown(part.validation)]
    assert sorted(number % 2 for number in added) == [0, 0, 0, 1, 1, 1]
    assert set(shown(cut(two_splits(), 8, 18, seed=3).validation)) == {*range(100, 106), *range(20)} - set(
        shown(part.train)
    )


def test_fewer_images_to_validate_with_are_those_of_the_split():
    part = cut(two_splits(), 0, 4, seed=3)
    assert (len(part.train), len(part.validation)) == (20, 4)
    assert set(shown(part.validation)) <= set(range(100, 106))


def test_where_all_are_to_be_trained_on_those_that_validate_are_not():
    part = cut(two_splits(), 0, 12, seed=3)
    added = shown(part.validation)[6:]
    assert len(set(added)) == 6
    assert shown(part.train) == [number for number in range(20) if number not in added]


@pytest.mark.parametrize(
    ("n_train", "n", "message"),
    [
        (8, 19, "there are 6, and 12 training images that --train-size leaves; ask for 1 to 18"),
        (0, 25, "there are 6, and 20 to train on; ask for 1 to 24"),
    ],
)
def test_images_to_validate_with_that_are_not_there_are_refused(n_train, n, message):
    with pytest.raises(DataError, match=rf"^cannot validate with {n} images: {message}$"):
        cut(two_splits(), n_train, n, seed=0)


@pytest.mark.parametrize("n", [0, 13])
def test_a_subset_larger_than_the_whole_or_empty_is_refused(n):
    with pytest.raises(DataError, match=rf"cannot take {n} images: there are 12; ask for 1 to 12"):
        subset(some_images(), n, seed=0)
