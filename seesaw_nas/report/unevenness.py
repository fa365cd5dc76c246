"""How uneven the groups of an architecture are, as a figure that colours points and sorts tables."""

from __future__ import annotations

from functools import lru_cache
from statistics import fmean

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.report.effects import blocks_of

MEANING = "unevenness: the share of a block's largest group less that of its smallest, as a mean over the blocks"


@lru_cache(maxsize=20_000)
def unevenness(architecture: Architecture) -> float:
    """Mean of :attr:`Partition.unevenness` over the blocks as they are built: 0 if all groups are even, below 1."""
    return fmean(block.partition.unevenness for stage in blocks_of(architecture) for block in stage)
