"""The paper's networks by name, and the rows of its tables."""

import pytest

from seesaw_nas.architecture import cost, reference
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.reference import PUBLISHED, network, published, setting_of
from seesaw_nas.core.errors import SpecError


def partitions(name: str) -> list[str]:
    return [str(at.block.partition) for at in network(name).placed]


def test_the_layout_is_that_of_table_2():
    found = network("seesaw-shuffle-1.0d@cifar10")
    assert found.stem.channels == 32
    assert [(s.channels, s.stride, len(s.blocks)) for s in found.stages] == [
        (16, 1, 1), (24, 1, 4), (32, 2, 6), (64, 2, 8), (96, 1, 6), (160, 1, 6), (320, 1, 1)
    ]  # fmt: skip
    assert {at.block.expansion for at in found.placed if at.stage == 0} == {1}
    assert {at.block.expansion for at in found.placed if at.stage > 0} == {6}
    assert found.head.channels == 1280


def test_half_depth_has_half_the_repeats():
    repeats = [len(stage.blocks) for stage in network("seesaw-shuffle-0.5d").stages]
    assert repeats == [1, 2, 3, 4, 3, 3, 1]


@pytest.mark.parametrize(
    ("setting", "sizes"),
    [
        ("cifar10", [32, 32, 32, 16, 8, 8, 8, 8]),
        ("cifar100-tiny", [32, 32, 32, 16, 8, 8, 4, 4]),
        ("imagenet", [112, 112, 56, 28, 14, 14, 7, 7]),
    ],
)
def test_settings_stride_as_the_paper_does(setting, sizes):
    found = network(f"seesaw-shuffle-0.5d@{setting}")
    ends = [[at.size_out for at in found.placed if at.stage == i][-1] for i in range(7)]
    assert [found.placed[0].size_in, *ends] == sizes


def test_uneven_blocks_turn_even_where_they_read_160_channels():
    # 1 + 2 + 3 + 4 + 3 blocks before the stage of 160, whose first block still reads 96.
    assert partitions("seesaw-share-v1-0.5d") == ["1:3"] * 14 + ["1:1"] * 3


def test_baselines_have_one_partition_throughout():
    assert set(partitions("igcv3-1.0d")) == {"1:1"}
    assert set(partitions("mobilenetv2")) == {"1"}
    assert {at.block.expand_activation for at in network("mobilenetv2").placed} == {"relu6"}
    assert set(partitions("seesaw-share-v2-0.5d@cifar10-tiny")) == {"1:2"}


def test_share_v2_shares_only_where_it_cannot_permute():
    for at in network("seesaw-share-v2-0.5d@cifar10-tiny").placed:
        assert at.block.flow == ("share" if at.inner % 2 else "shuffle")


def test_share_mirrors_its_partition():
    assert network("seesaw-share-v1-0.5d").placed[0].block.project_partition == Partition((3, 1))


def test_t3_has_expansion_3_and_without_a_setting_it_is_cifar10():
    found = network("seesaw-share-v1-0.5d-t3")
    assert {at.block.expansion for at in found.placed if at.stage > 0} == {3}
    assert (found.input_size, found.classes) == (32, 10)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("seesaw-shufle-0.5d", "unknown model 'seesaw-shufle-0.5d', did you mean 'seesaw-shuffle-0.5d'? (known: "),
        ("igcv3-0.5d-t3-t3", "unknown model 'igcv3-0.5d-t3-t3', did you mean 'igcv3-0.5d'? (known: igcv3-0.5d, "),
        ("IGCV3", "unknown model 'IGCV3' (known: "),
        ("", "unknown model '' (known: "),
        ("igcv3-0.5d@cifar", "unknown setting 'cifar', did you mean 'cifar10'? (known: cifar10, cifar100, "),
        ("igcv3-0.5d@a@b", "unknown setting 'a@b' (known: "),
    ],
)  # fmt: skip
def test_an_unknown_name_is_told_with_the_known_ones(name, message):
    with pytest.raises(SpecError) as refused:
        network(name)
    assert str(refused.value).startswith(message)


def test_a_setting_knows_its_data_set():
    assert setting_of("igcv3-0.5d@cifar100-tiny").dataset == "cifar100"
    assert setting_of("igcv3-0.5d").dataset == "cifar10"


@pytest.mark.parametrize("row", [row for row in PUBLISHED if row.in_space], ids=lambda row: row.network)
def test_every_row_in_our_space_costs_what_is_printed(row):
    # Within 2%: the paper rounds to whole millions, and quotes 318M for IGCV3 where its layers add up to 313M.
    assert cost.macs(network(row.network)) == pytest.approx(row.macs, rel=0.02)


def test_figures_are_as_printed():
    assert len(PUBLISHED) == 37
    found = {(row.table, row.label): (row.macs, row.top1) for row in PUBLISHED}
    assert found[3, "Seesaw-shuffle 0.5D"] == (108_000_000, 0.951)
    assert found[4, "Seesaw-shuffle 1.0D"] == (181_000_000, 0.7926)
    assert found[5, "VGG-16"] == (15_300_000_000, 0.715)
    assert found[6, "IGCV3 0.5D, no permutation"] == (51_000_000, 0.9407)
    assert found[7, "IGCV3 0.5D, t = 3"] == (30_000_000, 0.7575)


def test_params_are_as_printed_with_the_worth_of_their_last_digit():
    found = {(row.table, row.label): (row.params, row.params_step) for row in PUBLISHED}
    assert found[3, "CondenseNet-light-94"] == (330_000, 10_000)  # 0.33M
    assert found[4, "Seesaw-share v0 0.5D"] == (1_500_000, 100_000)
    assert found[5, "Seesaw-shuffle 1.0D"] == (3_600_000, 100_000)
    assert found[7, "IGCV3 0.5D, t = 3"] == (1_000_000, 100_000)
    # Table 6 has no such column, and table 5 a dash for two rows.
    without = {label for (table, label), (params, _) in found.items() if params is None and table != 6}
    assert without == {"VGG-16", "ResNet-18"}
    assert {found[row.table, row.label] for row in PUBLISHED if row.table == 6} == {(None, 0)}


def test_every_row_has_a_network_and_a_source():
    assert {row.table for row in PUBLISHED if not row.in_space} == {3, 4, 5, 6}
    assert all("arXiv:" in row.source for row in PUBLISHED)
    assert {row.source for row in PUBLISHED if row.label.startswith("Seesaw")} == {reference.SOURCE}
    sources = {row.network: row.source for row in PUBLISHED}
    assert sources["mobilenetv1@imagenet"] != sources["mobilenetv2@imagenet"]
    assert sources["igcv3-noperm-0.5d@cifar10-tiny"] == "Sun et al. 2018, arXiv:1806.00178"


def test_the_tiny_tables_name_the_tiny_setting():
    assert {row.network.endswith("-tiny") for row in PUBLISHED if row.in_space and row.table in (6, 7)} == {True}
    assert {row.network.endswith("-tiny") for row in PUBLISHED if row.table in (3, 4, 5)} == {False}


def test_a_baseline_is_no_unknown_model():
    with pytest.raises(SpecError, match=r"'resnet-18' lies outside this space, .* stand in `seesaw-nas reference`"):
        network("resnet-18@imagenet")


def test_rows_by_data_set():
    assert {row.table for row in published("cifar10")} == {3, 6}
    assert {row.table for row in published("cifar100")} == {4, 7}
    assert {row.table for row in published("imagenet")} == {5}
    assert published("digits") == ()


def test_rows_in_the_space_by_setting():
    names = [row.network for row in PUBLISHED if row.in_space]
    assert [name for name in names if name.endswith("@cifar10-tiny")] == [
        "igcv3-noperm-0.5d@cifar10-tiny", "igcv3-0.5d@cifar10-tiny",
        "seesaw-share-v1-0.5d@cifar10-tiny", "seesaw-share-v2-0.5d@cifar10-tiny",
    ]  # fmt: skip
    assert sum(name.endswith("@cifar100") for name in names) == 8


def test_every_family_states_its_reading():
    # A model's family is its name without depth, expansion and setting.
    assert {reference.family_of(name) for name in reference.MODELS} == set(reference.READINGS)
    assert reference.family_of("igcv3-0.5d-t3@cifar100-tiny") == "igcv3"
    assert reference.family_of("mobilenetv2@imagenet") == "mobilenetv2"
