"""Where calibration images come from: the training split, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from seesaw_nas import data
from seesaw_nas.core.errors import DataError, OptionError
from seesaw_nas.deploy import quantization
from seesaw_nas.deploy.quantization import calibration


def rows(images):
    return {image.tobytes() for image in np.ascontiguousarray(images)}


def test_images_are_training_images_as_they_are_evaluated(trained, given):
    loaded = data.load("digits")
    train, validation = (
        rows(trained.preprocessing.apply(part.images.numpy())) for part in (loaded.train, loaded.validation)
    )
    assert len(given.images) == 200
    assert rows(given.images) <= train
    assert not rows(given.images) & (validation - train)
    assert len(given.validation) == len(loaded.validation)


def test_draw_has_every_class_and_is_the_same_again(trained, given):
    again = quantization.load_calibration("digits", None, trained.preprocessing, 200)
    assert np.array_equal(again.images, given.images)
    loaded = data.load("digits")
    drawn = data.subset(loaded.train, 200, calibration.SEED)
    assert set(drawn.labels.tolist()) == set(range(10))


def test_test_split_is_not_read(trained, monkeypatch):
    monkeypatch.setattr(data, "load_test", lambda *_, **__: pytest.fail("the test split was read"))
    quantization.load_calibration("digits", None, trained.preprocessing, 10)


def test_more_images_than_there_are_means_all(trained):
    assert len(calibration.load("digits", None, trained.preprocessing, 10**6).images) == len(data.load("digits").train)


@pytest.mark.parametrize(
    ("dataset", "n", "error", "text"),
    [
        ("digits", 0, OptionError, "--calibration-images must be at least 1, got 0"),
        ("", 10, DataError, "int8 needs images to calibrate with, and nothing says which data set"),
        ("/no/such/folder", 10, DataError, "int8 needs training images of /no/such/folder to calibrate with: "),
    ],
)
def test_what_cannot_be_drawn_is_told_in_one_line(trained, dataset, n, error, text):
    with pytest.raises(error) as caught:
        calibration.load(dataset, None, trained.preprocessing, n)
    assert str(caught.value).startswith(text)
    assert "\n" not in str(caught.value)


def test_images_of_another_data_set_are_refused(trained):
    other = replace(trained.preprocessing, classes=("a", *trained.preprocessing.classes[1:]))
    with pytest.raises(DataError, match="digits has other images or classes than the network was trained on"):
        calibration.load("digits", None, other, 10)
