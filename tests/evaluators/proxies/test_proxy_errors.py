"""What cannot be scored is told in one line."""

from dataclasses import replace

import pytest
import torch

from seesaw_nas import data
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.core.errors import DataError, OptionError, SpecError, TrainingFailed
from seesaw_nas.evaluators.proxies import PROXIES, measured, score

BLOCK = Block(2, 3, Partition((1, 1)), "shuffle")
SMALL = Architecture(8, 1, 10, Stem(8, 1), (Stage(16, 2, (BLOCK,)),), Head(16))


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


def test_unknown_name():
    with pytest.raises(OptionError) as caught:
        score("zenn", SMALL)
    assert str(caught.value) == f"unknown proxy 'zenn', did you mean 'zen'? (known: {', '.join(PROXIES)})"


@pytest.mark.parametrize("name", ["naswot", "snip", "grad-norm"])
def test_images_are_wanted(name):
    with pytest.raises(OptionError) as caught:
        score(name, SMALL)
    assert str(caught.value) == f"the {name} score looks at images; pass data=seesaw_nas.data.load(...)"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"input_size": 16}, "images of digits have shape (1, 8, 8), the architecture reads (1, 16, 16)"),
        ({"classes": 9}, "digits has 10 classes, the architecture 9"),
    ],
)
def test_images_of_another_kind(change, text, digits):
    with pytest.raises(SpecError) as caught:
        score("snip", replace(SMALL, **change), data=digits)
    assert str(caught.value) == text


def test_one_image_is_too_few(digits):
    with pytest.raises(DataError) as caught:
        score("naswot", SMALL, data=replace(digits, train=data.subset(digits.train, 1, 0)))
    assert str(caught.value) == "2 training images or more are wanted, digits has 1"


def test_unknown_device():
    with pytest.raises(OptionError, match="unknown device 'tpu'"):
        score("synflow", SMALL, device="tpu")


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_no_finite_number(value, monkeypatch):
    monkeypatch.setattr(measured, "measure", lambda *arguments: value)
    with pytest.raises(TrainingFailed) as caught:
        score("zen", SMALL)
    assert str(caught.value) == f"the zen score is {value}, wanted a finite number; try another seed"


def test_exhausted_memory(monkeypatch):
    def build(architecture, seed):
        raise torch.OutOfMemoryError("CUDA out of memory, of so much")

    monkeypatch.setattr(measured, "build", build)
    with pytest.raises(TrainingFailed) as caught:
        score("zen", SMALL)
    assert str(caught.value) == "out of memory on cpu for the zen score; take smaller images"
