"""A space's budget at another image size."""

from __future__ import annotations

import pytest

from seesaw_nas.space import load
from seesaw_nas.space.scaling import at_stated_size, default_budget, scale


@pytest.mark.parametrize(
    ("name", "size", "budget"),
    [  # for sides that strides divide, the area: 110M at 32 are a quarter at 16, four times as much at 64
        ("seesaw-cifar", 16, "27.5M"),
        ("seesaw-cifar", 32, "110M"),
        ("seesaw-cifar", 64, "440M"),
        ("seesaw-cifar-tiny", 64, "240M"),
        ("seesaw-digits", 8, "600K"),
        ("seesaw-imagenet", 128, "120M"),
        ("seesaw-imagenet", 16, "4.39M"),  # by the area it would be 1.86M, and the cheapest has 1.99M
    ],
)
def test_the_default_budget_follows_the_image_size(name, size, budget):
    space = load(name)
    assert default_budget(space.adapt(size, space.input_channels, space.classes)) == budget


@pytest.mark.parametrize("size", [7, 16, 33, 224])
@pytest.mark.parametrize("name", ["seesaw-cifar", "seesaw-imagenet"])
def test_a_default_budget_limits_at_every_size_and_allows_something(name, size):
    space = load(name).adapt(size, 3, 10)
    assert space.cheapest_macs < space.budget(default_budget(space)).high < space.costliest_macs


def test_bands_scale_at_both_ends_and_shares_stay():
    own = load("seesaw-cifar")
    small = own.adapt(16, 3, 10)
    assert scale("100M:110M", own, small) == "25M:27.5M"
    assert scale("60%", own, small) == "60%"


def test_a_space_remembers_the_size_of_its_budget_and_stays_the_same_space():
    own = load("seesaw-cifar")
    there_and_back = own.adapt(16, 3, 10).adapt(64, 3, 10).adapt(32, 3, 10)
    assert default_budget(there_and_back) == "110M"
    assert at_stated_size(there_and_back) is there_and_back
    assert there_and_back == own
    assert there_and_back.digest == own.digest
