"""Into how many batches an epoch's images are dealt."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from test_training import DATA, RECIPE, TINY, data_of, quadrants

from seesaw_nas.core.errors import RunError
from seesaw_nas.network.models import build
from seesaw_nas.training.batches import count_batches
from seesaw_nas.training.loop import train

# By hand: 45,000 = 2^3 3^2 5^4 and 50,000 = 2^4 5^5. Of their divisors 125 lies in 97% to 100% of 128, 250 in that of
# 256, none in that of 64 (62.08 to 64) or 96 (93.12 to 96): there as few batches as will do, of two sizes.
BATCHES = {
    (45_000, 64): 704,
    (45_000, 96): 469,
    (45_000, 128): 360,
    (45_000, 256): 180,
    (50_000, 64): 782,
    (50_000, 96): 521,
    (50_000, 128): 400,
    (50_000, 256): 200,
    (90, 16): 6,  # of 15, although that is less than 97%: no fewer batches would do
    (97, 32): 4,  # a prime number
    (5, 64): 1,
}


@pytest.mark.parametrize(("images", "largest"), BATCHES)
def test_an_epoch_has_as_few_batches_as_will_do_or_a_few_more_of_one_size(images, largest):
    assert count_batches(images, largest) == BATCHES[images, largest]


@given(st.integers(1, 10**6), st.integers(3, 4096))
def test_batches_are_never_larger_than_asked_for_and_at_most_three_in_a_hundred_more(images, largest):
    count = count_batches(images, largest)
    assert count * largest >= images
    fewest = -(-images // largest)
    assert count == fewest or (images % count == 0 and 100 * images >= 97 * largest * count)


# --- checkpoints

LARGER = data_of(quadrants(36 * 34, 0), DATA.validation)  # at most 35 a batch: 36 batches of 34, where 35 would do


def begin(path, data, batch_size):
    recipe = replace(RECIPE, epochs=2, batch_size=batch_size)
    return train(build(TINY, seed=0), data, recipe, seed=0, checkpoint=path, until=1)


def make_older(path):
    """A checkpoint as it was before it said how many steps an epoch has."""
    with safe_open(path, "pt") as file:
        content = json.loads(file.metadata()["seesaw-nas-checkpoint"])
    del content["identity"]["steps an epoch"]
    save_file(load_file(path), path, {"seesaw-nas-checkpoint": json.dumps(content)})


def test_a_checkpoint_that_does_not_say_how_many_steps_an_epoch_has_is_refused_in_one_line(tmp_path):
    path = tmp_path / "checkpoint.safetensors"
    begin(path, LARGER, 35)
    make_older(path)
    with pytest.raises(
        RunError, match=r"is of a training with steps an epoch not recorded, wanted 36; delete it or name another file$"
    ):
        begin(path, LARGER, 35)
