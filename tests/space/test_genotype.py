"""Architectures as strings for a sampler: there and back, of one length, and refused where they mean nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas import space
from seesaw_nas.architecture import reference
from seesaw_nas.core.errors import SpecError
from seesaw_nas.space import Budget, Feasible, decode, encode, genes

DIGITS = space.load("seesaw-digits")
FEASIBLE = Feasible(DIGITS, Budget(0, DIGITS.costliest_macs))
SEEDS = st.integers(0, 2**32)


def test_every_network_listed_comes_back(tiny, listed):
    codes = set()
    for digest, network in listed.items():
        code = encode(tiny, network)
        assert decode(tiny, code) == network.canonical
        assert decode(tiny, code).digest == digest
        codes.add(tuple(code.items()))
    assert len(codes) == len(listed)  # no two networks share a code


@given(SEEDS)
def test_drawn_networks_come_back(seed):
    drawn = FEASIBLE.draw(np.random.default_rng(seed))
    assert decode(DIGITS, encode(DIGITS, drawn)) == drawn


CIFAR = [row.network for row in reference.PUBLISHED if row.in_space and row.network.endswith("@cifar10")]


@pytest.mark.parametrize("name", CIFAR)
def test_networks_of_the_paper_come_back(name):
    cifar, network = space.load("seesaw-cifar"), reference.network(name)
    assert decode(cifar, encode(cifar, network)).digest == network.digest


def test_genes_of_the_tiny_space(tiny):
    # Neither kernels nor activations leave a choice, and the first stage has one expansion.
    assert genes(tiny) == {
        "width": ("4-8-8", "6-6-12"),
        "stage1.repeats": ("1", "2"),
        "stage1.block1.grouping": ("1 none", "1:1 shuffle", "1:1 none", "1:3 shuffle", "1:3 share"),
        "stage1.block2.grouping": ("1 none", "1:1 shuffle", "1:1 none", "1:3 shuffle", "1:3 share"),
        "stage2.repeats": ("1", "2"),
        "stage2.block1.grouping": ("1 none", "1:3 shuffle", "1:3 share"),
        "stage2.block1.expansion": ("1", "2"),
        "stage2.block2.grouping": ("1 none", "1:3 shuffle", "1:3 share"),
        "stage2.block2.expansion": ("1", "2"),
    }


@given(SEEDS)
def test_codes_are_strings_of_one_length_in_one_order(seed):
    code = encode(DIGITS, FEASIBLE.draw(np.random.default_rng(seed)))
    assert list(code) == list(genes(DIGITS))
    assert all(type(value) is str and value in genes(DIGITS)[name] for name, value in code.items())


@given(st.data())
def test_any_choice_of_genes_is_a_network_of_the_space_or_refused_by_the_gene(tiny, data):
    code = {name: data.draw(st.sampled_from(choices), name) for name, choices in genes(tiny).items()}
    # 1:3 with the 6 channels of the second width is all that cannot be: anywhere but at the very last place.
    used = ["stage1.block1", "stage2.block1", *(["stage1.block2"] if code["stage1.repeats"] == "2" else [])]
    uneven = [gene for block in used if code[gene := f"{block}.grouping"].startswith("1:3")]
    if uneven and code["width"] == "6-6-12":
        with pytest.raises(SpecError) as refused:
            decode(tiny, code)
        assert refused.value.path in uneven
    else:
        found = decode(tiny, code)
        assert found in tiny
        assert encode(tiny, found)["width"] == code["width"]


def test_genes_beyond_the_repeats_mean_nothing_and_are_written_in_one_way(tiny, listed):
    short = next(n for n in listed.values() if [len(s.blocks) for s in n.stages] == [1, 1])
    code = encode(tiny, short)
    other = code | {"stage1.block2.grouping": "1:3 share", "stage2.block2.expansion": "2"}
    assert decode(tiny, other) == decode(tiny, code)
    assert encode(tiny, decode(tiny, other)) == code


@pytest.mark.parametrize(
    ("name", "value"),
    [("stage1.block1.grouping", "1:3 none"), ("stage1.repeats", "3"), ("width", "8-8-8"), ("stage1.repeats", 1)],
)
def test_an_unknown_value_is_refused_with_the_known_ones(tiny, listed, name, value):
    code = encode(tiny, next(iter(listed.values()))) | {name: value}
    with pytest.raises(SpecError) as refused:
        decode(tiny, code)
    assert str(refused.value) == f"{name}: one of {', '.join(genes(tiny)[name])} is wanted, got {value!r}"


def test_a_missing_gene_is_named(tiny, listed):
    code = encode(tiny, next(iter(listed.values())))
    del code["stage2.repeats"]
    with pytest.raises(SpecError, match=r"stage2\.repeats: one of 1, 2 is wanted, got None"):
        decode(tiny, code)


def test_a_combination_that_does_not_exist_is_told_with_its_widths(tiny, listed):
    code = encode(tiny, next(n for n in listed.values() if n.stem.channels == 6))
    with pytest.raises(SpecError) as refused:
        decode(tiny, code | {"stage2.block1.grouping": "1:3 share", "stage2.block1.expansion": "2"})
    assert str(refused.value) == (
        "stage2.block1.grouping: 1:3 share with expansion 2 does not fit between 6 and 12 channels"
    )


def test_a_network_of_another_space_is_not_encoded(tiny):
    with pytest.raises(SpecError, match="the architecture is not in space 'tiny': input, classes"):
        encode(tiny, FEASIBLE.draw(np.random.default_rng(0)))


# The nearest network
