"""The architecture as a value: what exists, what is refused and in which words, and when two are the same network."""

import json
from copy import deepcopy
from dataclasses import FrozenInstanceError, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seesaw_nas.architecture.partition import DENSE, Partition
from seesaw_nas.architecture.reference import network
from seesaw_nas.architecture.spec import ACTIVATIONS, FLOWS, Architecture, Block, Head, Stage, Stem, output_size
from seesaw_nas.core.errors import SpecError

# Every total of these divides 12, and so does every number of groups: at widths that are multiples of 12 any goes.
SPELT = ("1", "1:1", "1:2", "2:1", "1:3", "3:1", "1:1:1", "1:1:2", "1:2:1", "2:1:1", "1:1:1:1")
PARTITIONS = [Partition.parse(text) for text in SPELT]
WIDTHS = st.sampled_from([12, 24, 36, 48])


@st.composite
def blocks(draw):
    flow = draw(st.sampled_from(FLOWS))
    partition = draw(st.sampled_from([p for p in PARTITIONS if p.is_even or flow != "igcv3"]))
    kernel, activation = draw(st.sampled_from([3, 5])), draw(st.sampled_from(ACTIVATIONS))
    return Block(draw(st.integers(1, 6)), kernel, partition, flow, activation)


STRIDES = st.sampled_from([1, 2])
STAGES = st.builds(Stage, WIDTHS, STRIDES, st.lists(blocks(), min_size=1, max_size=3).map(tuple))
ARCHITECTURES = st.builds(
    Architecture,
    input_size=st.integers(1, 40),
    input_channels=st.integers(1, 4),
    classes=st.integers(2, 1000),
    stem=st.builds(Stem, WIDTHS, STRIDES),
    stages=st.lists(STAGES, min_size=1, max_size=3).map(tuple),
    head=st.builds(Head, st.integers(1, 64)),
)


def one_block(partition="1:3", flow="shuffle", c_in=16, c_out=16, expansion=2) -> Architecture:
    """A network of a single block between two widths."""
    block = Block(expansion, 3, Partition.parse(partition), flow)
    return Architecture(8, 3, 10, Stem(c_in, 1), (Stage(c_out, 1, (block,)),), Head(32))


def document() -> dict:
    return one_block().to_dict()


BLOCK = "stages[0].blocks[0]"
NEAR_18 = "18 is not a multiple of 4; the nearest widths that are: 16, 20"


def refusal(function, *arguments, **keywords) -> str:
    with pytest.raises(SpecError) as refused:
        function(*arguments, **keywords)
    assert "\n" not in str(refused.value)
    return str(refused.value)


# Partitions


@pytest.mark.parametrize(
    ("text", "channels", "sizes"),
    [("1", 7, (7,)), ("1:1", 16, (8, 8)), ("1:3", 16, (4, 12)), ("3:1", 16, (12, 4)), ("1:1:2", 24, (6, 6, 12))],
)
def test_groups_share_the_channels_in_proportion(text, channels, sizes):
    assert Partition.parse(text).sizes(channels) == sizes


@given(st.sampled_from(PARTITIONS), st.integers(1, 500))
def test_groups_add_up_to_the_width_in_the_proportion_of_the_parts(partition, unit):
    sizes = partition.sizes(unit * partition.total)
    assert sum(sizes) == unit * partition.total
    assert [size // unit for size in sizes] == list(partition.parts)


@pytest.mark.parametrize(("channels", "nearest"), [(18, "16, 20"), (3, "4"), (1, "4"), (17, "16, 20"), (0, "4")])
def test_a_width_that_does_not_split_is_told_with_the_nearest_that_do(channels, nearest):
    assert refusal(Partition((1, 3)).sizes, channels) == (
        f"cannot split {channels} channels 1:3: {channels} is not a multiple of 4; "
        f"the nearest widths that are: {nearest}"
    )


@pytest.mark.parametrize(("parts", "lowest"), [((2, 6), "1:3"), ((2,), "1"), ((3, 3, 6), "1:1:2")])
def test_a_partition_has_one_spelling_in_lowest_terms(parts, lowest):
    written = ":".join(map(str, parts))
    wanted = f"partition {written} is not in lowest terms; write {lowest}"
    assert refusal(Partition, parts) == wanted
    assert refusal(Partition.parse, written) == wanted


@pytest.mark.parametrize("text", ["", "0", "0:1", "1:", ":1", "1:-1", "1.0", "a", "1:3 ", "01:3", "1;3", "1\u0663", 3])
def test_what_is_no_partition_is_refused(text):
    assert refusal(Partition.parse, text) == (
        f"a partition is positive integers joined by colons, such as '1:3', got {text!r}"
    )


@pytest.mark.parametrize("parts", [(), (0, 1), (1, -1), (True, 3), (1.0, 3), [1, 3], 3, "13"])
def test_parts_are_a_tuple_of_positive_integers(parts):
    assert refusal(Partition, parts) == f"a partition is positive integers such as 1:3, got {parts!r}"


@given(st.sampled_from(PARTITIONS))
def test_a_partition_is_read_back_as_it_is_written(partition):
    assert Partition.parse(str(partition)) == partition
    assert partition.reversed().reversed() == partition
    assert partition.is_palindromic == (partition.reversed() == partition)


# Refusals: field, value, what is legal


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("kernel", 7, "3 or 5 is wanted, got 7; the nearest legal value: 5"),
        ("kernel", 4, "3 or 5 is wanted, got 4; the nearest legal value: 3, 5"),
        ("kernel", "3", "3 or 5 is wanted, got '3'"),
        ("kernel", 3.0, "3 or 5 is wanted, got 3.0"),
        ("expansion", 0, "at least 1 is wanted, got 0; the nearest legal value: 1"),
        ("expansion", True, "a whole number of at least 1 is wanted, got True"),
        ("expansion", 1.5, "a whole number of at least 1 is wanted, got 1.5"),
        (
            "flow",
            "shufle",
            "unknown value 'shufle', did you mean 'shuffle'? (known: shuffle, share, none, igcv3)",
        ),
        ("flow", None, "one of shuffle, share, none, igcv3 is wanted, got None"),
        ("expand_activation", "relu", "unknown value 'relu', did you mean 'relu6'? (known: none, relu6)"),
        (
            "partition",
            "1:5",
            "cannot split 16 channels 1:5: 16 is not a multiple of 6; the nearest widths that are: 12, 18",
        ),
        ("partition", "2:2", "partition 2:2 is not in lowest terms; write 1:1"),
        ("partition", [1, 3], "a partition is positive integers joined by colons, such as '1:3', got [1, 3]"),
    ],
)
def test_a_mistake_in_a_block_is_told_with_its_full_path(field, value, message):
    broken = document()
    broken["stages"][0]["blocks"][0][field] = value
    assert refusal(Architecture.from_dict, broken) == f"stages[0].blocks[0].{field}: {message}"


@pytest.mark.parametrize(
    ("outer", "field", "value", "message"),
    [
        ((), "input_size", 0, "input_size: at least 1 is wanted, got 0; the nearest legal value: 1"),
        ((), "classes", 1, "classes: at least 2 is wanted, got 1; the nearest legal value: 2"),
        ((), "input_channels", False, "input_channels: a whole number of at least 1 is wanted, got False"),
        ((), "stem", 16, "stem: an object with channels, stride is wanted, got 16"),
        ((), "stages", [], "stages: a list of at least one is wanted, got []"),
        ((), "stages", {}, "stages: a list of at least one is wanted, got {}"),
        (("stem",), "stride", 3, "stem.stride: 1 or 2 is wanted, got 3; the nearest legal value: 2"),
        (("stem",), "stride", True, "stem.stride: 1 or 2 is wanted, got True; the nearest legal value: 1"),
        (("head",), "channels", "32", "head.channels: a whole number of at least 1 is wanted, got '32'"),
        (("stages", 0), "blocks", [], "stages[0].blocks: a list of at least one is wanted, got []"),
        (("stages", 0), "blocks", [1], f"{BLOCK}: an object with expansion, kernel, partition, flow is wanted, got 1"),
        (("stages", 0), "channels", 18, f"{BLOCK}.partition: cannot split 18 channels 1:3: {NEAR_18}"),
    ],
)
def test_a_mistake_elsewhere_is_told_with_its_full_path(outer, field, value, message):
    broken = document()
    holder = broken
    for step in outer:
        holder = holder[step]
    holder[field] = value
    assert refusal(Architecture.from_dict, broken) == message


@pytest.mark.parametrize(
    ("outer", "path", "fields"),
    [
        ((), "", "input_size, input_channels, classes, stem, stages, head"),
        (("stem",), "stem.", "channels, stride"),
        (("head",), "head.", "channels"),
        (("stages", 0), "stages[0].", "channels, stride, blocks"),
        (("stages", 0, "blocks", 0), "stages[0].blocks[0].", "expansion, kernel, partition, flow"),
    ],
)
def test_missing_and_unknown_fields_are_named(outer, path, fields):
    names = fields.split(", ")
    for name in names:
        broken = document()
        holder = broken
        for step in outer:
            holder = holder[step]
        del holder[name]
        assert refusal(Architecture.from_dict, broken) == f"{path}{name}: this field is missing; wanted: {fields}"
    holder |= {names[-1]: 1, "chanels": 3}
    assert refusal(Architecture.from_dict, broken).startswith(f"{path}chanels: unknown field 'chanels'")


def test_a_misspelt_field_is_told_with_the_one_that_was_meant():
    broken = document()
    broken["stages"][0]["blocks"][0]["kernal"] = 3
    assert "unknown field 'kernal', did you mean 'kernel'?" in refusal(Architecture.from_dict, broken)


@pytest.mark.parametrize("value", [None, 3, "text", [], True])
def test_what_is_no_object_is_no_architecture(value):
    assert refusal(Architecture.from_dict, value).startswith("an object with input_size, ")


def test_igcv3_wants_equal_groups():
    assert refusal(Block, 6, 3, Partition((1, 3)), "igcv3") == (
        "flow: igcv3 wants equal groups, got partition 1:3; use 1:1, or flow shuffle"
    )


def test_a_permutation_needs_an_inner_width_that_its_groups_divide():
    # 33 channels split 1:2 exactly, but two groups cannot be interleaved in 33; in 66 they can.
    assert refusal(one_block, "1:2", "shuffle", 33, 15, expansion=1) == (
        "stages[0].blocks[0].flow: cannot permute 33 channels in 2 groups: 33 is not a multiple of 2; "
        "use flow share or none, or another expansion"
    )
    assert one_block("1:2", "shuffle", 33, 15, expansion=2).placed[0].inner == 66


@pytest.mark.parametrize("flow", ["share", "none"])
def test_without_a_permutation_any_inner_width_will_do(flow):
    assert one_block("1:2", flow, 33, 15, expansion=1).placed[0].inner == 33


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        ({"stem": None}, "stem"),
        ({"head": Stem(16, 1)}, "head"),
        ({"stages": ()}, "stages"),
        ({"stages": [Stage(16, 1, (Block(1, 3, DENSE, "none"),))]}, "stages"),
        ({"stages": (Stem(16, 1),)}, "stages"),
    ],
)
def test_a_constructor_refuses_what_is_of_another_type(broken, path):
    assert refusal(replace, one_block(), **broken).startswith(f"{path}: ")


@pytest.mark.parametrize("wrong", [(), ("x",), [Block(1, 3, DENSE, "none")]])
def test_a_stage_is_a_tuple_of_blocks(wrong):
    assert refusal(Stage, 16, 1, wrong).startswith("blocks: a tuple of at least one Block is wanted, got ")


# One value


@given(ARCHITECTURES)
def test_json_gives_the_same_network_back(architecture):
    again = Architecture.from_dict(json.loads(json.dumps(architecture.to_dict())))
    assert again == architecture
    assert hash(again) == hash(architecture)
    assert again.digest == architecture.digest


@given(ARCHITECTURES)
def test_the_canonical_form_is_the_same_network_and_its_own_canonical_form(architecture):
    canonical = architecture.canonical
    assert canonical.canonical == canonical
    assert canonical.digest == architecture.digest
    assert [replace(at.block, flow="none") for at in canonical.placed] == [
        replace(at.block, flow="none") for at in architecture.placed
    ]


@given(ARCHITECTURES)
def test_the_order_of_fields_in_json_means_nothing(architecture):
    def turned(value):
        if isinstance(value, dict):
            return {name: turned(value[name]) for name in reversed(value)}
        return [turned(entry) for entry in value] if isinstance(value, list) else value

    assert Architecture.from_dict(turned(architecture.to_dict())).digest == architecture.digest


def test_a_linear_expansion_may_be_written_or_left_out():
    written = document()
    written["stages"][0]["blocks"][0]["expand_activation"] = "none"
    assert Architecture.from_dict(written) == one_block()


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (Partition((1, 3)), "parts"),
        (Block(1, 3, DENSE, "none"), "kernel"),
        (Stem(16, 1), "stride"),
        (Head(16), "channels"),
        (one_block().stages[0], "blocks"),
        (one_block(), "stages"),
    ],
)
def test_values_are_frozen_and_hashable(value, field):
    with pytest.raises(FrozenInstanceError):
        setattr(value, field, getattr(value, field))
    assert value in {deepcopy(value)}


def test_the_digest_of_a_network_of_the_paper_stays():
    # Found once and typed in: it names runs and spec files on disk, so a change of the canonical form breaks them.
    assert network("seesaw-shuffle-0.5d@cifar10").digest == "a9fc1dd573bb25f1"


# The same network, spelt otherwise


@pytest.mark.parametrize("flow", FLOWS)
def test_one_group_has_nothing_to_exchange(flow):
    assert one_block("1", flow).digest == one_block("1", "none").digest


@pytest.mark.parametrize("partition", ["1:1", "1:2:1", "1:1:1:1"])
def test_sharing_with_a_partition_that_reads_the_same_backwards_shares_nothing(partition):
    assert one_block(partition, "share").digest == one_block(partition, "none").digest


def test_a_permutation_of_as_many_groups_as_channels_moves_nothing():
    # Two groups of the only two inner channels: (2, 1) transposed is the same row.
    assert one_block("1:1", "shuffle", c_in=2, expansion=1).digest == one_block("1:1", "none", 2, 16, 1).digest
    assert one_block("1:1", "shuffle", c_in=2, expansion=2).digest != one_block("1:1", "none", 2, 16, 2).digest


def test_igcv3_whose_second_permutation_moves_nothing_is_a_shuffle():
    # Two output channels in 2/2 = 1 group stay where they are; the four inner ones do not.
    assert one_block("1:1", "igcv3", 2, 2, 2).digest == one_block("1:1", "shuffle", 2, 2, 2).digest


def test_igcv3_whose_permutations_both_move_nothing_is_none():
    assert one_block("1:1", "igcv3", 2, 2, 1).digest == one_block("1:1", "none", 2, 2, 1).digest


def test_igcv3_whose_first_permutation_alone_moves_nothing_stays_igcv3():
    found = {one_block("1:1", flow, 2, 16, 1).digest for flow in ("igcv3", "shuffle", "none")}
    assert len(found) == 2  # shuffle is none here, igcv3 is not


# Different networks


def test_what_differs_in_anything_has_another_digest():
    one = one_block()
    block = one.stages[0].blocks[0]
    others = [replace(block, **{name: value}) for name, value in [
        ("expansion", 3), ("kernel", 5), ("partition", Partition((3, 1))), ("partition", Partition((1, 1))),
        ("partition", DENSE), ("flow", "share"), ("flow", "none"), ("expand_activation", "relu6"),
    ]]  # fmt: skip
    stages = [Stage(16, 1, (other,)) for other in others]
    stages += [Stage(16, 2, (block,)), Stage(32, 1, (block,)), Stage(16, 1, (block, block))]
    networks = [one, *(replace(one, stages=(stage,)) for stage in stages)]
    networks += [replace(one, **{name: value}) for name, value in [
        ("input_size", 9), ("input_channels", 1), ("classes", 11), ("stem", Stem(32, 1)), ("stem", Stem(16, 2)),
        ("head", Head(33)),
    ]]  # fmt: skip
    assert len({network.digest for network in networks}) == len(networks) == 18


def test_shuffle_share_none_and_igcv3_differ_where_they_act():
    assert len({one_block("1:3", flow).digest for flow in ("shuffle", "share", "none")}) == 3
    assert len({one_block("1:1", flow).digest for flow in ("shuffle", "none", "igcv3")}) == 3


# Where blocks stand


@pytest.mark.parametrize(("size", "halved"), [(32, 16), (33, 17), (7, 4), (2, 1), (1, 1)])
def test_a_stride_rounds_an_odd_size_up(size, halved):
    # A 3x3 kernel with padding 1 and stride 2 gives floor((size + 2 - 3) / 2) + 1.
    assert output_size(size, 2) == halved
    assert output_size(size, 1) == size


def test_blocks_know_what_stands_around_them():
    found = network("seesaw-shuffle-0.5d@cifar10").placed
    assert [at.size_out for at in found] == [32, 32, 32, 16, 16, 16, *[8] * 11]
    assert [(at.stage, at.index) for at in found[:4]] == [(0, 0), (1, 0), (1, 1), (2, 0)]
    # The second block of a stage keeps width and size, so it has a residual; the first changes one of them.
    assert [at.has_residual for at in found[:7]] == [False, False, True, False, True, True, False]


def test_an_architecture_shows_itself_in_one_line_and_as_a_table():
    found = network("seesaw-shuffle-0.5d@cifar10")
    assert repr(found) == f"<Architecture {found.digest}: 3x32x32, {len(found.placed)} blocks, 10 classes>"
    page = found._repr_html_()
    assert page.count("<tr>") == 1 + len(found.placed)
    assert f"<td style='text-align:left'>{found.placed[0].block}</td>" in page
