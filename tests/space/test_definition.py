"""A space: its size against a list, and the paper's networks in the spaces that are shipped."""

from dataclasses import replace

import pytest

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.partition import DENSE, Partition
from seesaw_nas.architecture.reference import network
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stem
from seesaw_nas.core.errors import BudgetError, SpaceError, SpecError
from seesaw_nas.space import Feasible, Space, StageSpace, count, load

EVEN = Partition((1, 1))

# Rows of the paper's tables. CIFAR-100 differs from CIFAR-10 in the classes alone.
TABLES_3_AND_4 = [
    f"{model}-{depth}"
    for model in ("igcv3", "seesaw-shuffle", "seesaw-share-v0", "seesaw-share-v1")
    for depth in ("0.5d", "1.0d")
]
TABLES_6_AND_7 = [
    "igcv3-0.5d",
    "igcv3-0.5d-t3",
    "mobilenetv2",
    "seesaw-share-v1-0.5d",
    "seesaw-share-v1-0.5d-t3",
    "seesaw-share-v2-0.5d",
]
TABLE_5 = ["igcv3-1.0d", "mobilenetv2", "seesaw-shuffle-1.0d"]


def without_permutation(igcv3: Architecture) -> Architecture:
    stages = tuple(replace(s, blocks=tuple(replace(b, flow="none") for b in s.blocks)) for s in igcv3.stages)
    return replace(igcv3, stages=stages)


@pytest.mark.parametrize("model", TABLES_3_AND_4)
@pytest.mark.parametrize(("setting", "classes"), [("cifar10", 10), ("cifar100", 100)])
def test_cifar_holds_tables_3_and_4(model, setting, classes):
    assert load("seesaw-cifar").adapt(32, 3, classes).objection(network(f"{model}@{setting}")) == ""


@pytest.mark.parametrize("model", TABLES_6_AND_7)
@pytest.mark.parametrize(("setting", "classes"), [("cifar10-tiny", 10), ("cifar100-tiny", 100)])
def test_cifar_tiny_holds_tables_6_and_7(model, setting, classes):
    assert load("seesaw-cifar-tiny").adapt(32, 3, classes).objection(network(f"{model}@{setting}")) == ""


def test_cifar_tiny_holds_igcv3_without_permutation():
    assert without_permutation(network("igcv3-0.5d@cifar10-tiny")) in load("seesaw-cifar-tiny")


@pytest.mark.parametrize("model", TABLE_5)
def test_imagenet_holds_table_5(model):
    assert load("seesaw-imagenet").objection(network(f"{model}@imagenet")) == ""


def test_size_is_that_of_the_list(tiny, listed):
    # Width 4-8-8: a block of the first stage is dense, 1:1 shuffled, 1:1 plain (share reads the same backwards), 1:3
    # shuffled or 1:3 shared: 5. One of the second is dense, 1:3 shuffled or 1:3 shared at two expansions: 6.
    # With one or two blocks a stage: (5 + 25) * (6 + 36) = 1,260.
    # Width 6-6-12: 1:3 fits only between 12 and 12 channels, at the very last place: (3 + 9) * (2 + 2 * 6) = 168.
    assert tiny.size == len(listed) == 1_260 + 168


def test_everything_listed_is_in_the_space_in_any_spelling(tiny, listed):
    assert all(network in tiny and network.canonical in tiny for network in listed.values())


def test_cheapest_and_costliest_are_those_of_the_list(tiny, listed):
    found = [cost.macs(network) for network in listed.values()]
    assert (tiny.cheapest_macs, tiny.costliest_macs) == (min(found), max(found))


def test_chains_price_a_network_as_cost_does(tiny, listed):
    for found in list(listed.values())[::50]:
        width = tiny.outline_of(found)
        slots = {(slot.stage, slot.index): slot for slot in tiny.slots(width)}
        priced = sum(slots[at.stage, at.index].macs(at.block) for at in found.placed)
        assert tiny.fixed_macs(width) + priced == cost.macs(found)


def test_offers_are_distinct_and_in_one_spelling(tiny):
    for width in range(tiny.widths):
        for slot in tiny.slots(width):
            blocks = tiny.options(slot)
            assert len(set(blocks)) == len(blocks)
            assert all(block.canonical(slot.c_in, slot.c_out) == block for block in blocks)


@pytest.mark.parametrize(
    ("change", "objection"),
    [
        ({"classes": 4}, "input, classes, stem stride and head channels are"),
        ({"input_size": 7}, "input, classes, stem stride and head channels are"),
        ({"head": Head(9)}, "input, classes, stem stride and head channels are"),
        ({"stem": Stem(8, 1)}, "its widths are not among the space's: 4-8-8, 6-6-12"),
    ],
)
def test_a_network_of_another_frame_is_told_so(tiny, listed, change, objection):
    # 8 divides as 4 does, so the network exists; the space does not have it.
    stranger = replace(next(iter(listed.values())), **change)
    assert stranger not in tiny
    assert tiny.objection(stranger).startswith(objection)


def test_a_network_of_other_blocks_is_told_which(tiny, listed):
    inside = next(network for network in listed.values() if len(network.stages[1].blocks) == 2)
    first, second = inside.stages
    other = (second.blocks[0], Block(1, 5, DENSE, "none"))
    assert tiny.objection(replace(inside, stages=(first, replace(second, blocks=other)))) == (
        "stages[1].blocks[1], t1 k5 1 none, is not on offer"
    )
    assert tiny.objection(replace(inside, stages=(first, replace(second, blocks=other * 2)))) == (
        "stages[1] has stride 1 and 4 blocks, which is not on offer"
    )
    assert tiny.objection(replace(inside, stages=(first,))).startswith("its widths are not among")


def test_another_spelling_of_an_offer_is_in_the_space(tiny, listed):
    inside = next(n for n in listed.values() if n.canonical.stages[0].blocks[0] == Block(2, 3, DENSE, "none"))
    first = inside.stages[0]
    spelt = replace(first, blocks=(Block(2, 3, DENSE, "igcv3"), *first.blocks[1:]))
    assert replace(inside, stages=(spelt, inside.stages[1])) in tiny


def test_adapting_changes_what_is_read_and_told_apart_and_nothing_else(tiny):
    larger = tiny.adapt(32, 3, 100)
    assert (larger.input_size, larger.input_channels, larger.classes) == (32, 3, 100)
    assert larger.size == tiny.size
    assert larger.cheapest_macs > tiny.cheapest_macs


def test_building_refuses_a_block_that_does_not_fit(tiny):
    uneven = Block(1, 3, Partition((1, 3)), "share")
    with pytest.raises(SpecError, match="cannot split 6 channels 1:3"):
        tiny.build(1, [[uneven], [uneven]])


def stage(channels: tuple[int, ...], partitions: tuple[Partition, ...]) -> StageSpace:
    return StageSpace(channels, 1, (1,), (1,), (3,), partitions, ("none",), ("none",))


def test_a_stage_that_offers_nothing_is_refused():
    with pytest.raises(SpaceError) as refused:
        Space("odd", "x", "1M", 8, 1, 2, (4,), 1, 4, (stage((9,), (EVEN,)),))
    assert str(refused.value) == (
        "space 'odd': no block that stages[0] offers fits between 4 and 9 channels; add a partition that divides both, "
        "such as 1"
    )


def test_a_width_that_stands_there_twice_is_refused():
    # It would count each of its networks twice.
    with pytest.raises(SpaceError, match="space 'twice': a width is listed twice: 4-8, 4-8; list it once"):
        Space("twice", "x", "1M", 8, 1, 2, (4, 4), 1, 4, (stage((8, 8), (EVEN,)),))


def test_a_budget_is_read_and_counted_as_a_user_writes_it(tiny, listed):
    macs = sorted(map(cost.macs, listed.values()))
    middle = macs[len(macs) // 2]
    assert count(tiny, str(middle)) == sum(m <= middle for m in macs) == Feasible.of(tiny, str(middle)).count
    assert count(tiny, "100%") == len(macs)
    assert count(tiny, str(macs[0] - 1)) == 0
    with pytest.raises(BudgetError, match="lower end must not be above"):
        count(tiny, "2M:1M")


@pytest.mark.parametrize(
    ("name", "digest"),  # of release 1.0, by which runs are told to be of the same space
    [
        ("seesaw-cifar", "513d72ebca1de284"),
        ("seesaw-cifar-tiny", "0e8929e51da8ffb0"),
        ("seesaw-digits", "ad5c58a02f17c68c"),
        ("seesaw-imagenet", "5f6f7accea7a9fe7"),
    ],
)
def test_a_space_s_digest_stays_what_it_was(name, digest):
    assert load(name).digest == digest


def test_a_space_shows_itself_in_one_line_and_as_a_table():
    found = load("seesaw-digits")
    assert repr(found) == "<Space seesaw-digits: 1x8x8, 3 stages, budget 600K>"
    page = found._repr_html_()
    assert page.count("<tr>") == 4
    assert "<td style='text-align:left'>1, 1:1, 1:3, 1:7</td>" in page
