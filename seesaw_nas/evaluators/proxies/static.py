"""Scores by arithmetic on the spec, without weights, images and torch."""

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
    """Minus the mean number of groups per block, at most -1: fewer groups mean more weights and more connections.

    It is a mean because a sum would mostly depend on the number of blocks, which ``depth`` measures.
    """
    return -fmean(placed.block.partition.groups for placed in architecture.placed)


def flow(architecture: Architecture) -> float:
    """How well groups exchange information from block to block, above 0 and at most 1.

    For every two consecutive blocks: the share of all pairs of an input channel of the first and an output channel of
    the second that are connected by a path, residual connections included. The score is the mean of these shares; with
    only one block, that block's share. Paths through all blocks would say little: stem and head are dense, and a few
    blocks that mix connect all channels.
    """
    blocks = [paths(placed) for placed in architecture.placed]
    if len(blocks) == 1:
        return blocks[0].connected
    return fmean(connected(before, behind) for before, behind in pairwise(blocks))


def mixing(architecture: Architecture) -> float:
    """How evenly each output of a block depends on the block's inputs, above 0 and at most 1; the mean over blocks.

    The number of paths between an input and an output channel is the number of inner channels that the input's group of
    pw1 writes and the output's group of pw2 reads. If p is the share of an output's paths that starts at each input,
    1 / sum(p**2) is its effective number of inputs (Hill 1973, doi:10.2307/1934352). This number divided by the number
    of inputs, averaged over outputs, is the block's mixing. The residual connection does not count as a path.
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
    """Every score of :data:`STATIC` by name; higher is better, even for Multi-Adds and params."""
    return {name: SCORES[name](architecture) for name in STATIC}
