"""A space small enough to list, and the list, made without the package's own counting."""

import itertools

import pytest

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.core.errors import SpecError
from seesaw_nas.space import Space, StageSpace

ONE, HALVES, UNEVEN = Partition((1,)), Partition((1, 1)), Partition((1, 3))
CHOICES = {"kernels": (3,), "flows": ("shuffle", "share"), "activations": ("none",)}


@pytest.fixture(scope="session")
def tiny() -> Space:
    """Two widths, two stages of one or two blocks; 1:3 does not divide 6 channels."""
    first = StageSpace((8, 6), 2, (1, 2), expansions=(2,), partitions=(ONE, HALVES, UNEVEN), **CHOICES)
    second = StageSpace((8, 12), 1, (1, 2), expansions=(1, 2), partitions=(ONE, UNEVEN), **CHOICES)
    return Space("tiny", "For tests", "10K", 6, 1, 3, (4, 6), 1, 8, (first, second))


def _spellings(stage: StageSpace) -> list[Block]:
    choices = (stage.expansions, stage.kernels, stage.partitions, stage.flows, stage.activations)
    return [Block(*chosen) for chosen in itertools.product(*choices)]


def _networks(space: Space, width: int):
    """Every architecture of a width in every spelling that exists."""
    per_stage = []
    for stage in space.stages:
        fillings = [blocks for n in stage.repeats for blocks in itertools.product(_spellings(stage), repeat=n)]
        per_stage.append([Stage(stage.channels[width], stage.stride, blocks) for blocks in fillings])
    for stages in itertools.product(*per_stage):
        try:
            stem, head = Stem(space.stem_channels[width], space.stem_stride), Head(space.head_channels)
            yield Architecture(space.input_size, space.input_channels, space.classes, stem, stages, head)
        except SpecError:
            continue


@pytest.fixture(scope="session")
def listed(tiny) -> dict[str, Architecture]:
    """Every network of the tiny space, by digest."""
    return {network.digest: network for width in range(2) for network in _networks(tiny, width)}
