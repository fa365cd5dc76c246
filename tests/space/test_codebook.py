"""Architectures as rows of integers: there and back, priced as cost prices one, refused where they mean none."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.reference import network
from seesaw_nas.core.errors import SpaceError, SpecError
from seesaw_nas.space import Codebook, load, names
from seesaw_nas.space.codebook import ROWS_AT_ONCE

BOOKS = {name: Codebook(load(name)) for name in names()}
BOTH_WIDTHS = BOOKS["seesaw-cifar"]  # the usual one and that of Seesaw-share v0
SEEDS = st.integers(0, 2**32)

# Params and Multi-Adds of Zhang 2019, table 3, as tests/test_cost.py explains them; the last has the second width.
OF_THE_PAPER = {
    "igcv3-0.5d@cifar10": (1_379_722, 100_348_416),
    "seesaw-shuffle-0.5d@cifar10": (1_459_834, 108_212_736),
    "seesaw-share-v1-1.0d@cifar10": (2_375_994, 181_105_152),
    "seesaw-share-v0-0.5d@cifar10": (1_422_200, 104_353_152),
}


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_networks_of_the_paper_in_one_batch():
    rows = BOTH_WIDTHS.encode(map(network, OF_THE_PAPER))
    priced = zip(BOTH_WIDTHS.params(rows).tolist(), BOTH_WIDTHS.macs(rows).tolist(), strict=True)
    assert dict(zip(OF_THE_PAPER, priced, strict=True)) == OF_THE_PAPER
    assert rows[:, 0].tolist() == [0, 0, 0, 1]


def test_a_row_by_hand(tiny, listed):
    # Width 4-8-8 on a grey 6x6 image: the map is 6x6 after the stem and 3x3 after the first stage's stride.
    # stage1.block1 is the first on offer, dense, expansion 2: pw1 4*8*36, dw 72*9, pw2 8*8*9.
    # stage2.block1 is the first on offer, dense, expansion 1: pw1 8*8*9, dw 72*9, pw2 8*8*9.
    # Stem 9*4*36, head 8*8*9, classifier 8*3.
    book = Codebook(tiny)
    assert book.names == ("width", "stage1.block1", "stage1.block2", "stage2.block1", "stage2.block2")
    assert book.macs([[0, 1, 0, 1, 0]]).tolist() == [1_152 + 648 + 576 + 576 + 648 + 576 + 1_296 + 576 + 24]
    # Weights 36, 32 + 72 + 64, 64 + 72 + 64, 64 and 24; norms 2*(4 + 8 + 8 + 8 + 8 + 8 + 8 + 8); bias 3.
    assert book.params([[0, 1, 0, 1, 0]]).tolist() == [36 + 168 + 200 + 64 + 24 + 120 + 3]


def test_every_network_listed_comes_back_and_has_its_price(tiny, listed):
    book = Codebook(tiny)
    rows = book.encode(listed.values())
    assert len(np.unique(rows, axis=0)) == len(listed)  # no two networks share a row
    assert [book.decode(row) for row in rows] == [found.canonical for found in listed.values()]
    assert book.macs(rows).tolist() == [cost.macs(found) for found in listed.values()]
    assert book.params(rows).tolist() == [cost.params(found) for found in listed.values()]


def test_two_spellings_have_one_row(tiny, listed):
    book = Codebook(tiny)
    rows = [
        book.encode([spelt])[0].tolist() for found in list(listed.values())[::100] for spelt in (found, found.canonical)
    ]
    assert rows[::2] == rows[1::2]


@pytest.mark.thorough
def test_rows_that_are_no_network_are_refused_and_no_others(tiny, listed):
    # Every row of numbers from -1 to one above the largest: 4 widths, and at most 5, 5, 6 and 6 blocks on offer.
    book = Codebook(tiny)
    every = list(itertools.product(range(-1, 3), *[range(-1, 7)] * 2, *[range(-1, 8)] * 2))
    found = {}
    for row in every:
        try:
            found[row] = book.decode(row)
        except SpecError:
            with pytest.raises(SpecError, match=r"^rows\[0\]\."):
                book.macs([row])
    assert {architecture.digest for architecture in found.values()} == set(listed)
    assert len(found) == len(listed)
    assert book.macs(list(found)).tolist() == list(map(cost.macs, found.values()))


@pytest.mark.parametrize("name", BOOKS)
@given(seed=SEEDS)
def test_drawn_rows_are_networks_of_the_space_priced_as_cost_does(name, seed):
    book = BOOKS[name]
    rows = book.draw(5, rng(seed))
    found = [book.decode(row) for row in rows]
    assert all(architecture in book.space for architecture in found)
    assert book.macs(rows).tolist() == list(map(cost.macs, found))
    assert book.params(rows).tolist() == list(map(cost.params, found))
    assert np.array_equal(book.encode(found), rows)


@given(SEEDS, st.integers(1, 1_000), st.integers(1, 4), st.integers(2, 1_000))
def test_so_they_are_for_other_images_and_classes(tiny, seed, size, channels, classes):
    book = Codebook(tiny.adapt(size, channels, classes))
    rows = book.draw(3, rng(seed))
    found = [book.decode(row) for row in rows]
    assert book.macs(rows).tolist() == list(map(cost.macs, found))
    assert book.params(rows).tolist() == list(map(cost.params, found))


def test_a_large_batch_is_counted_row_by_row():
    rows = BOTH_WIDTHS.draw(ROWS_AT_ONCE + 3, rng())
    macs, params = BOTH_WIDTHS.macs(rows), BOTH_WIDTHS.params(rows)
    assert macs.dtype == params.dtype == np.int64
    order = rng(1).permutation(len(rows))
    assert np.array_equal(BOTH_WIDTHS.macs(rows[order]), macs[order])
    for row in (0, ROWS_AT_ONCE - 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 2):
        architecture = BOTH_WIDTHS.decode(rows[row])
        assert (macs[row], params[row]) == (cost.macs(architecture), cost.params(architecture))


@pytest.mark.parametrize("form", [np.int8, np.int32, np.int64, np.uint64, np.asfortranarray, np.ndarray.tolist])
def test_integers_of_any_type_and_layout_will_do(tiny, form):
    book = Codebook(tiny)
    rows = book.draw(50, rng())
    other = rows.astype(form) if isinstance(form, type) else form(rows)
    assert np.array_equal(book.macs(other), book.macs(rows))
    assert np.array_equal(book.macs(rows[::-2]), book.macs(rows)[::-2])


def test_no_rows_cost_nothing(tiny):
    book = Codebook(tiny)
    assert book.encode([]).shape == book.draw(0, rng()).shape == (0, 5)
    assert book.macs(book.encode([])).tolist() == []


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ([2, 1, 0, 1, 0], "rows[0].width: a width from 0 to 1 is wanted, got 2"),
        ([-1, 1, 0, 1, 0], "rows[0].width: a width from 0 to 1 is wanted, got -1"),
        ([0, 6, 0, 1, 0], "rows[0].stage1.block1: 1 to 5, or 0 for no block, is wanted, got 6"),
        ([1, 4, 0, 1, 0], "rows[0].stage1.block1: 1 to 3, or 0 for no block, is wanted, got 4"),
        ([0, 1, 0, 1, -1], "rows[0].stage2.block2: 1 to 6, or 0 for no block, is wanted, got -1"),
        ([0, 1, 0, 1, 2**62], f"rows[0].stage2.block2: 1 to 6, or 0 for no block, is wanted, got {2**62}"),
        (
            [0, 1, 1, 0, 2],
            "rows[0].stage2.block1: a stage fills its first places and no others, this one 1 or 2 of them, got [0, 2]",
        ),
        (
            [0, 0, 0, 1, 2],
            "rows[0].stage1.block1: a stage fills its first places and no others, this one 1 or 2 of them, got [0, 0]",
        ),
    ],
)
def test_what_is_no_architecture_is_told_by_its_column(tiny, row, wanted):
    book = Codebook(tiny)
    for refusing in (book.decode, lambda row: book.macs([row]), lambda row: book.params([row])):
        with pytest.raises(SpecError) as refused:
            refusing(row)
        assert str(refused.value) == wanted


def test_a_number_of_repeats_that_is_not_on_offer_is_refused(tiny):
    first, second = tiny.stages
    book = Codebook(replace(tiny, stages=(replace(first, repeats=(2, 4)), second)))
    assert book.macs([[0, 1, 1, 0, 0, 1, 0], [0, 1, 1, 1, 1, 1, 0]]).min() > 0
    for blocks in ([1, 0, 0, 0], [1, 1, 1, 0], [1, 1, 0, 1]):
        with pytest.raises(SpecError) as refused:
            book.macs([[0, *blocks, 1, 0]])
        assert str(refused.value).endswith(
            f"a stage fills its first places and no others, this one 2 or 4 of them, got {blocks}"
        )


def test_a_wrong_row_far_down_is_told_by_its_number():
    rows = BOTH_WIDTHS.draw(ROWS_AT_ONCE + 3, rng())
    rows[ROWS_AT_ONCE + 1, 1] = 255
    with pytest.raises(SpecError, match=rf"^rows\[{ROWS_AT_ONCE + 1}\]\.stage1\.block1: 1 to \d+, or 0 for no block"):
        BOTH_WIDTHS.macs(rows)


@pytest.mark.parametrize("rows", [np.zeros((3, 4), int), np.zeros(5, int), np.zeros((3, 5)), np.zeros((3, 5), bool)])
def test_what_is_no_rows_of_integers_is_refused(tiny, rows):
    with pytest.raises(SpecError) as refused:
        Codebook(tiny).macs(rows)
    assert str(refused.value) == (
        f"rows of 5 integers, one for each of the codebook's names, are wanted, got {rows.dtype} of shape {rows.shape}"
    )


def test_a_network_of_another_space_has_no_row(tiny, listed):
    inside = next(iter(listed.values()))
    with pytest.raises(SpecError) as refused:
        Codebook(tiny).encode([inside, replace(inside, classes=4)])
    assert str(refused.value).startswith("architectures[1]: it is not in space 'tiny': input, classes, stem stride")


@pytest.mark.parametrize(("size", "fits"), [(2**16, True), (2**30, False)])
def test_costs_that_64_bits_do_not_hold_are_refused(tiny, size, fits):
    # The costliest network of tiny pays about 2,000 multiply-adds for each pixel; 2^63 is 9.2e18.
    book = Codebook(tiny.adapt(size, 1, 3))
    rows = book.draw(20, rng())
    if fits:
        assert book.macs(rows).tolist() == [cost.macs(book.decode(row)) for row in rows]
    else:
        with pytest.raises(SpaceError, match=r"space 'tiny' may cost [0-9,]+ Multi-Adds, more than the 9,223,372,036,"):
            book.macs(rows)
    assert book.params(rows).min() > 0  # images of any size have the same


def test_a_draw_is_the_generators():
    assert np.array_equal(BOTH_WIDTHS.draw(9, rng(7)), BOTH_WIDTHS.draw(9, rng(7)))
    assert not np.array_equal(BOTH_WIDTHS.draw(9, rng(7)), BOTH_WIDTHS.draw(9, rng(8)))


def test_draws_are_even_in_each_choice(tiny):
    # 40,000 draws. Each share is off by 5 of its standard deviations, 0.0025 and less, once in 1.7 million; about 30
    # shares are looked at: a false alarm in 58,000 runs, and the generator is seeded.
    rows = Codebook(tiny).draw(40_000, rng())
    first = rows[rows[:, 0] == 0]
    for chosen, options in (
        (rows[:, 0], range(2)),
        (rows[:, 2] > 0, range(2)),
        (rows[:, 4] > 0, range(2)),
        (first[:, 1], range(1, 6)),
        (first[first[:, 2] > 0, 2], range(1, 6)),
        (first[:, 3], range(1, 7)),
        (first[first[:, 4] > 0, 4], range(1, 7)),
    ):
        shares, even = [np.mean(chosen == option) for option in options], 1 / len(options)
        assert sum(shares) == pytest.approx(1)
        assert np.abs(np.array(shares) - even).max() < 5 * np.sqrt(even * (1 - even) / len(chosen))
