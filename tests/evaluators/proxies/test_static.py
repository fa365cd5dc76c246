"""Scores by arithmetic: worked by hand, and against the layers that a block is built of."""

import itertools
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from networks import architectures, dense_weight
from torch import nn

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.evaluators.proxies import STATIC, static_scores
from seesaw_nas.network.ops import SeesawBlock


def network(*blocks, stride=2):
    """8 channels everywhere; the first block has ``stride``, so by itself no residual, the others have one."""
    placed = tuple(Block(t, 3, Partition(parts), flow) for t, parts, flow in blocks)
    return Architecture(8, 1, 10, Stem(8, 1), (Stage(8, stride, placed),), Head(16))


# 8 inputs, 16 inner channels, 8 outputs. Dense: every output sees every input equally. 1:1 alone: half of them. Even
# halves that are shuffled: all. 1:3 alone: a quarter of the outputs sees a quarter, the rest three quarters.
# 1:3 shuffled: the first outputs read 2 + 2 inner channels, so both groups alike: 1. The others read 2 of the first
# group and 10 of the second: paths of 1 to each of 2 inputs and 5 to each of 6, so (2 + 30)^2 / (2 + 150) of 8.
# 1:3 shared, so 3:1 behind: three quarters of the outputs read 4 of the first group and 8 of the second:
# (2 + 12)^2 / (2 + 24) of 8; a quarter reads the second only, 6 of 8.
MIXING = [
    ((1,), "none", Fraction(1)),
    ((1, 1), "none", Fraction(1, 2)),
    ((1, 1), "shuffle", Fraction(1)),
    ((1, 1), "igcv3", Fraction(1)),
    ((1, 3), "none", Fraction(5, 8)),
    ((1, 3), "shuffle", Fraction(1, 4) + Fraction(3, 4) * Fraction(16, 19)),
    ((1, 3), "share", Fraction(3, 4) * Fraction(49, 52) + Fraction(1, 4) * Fraction(3, 4)),
]


@pytest.mark.parametrize(("parts", "flow", "wanted"), MIXING)
def test_mixing(parts, flow, wanted):
    alone = network((2, parts, flow))
    assert static_scores(alone)["mixing"] == pytest.approx(float(wanted), rel=1e-12)
    beside = network((2, parts, flow), (2, (1,), "none"))  # with a dense block the mean is half way to 1
    assert static_scores(beside)["mixing"] == pytest.approx(float(wanted + 1) / 2, rel=1e-12)


FOURS = (1, (1, 1, 1, 1), "shuffle")
# Of one block: halves do not meet, shuffled ones all do. 1:3 shared: 6 outputs read both groups, 2 read the second,
# which has 6 inputs: 6*8 + 2*6 = 60 of 64. Four groups of 8 inner channels: each output reads 2 groups, so 4 of 8
# inputs; where the residual joins an output to one input more, which is so for 4 of the 8, 36 pairs of 64.
# Of two blocks: halves after halves stay halves; 1:3 after 1:1: 2 outputs see 4 inputs, 6 see all, 56 of 64; of three
# blocks the mean of the two pairs: (7/8 + 5/8) / 2.
FLOW = [
    ([(2, (1, 1), "none")], 2, 1 / 2),
    ([(2, (1, 1), "none")], 1, 1 / 2),
    ([(2, (1, 1), "shuffle")], 2, 1),
    ([(2, (1, 3), "share")], 2, 60 / 64),
    ([FOURS], 2, 1 / 2),
    ([FOURS], 1, 36 / 64),
    ([(2, (1, 1), "none"), (2, (1, 1), "none")], 2, 1 / 2),
    ([(2, (1, 1), "none"), (2, (1, 3), "none")], 2, 56 / 64),
    ([(2, (1, 1), "none"), (2, (1, 3), "none"), (2, (1, 3), "none")], 2, 3 / 4),
]


@pytest.mark.parametrize(("blocks", "stride", "wanted"), FLOW)
def test_flow(blocks, stride, wanted):
    assert static_scores(network(*blocks, stride=stride))["flow"] == wanted


def test_the_others_count():
    drawn = network((2, (1,), "none"), (2, (1, 1), "none"), (2, (1, 1, 2), "none"))
    scores = static_scores(drawn)
    assert list(scores) == list(STATIC)
    assert (scores["depth"], scores["groups"]) == (3, -2)  # 1, 2 and 3 groups
    assert (scores["macs"], scores["params"]) == (cost.macs(drawn), cost.params(drawn))


def matrices(at):
    """(c_out, c_in): how many ways lead from each input to each output of the built block, its residual left out."""
    block = SeesawBlock(at)
    for layer in (block.pw1, block.pw2):
        for conv in layer.convs:
            nn.init.ones_(conv.weight)
    inner, outer = (torch.eye(width)[:, :, None, None] for width in (at.inner, at.c_out))
    first = block.permute(inner).flatten(1).T @ dense_weight(block.pw1)
    return (block.unpermute(outer).flatten(1).T @ dense_weight(block.pw2) @ first).detach().numpy()


@settings(max_examples=60)
@given(architectures())
def test_paths_are_those_of_the_layers(architecture):
    ways = [matrices(at).astype(np.float64) for at in architecture.placed]
    shares = [found / found.sum(1, keepdims=True) for found in ways]
    mixing = np.mean([np.mean(1 / (share**2).sum(1)) / share.shape[1] for share in shares])
    joined = [
        found + np.eye(*found.shape) * at.has_residual for found, at in zip(ways, architecture.placed, strict=True)
    ]
    pairs = [behind @ before for before, behind in itertools.pairwise(joined)] or joined
    scores = static_scores(architecture)
    assert scores["mixing"] == pytest.approx(mixing, rel=1e-9)
    assert scores["flow"] == pytest.approx(np.mean([(found > 0).mean() for found in pairs]), rel=1e-9)
    assert scores == pytest.approx(static_scores(architecture.canonical), rel=1e-12)


def test_neither_torch_nor_numpy_is_loaded():
    code = (
        "import sys; from seesaw_nas.architecture import reference; from seesaw_nas.evaluators import proxies; "
        "proxies.static_scores(reference.network('seesaw-shuffle-0.5d')); "
        "sys.exit(bool({'torch', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
