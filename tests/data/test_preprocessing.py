"""What images must become: the values, their JSON, and arithmetic that equals training's to the bit."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas import data
from seesaw_nas.core.errors import SpecError
from seesaw_nas.data import Images, SearchData, normalise
from seesaw_nas.data.preprocessing import Preprocessing

RGB = Preprocessing("cifar10", ("cat", "dog"), 3, 2, 2, (0.5, 0.25, 0.0), (0.25, 0.5, 1.0))


def test_arithmetic() -> None:
    pixels = np.full((1, 3, 2, 2), 255, dtype=np.uint8)
    # (1 - 0.5) / 0.25, (1 - 0.25) / 0.5, (1 - 0) / 1
    assert RGB.apply(pixels)[0, :, 0, 0].tolist() == [2.0, 1.5, 1.0]
    assert RGB.apply(0 * pixels)[0, :, 0, 0].tolist() == [-2.0, -0.5, 0.0]


def test_every_pixel_value_becomes_what_training_makes_of_it() -> None:
    rng = np.random.default_rng(0)
    pixels = np.arange(256, dtype=np.uint8).repeat(3).reshape(64, 2, 2, 3).transpose(0, 3, 1, 2)
    for _ in range(50):
        mean, std = (tuple(rng.uniform(0.01, 1, 3).tolist()) for _ in range(2))
        came = replace(RGB, mean=mean, std=std).apply(pixels)
        assert came.dtype == np.float32
        assert np.array_equal(came, normalise(torch.from_numpy(pixels.copy()), mean, std).numpy())


numbers = st.floats(0.001, 1)


@given(numbers, numbers, st.text(st.characters(exclude_characters="\x00"), min_size=1), st.integers(1, 500))
def test_json_gives_the_same_back(mean: float, std: float, name: str, size: int) -> None:
    value = Preprocessing(name, (name, "b"), 1, size, size + 1, (mean,), (std,))
    assert Preprocessing.from_json(value.to_json()) == value
    assert "\n" not in value.to_json()


def test_of_a_data_set() -> None:
    digits = data.load("digits")
    found = Preprocessing.of(digits)
    assert (found.dataset, found.channels, found.size, found.short_side) == ("digits", 1, 8, 8)
    assert found.classes == tuple("0123456789")
    assert (found.mean, found.std) == (digits.mean, digits.std)


def test_a_folder_of_images_is_named_without_where_it_lies() -> None:
    images = Images(torch.arange(48, dtype=torch.uint8).view(4, 3, 2, 2), torch.zeros(4, dtype=torch.int64))
    found = SearchData.of("folder:/home/me/photos", ("a", "b"), images, images, flip=True, padding=1)
    assert Preprocessing.of(found).dataset == "folder:photos"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"dataset": ""}, "dataset: a text is wanted, got ''"),
        ({"classes": []}, "classes: a list of at least one is wanted, got []"),
        ({"classes": [1, 2]}, "classes: a tuple of at least one str is wanted, got (1, 2)"),
        ({"channels": 0}, "channels: at least 1 is wanted, got 0; the nearest legal value: 1"),
        ({"size": "8"}, "size: a whole number of at least 1 is wanted, got '8'"),
        ({"short_side": 1}, "short_side: at least 2 is wanted, got 1; the nearest legal value: 2"),
        ({"mean": [0.5]}, "mean: 3 finite numbers are wanted, one a channel, got (0.5,)"),
        ({"mean": [0.5, 0.5, float("nan")]}, "mean: 3 finite numbers are wanted, one a channel, got (0.5, 0.5, nan)"),
        ({"mean": ["a", "b", "c"]}, "mean: a tuple of at least one float is wanted, got ('a', 'b', 'c')"),
        ({"mean": 0.5}, "mean: a list of at least one is wanted, got 0.5"),
        ({"std": [0.5, 0, 0.5]}, "std: numbers above 0 are wanted, got (0.5, 0.0, 0.5)"),
        ({"stdev": [1]}, "stdev: unknown field 'stdev', did you mean 'std'?"),
    ],
)
def test_a_wrong_field_is_named(change: dict[str, Any], text: str) -> None:
    with pytest.raises(SpecError) as caught:
        Preprocessing.from_dict(RGB.to_dict() | change)
    assert str(caught.value).startswith(text)


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "[1]", json.dumps({"dataset": "digits"})])
def test_what_is_no_preprocessing_is_one_line(text: str) -> None:
    with pytest.raises(SpecError, match=r"^preprocessing") as caught:
        Preprocessing.from_json(text)
    assert "\n" not in str(caught.value)
