"""A small space with optional stages and heads to choose from, and the list of its networks, made without counting."""

import itertools

from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.core.errors import SpecError
from seesaw_nas.space import Space, parse

# The first stage may be absent, and with it a stride and a width: the second then reads 4 or 6 channels of an 8x8 map,
# and 1:3 fits between 4 and 8 but not between 6 and 12. The third may be absent too, one of two ways to have no block.
TEXT = """
schema_version = 1
name = "open"
description = "few enough to list"
budget = "100%"
input = { size = 8, channels = 1, classes = 3 }
stem = { channels = [4, 6], stride = 1 }
head = { channels = [8, 12] }
blocks = { expansions = [1], kernels = [3], partitions = ["1"], flows = ["shuffle", "share"], activations = ["none"] }
[[stages]]
channels = [8, 6]
stride = 2
repeats = [0, 1]
partitions = ["1", "1:1"]
[[stages]]
channels = [8, 12]
stride = 1
repeats = [1, 2]
expansions = [1, 2]
partitions = ["1", "1:3"]
[[stages]]
channels = [4, 8]
stride = 2
repeats = [2, 0, 1]
"""
OPEN = parse(TEXT, "open.toml")


def list_networks(space: Space) -> dict[str, Architecture]:
    """Every network of a space in its canonical spelling, by digest."""
    found: dict[str, Architecture] = {}
    for width, head in itertools.product(range(space.widths), space.heads):
        for numbers in itertools.product(*(stage.repeats for stage in space.stages)):
            fillings = [_fillings(stage, width, n) for stage, n in zip(space.stages, numbers, strict=True) if n]
            for stages in itertools.product(*fillings):
                stem = Stem(space.stem_channels[width], space.stem_stride)
                try:
                    network = Architecture(
                        space.input_size, space.input_channels, space.classes, stem, stages, Head(head)
                    )
                except SpecError:
                    continue  # a partition does not divide a width
                found[network.digest] = network.canonical
    return found


def _fillings(stage, width: int, n: int) -> list[Stage]:
    choices = (stage.expansions, stage.kernels, stage.partitions, stage.flows, stage.activations)
    blocks = [Block(*chosen) for chosen in itertools.product(*choices)]
    return [Stage(stage.channels[width], stage.stride, some) for some in itertools.product(blocks, repeat=n)]
