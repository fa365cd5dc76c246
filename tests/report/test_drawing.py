"""Architectures as pictures: what the shapes say is what the spec says."""

import math
import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from networks import architectures

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.reference import network
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.report.figures import drawing

SVG = "{http://www.w3.org/2000/svg}"
BOX = re.compile(r"M([\d.]+),([\d.]+)h([\d.]+)v([\d.]+)h-[\d.]+z")


def single(flow="none", parts=(1, 3), t=4, c_in=16, c_out=24, stride=1):
    """One block, from the stem's channels to its own."""
    block = Block(t, 3, Partition(parts), flow)
    return Architecture(8, 1, 10, Stem(c_in, 1), (Stage(c_out, stride, (block,)),), Head(64))


def blocks(architecture):
    return ET.fromstring(drawing.svg(architecture)).findall(f"{SVG}g[@class='block']")


def band(block, name):
    """The polygons of a band as (group, left above, right above, left below, right below)."""
    return [slope(polygon) for polygon in block.find(f"{SVG}g[@class='{name}']").iter(f"{SVG}polygon")]


def slope(polygon):
    (a, _), (b, _), (c, _), (d, _) = [map(float, point.split(",")) for point in polygon.get("points").split()]
    return drawing.COLOURS.index(polygon.get("fill")), a, b, d, c


def stripes(block, name="dw"):
    """The group of each stripe from left to right, and its width."""
    found = []
    for path in block.find(f"{SVG}g[@class='{name}']"):
        group = drawing.COLOURS.index(path.get("fill"))
        found += [(float(left), group, float(wide)) for left, _, wide, _ in BOX.findall(path.get("d"))]
    return [(group, wide) for _, group, wide in sorted(found)]


def widths(shapes, side):
    """How wide the shapes are above (0) or below (1), as shares of them all."""
    each = [(shape[2] - shape[1], shape[4] - shape[3])[side] for shape in shapes]
    return [one / sum(each) for one in each]


# --- proportions


@pytest.mark.parametrize(
    ("parts", "shares"), [((1, 3), [0.25, 0.75]), ((1, 1), [0.5, 0.5]), ((1,), [1.0]), ((1, 2, 1), [0.25, 0.5, 0.25])]
)
def test_groups_of_pw1_stand_in_proportion_above_and_below(parts, shares):
    (block,) = blocks(single(parts=parts))
    pw1 = band(block, "pw1")
    assert [shape[0] for shape in pw1] == list(range(len(parts)))
    assert widths(pw1, 0) == pytest.approx(shares, abs=0.01)
    assert widths(pw1, 1) == pytest.approx(shares, abs=0.01)


def test_layers_are_as_wide_as_the_square_root_of_their_channels():
    # 16 channels in, 4 * 16 = 64 within, 24 out: the widest fills 224, the others sqrt(16/64) = 1/2 of it, and
    # sqrt(24/64) = 0.612 of it, that is 137.2
    (block,) = blocks(single())
    pw1, pw2 = band(block, "pw1"), band(block, "pw2")
    assert pw1[-1][2] - pw1[0][1] == pytest.approx(112, abs=0.2)
    assert pw1[-1][4] - pw1[0][3] == pytest.approx(224, abs=0.2)
    assert sum(wide for _, wide in stripes(block)) == pytest.approx(224, abs=0.5)
    assert pw2[-1][4] - pw2[0][3] == pytest.approx(137.2, abs=0.2)


# --- how groups meet: by (group of pw2, group of pw1 that it reads, share of what it reads)


def test_without_flow_a_group_of_pw2_reads_one_group():
    (block,) = blocks(single("none"))
    assert [group for group, _ in stripes(block)] == [0, 1]
    assert read(block) == [{0: 1.0}, {1: 1.0}]


def read(block):
    """By group of pw2, the share of each group of pw1 in its inputs."""
    found = []
    for group in block.find(f"{SVG}g[@class='pw2']").findall(f"{SVG}g"):
        slices = [slope(polygon) for polygon in group]
        found.append(dict(zip((s[0] for s in slices), (round(w, 2) for w in widths(slices, 0)), strict=True)))
    return found


def test_share_mirrors_the_groups_of_pw2():
    # 1:3 is followed by 3:1: its first group reads the whole first quarter and two of the three others
    (block,) = blocks(single("share"))
    assert [group for group, _ in stripes(block)] == [0, 1]
    assert read(block) == [{0: 0.33, 1: 0.67}, {1: 1.0}]


def test_shuffle_deals_the_channels_out():
    # 16 * 2 = 32 channels, 8 of the first group: they take every second of the first 16 places. So the first quarter
    # of the places holds 4 of each, and the other three quarters hold 4 of the first group and 20 of the second.
    (block,) = blocks(single("shuffle", t=2))
    shown = stripes(block)
    assert [group for group, _ in shown] == [0, 1] * 8
    assert [round(wide / 7) for _, wide in shown] == [1] * 15 + [17]  # 224 / 32 = 7 a channel
    assert read(block) == [{0: 0.5, 1: 0.5}, {0: 0.17, 1: 0.83}]


def test_wide_layers_are_drawn_with_fewer_stripes_in_the_same_pattern():
    assert drawing.arrivals(Block(1, 3, Partition((1, 3)), "shuffle"), 960) == [0, 1] * 6 + [1] * 12


def test_igcv3_puts_the_outputs_back_in_stripes():
    # Undoing the permutation takes every second of 48 outputs, 12 of each group of pw2, and then the others.
    (block,) = blocks(single("igcv3", parts=(1, 1), c_out=48))
    assert [group for group, _ in stripes(block, "out")] == [0, 1, 0, 1]
    assert len({round(wide) for _, wide in stripes(block, "out")}) == 1
    assert read(block) == [{0: 0.5, 1: 0.5}] * 2


@settings(max_examples=40)
@given(architectures())
def test_what_arrives_is_what_the_layer_permutes(architecture):
    """As torch deals channels out, where the layer is narrow enough to be drawn channel by channel."""
    import torch

    from seesaw_nas.network.ops import permute_channels

    for at in architecture.placed:
        if at.inner > drawing.FINE:
            continue
        sizes = at.block.partition.sizes(at.inner)
        owners = torch.tensor([group for group, size in enumerate(sizes) for _ in range(size)])
        groups = at.block.partition.groups if at.block.flow in ("shuffle", "igcv3") else 1
        expected = permute_channels(owners.reshape(1, -1, 1, 1), groups).flatten().tolist()
        assert drawing.arrivals(at.block, at.inner) == expected


@settings(max_examples=40)
@given(architectures())
def test_every_architecture_can_be_drawn(architecture):
    drawn = blocks(architecture)
    assert len(drawn) == len(architecture.placed)
    for block, at in zip(drawn, architecture.placed, strict=True):
        parts = at.block.partition.parts
        assert widths(band(block, "pw1"), 1) == pytest.approx([p / sum(parts) for p in parts], abs=0.03)
        assert all(math.isfinite(x) and 0 <= x <= 366 for shape in band(block, "pw2") for x in shape[1:])


# --- words


def test_stages_are_told_with_their_shape_and_stride():
    root = ET.fromstring(drawing.svg(network("seesaw-shuffle-0.5d@cifar10")))
    texts = [text.text for text in root.iter(f"{SVG}text")]
    assert "stage 4: 64 channels, 8x8, stride 2" in texts  # 32 pixels, halved in stages 3 and 4
    assert texts.count("t6 k3 1:3 shuffle +") == 8
    assert texts[-1] == "head: 1280 channels, then 10 classes"


def test_a_residual_is_marked():
    assert len(list(blocks(single(c_out=16))[0].findall(f"{SVG}path"))) == 1
    assert len(list(blocks(single(c_out=24))[0].findall(f"{SVG}path"))) == 0
    assert len(list(blocks(single(c_out=16, stride=2))[0].findall(f"{SVG}path"))) == 0


def test_the_picture_has_a_name_for_who_cannot_see_it():
    drawn = drawing.svg(single(), "a <b> & c")
    root = ET.fromstring(drawn)
    assert root.get("role") == "img"
    assert root.get("aria-label").startswith("a <b> & c: 1 block, ")
    assert root.find(f"{SVG}title").text == root.get("aria-label")


def test_text_follows_the_page_and_nothing_is_loaded():
    drawn = drawing.svg(network("igcv3-0.5d@cifar10"))
    root = ET.fromstring(drawn)
    assert root.get("fill") == "currentColor"
    assert {text.get("fill") for text in root.iter(f"{SVG}text")} == {None}
    assert "href" not in drawn
    assert len(drawn) < 40_000
