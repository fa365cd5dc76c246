"""Scores by arithmetic on the spec: no weights, no images, no torch."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from statistics import fmean

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.evaluators.proxies.paths import connected, paths

STATIC = {
    "macs": "Multi-Adds",
    "params": "trainable parameters",
    "depth": "blocks",
    "groups": "minus the mean number of groups",
    "flow": "share of channel pairs that two consecutive blocks connect",
    "mixing": "how evenly a block's outputs draw on its inputs",
}


def groups(architecture: Architecture) -> float:
    """Minus the mean number of groups of a block, at most -1: fewer groups are more weights, and better connected.

    The mean, since a total would above all count the blocks, which ``depth`` does.
    """
    return -fmean(placed.block.partition.groups for placed in architecture.placed)


def flow(architecture: Architecture) -> float:
    """How well groups exchange information from block to block, above 0 and at most 1.

    For every two consecutive blocks, the share of the pairs of an input channel of the first and an output channel of
    the second that any path joins, residual connections included; the mean over them, or of the one block there is. All
    blocks together would tell little: stem and head are dense, and a few mixed blocks join everything to everything.
    """
    blocks = [paths(placed) for placed in architecture.placed]
    if len(blocks) == 1:
        return blocks[0].connected
    return fmean(connected(before, behind) for before, behind in pairwise(blocks))


def mixing(architecture: Architecture) -> float:
    """How evenly each output of a block draws on the block's inputs, above 0 and at most 1, the mean over blocks.

    Between an input and an output channel there are as many paths as inner channels that the input's group of pw1
    writes and the output's group of pw2 reads. Where p is the share of an output's paths that begins at each input,
    1 / sum(p**2) is the effective number of inputs that it sees (Hill 1973, doi:10.2307/1934352); its share of all
    inputs, averaged over outputs, is the block's mixing. The residual connection is no path here.
    """
    return fmean(paths(placed).mixing for placed in architecture.placed)


SCORES: dict[str, Callable[[Architecture], float]] = {
    "macs": lambda architecture: float(cost.macs(architecture)),
    "params": lambda architecture: float(cost.params(architecture)),
    "depth": lambda architecture: float(len(architecture.placed)),
    "groups": groups,
    "flow": flow,
    "mixing": mixing,
}


def static_scores(architecture: Architecture) -> dict[str, float]:
    """Every score of :data:`STATIC`, by its name; more is better, Multi-Adds and params included."""
    return {name: SCORES[name](architecture) for name in STATIC}
