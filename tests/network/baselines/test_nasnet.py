"""The frame of the NASNet family, held to NASNet-A, the one member whose cells are known from released code."""

import pytest
import torch

from seesaw_nas.network import baselines
from seesaw_nas.network.baselines.nasnet import B_4, C_3, CellLayout, NASNet, NASNetLayout, stand_in
from seesaw_nas.network.tally import tally

# Figure 4, with the states that the authors' released network joins.
A_4 = NASNetLayout(
    normal=CellLayout(
        ((0, "sep5", 1, "sep3"), (1, "sep5", 1, "sep3"), (0, "avg3", 1, "id"), (1, "avg3", 1, "avg3"),
         (0, "sep3", 0, "id")),
        (1, 2, 3, 4, 5, 6),
    ),
    reduction=CellLayout(
        ((0, "sep5", 1, "sep7"), (0, "max3", 1, "sep7"), (0, "avg3", 1, "sep5"), (3, "id", 2, "avg3"),
         (2, "sep3", 0, "max3")),
        (3, 4, 5, 6),
    ),
    inputs=2, joins=True, repeats=4, penultimate=1056,
)  # fmt: skip


def test_with_the_cells_of_a_it_has_the_known_figures_of_a():
    # Zoph et al. 2018, table 3: 5.3M and 564M. Keras has 5,289,978 trainable parameters for NASNetMobile.
    with torch.device("meta"):
        found = tally(NASNet(A_4, 1000), (3, 224, 224))
    assert found.params == 5_289_978
    assert round(found.macs / 1e6) == 564


@pytest.mark.parametrize(("layout", "width", "cells"), [(A_4, 44, 16), (B_4, 96, 16), (C_3, 60, 13)])
def test_width_and_number_of_cells(layout, width, cells):
    # Two reduction cells in the stem, three rows of N, and a reduction cell before the second and the third.
    assert layout.width == width
    with torch.device("meta"):
        assert len(NASNet(layout, 10).cells) == 2 + 3 * layout.repeats + 2 == cells


def test_b_hands_on_four_states_and_c_joins_them():
    # Zoph et al. 2018, appendix B: four blocks; B takes and makes four states, C concatenates what is unused.
    for layout, inputs in ((B_4, 4), (C_3, 2)):
        for cell in (layout.normal, layout.reduction):
            assert (layout.inputs, len(cell.blocks), len(cell.outputs)) == (inputs, 4, 4)
    assert (B_4.joins, C_3.joins) == (False, True)


def test_stand_in_cells_read_inputs_only_and_every_one():
    cell = stand_in(4, ("sep3", "sep5"), "id")
    assert cell.blocks[0] == (0, "sep3", 1, "sep5")
    assert cell.blocks[3] == (3, "id", 0, "id")
    assert cell.outputs == (4, 5, 6, 7)


@pytest.mark.parametrize("name", ["nasnet-b-4@imagenet", "nasnet-c-3@imagenet"])
def test_the_map_is_7_pixels_wide_at_the_end(name):
    # 224 -> 111 without padding, then halved four times.
    shapes = []
    with torch.device("meta"):
        network = baselines.build(name)
        network.cells[-1].register_forward_hook(lambda _cell, _inputs, made: shapes.append(made[0].shape[-2:]))
        network(torch.empty(1, 3, 224, 224))
    assert shapes == [(7, 7)]
