"""What one stage of a space offers, and the places of its blocks."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cached_property

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Activation, Block, Flow
from seesaw_nas.core.errors import SpecError


@dataclass(frozen=True)
class StageSpace:
    """The values that one stage offers.

    Attributes:
        channels: output channels, one entry for each width of the space.
        stride: stride of the stage's first block.
        repeats: the numbers of blocks that it may have, ascending; with 0 the stage is optional.
    """

    channels: tuple[int, ...]
    stride: int
    repeats: tuple[int, ...]
    expansions: tuple[int, ...]
    kernels: tuple[int, ...]
    partitions: tuple[Partition, ...]
    flows: tuple[Flow, ...]
    activations: tuple[Activation, ...]

    def blocks(self, c_in: int, c_out: int) -> tuple[Block, ...]:
        """The distinct blocks on offer that fit between these widths, each in its canonical spelling."""
        return tuple(self._numbered(c_in, c_out))

    def number(self, block: Block, c_in: int, c_out: int) -> int | None:
        """The place of a canonical block among those on offer between these widths; ``None`` for another block."""
        return self._numbered(c_in, c_out).get(block)

    def _numbered(self, c_in: int, c_out: int) -> dict[Block, int]:
        if (found := self._offered.get((c_in, c_out))) is not None:
            return found
        blocks: dict[Block, None] = {}
        choices = (self.expansions, self.kernels, self.partitions, self.flows, self.activations)
        for expansion, kernel, partition, flow, activation in itertools.product(*choices):
            try:
                block = Block(expansion, kernel, partition, flow, activation)
                block.check(c_in, c_out)
            except SpecError:
                continue  # this combination does not exist at these widths
            blocks[block.canonical(c_in, c_out)] = None
        return self._offered.setdefault((c_in, c_out), {block: number for number, block in enumerate(blocks)})

    @cached_property
    def _offered(self) -> dict[tuple[int, int], dict[Block, int]]:
        """What :meth:`_numbered` found before, by the widths."""
        return {}

    @property
    def max_repeats(self) -> int:
        return self.repeats[-1]

    @property
    def is_optional(self) -> bool:
        return self.repeats[0] == 0

    @property
    def repeats_if_present(self) -> tuple[int, ...]:
        """The numbers of blocks that it may have where it is not absent."""
        return self.repeats[1:] if self.is_optional else self.repeats


@dataclass(frozen=True)
class Slot:
    """A position for one block, with the shapes around it, in the deepest architecture of an outline.

    Attributes:
        stage: index of the stage in the space, of which an architecture may not have all.
        stride: of the block; where a map is a single pixel, it does not show in the sizes.
    """

    stage: int
    index: int
    c_in: int
    c_out: int
    size_in: int
    size_out: int
    stride: int

    def macs(self, block: Block) -> int:
        """Multi-Adds of a block in this slot."""
        return cost.block_macs(block, self.c_in, self.c_out, self.size_in, self.size_out)


@dataclass(frozen=True)
class StageSlots:
    """The slots of a stage that is there, and how many of them may be used."""

    slots: tuple[Slot, ...]
    repeats: tuple[int, ...]


@dataclass(frozen=True)
class Ends:
    """What stands before and after the blocks of an outline.

    Attributes:
        input_size, stem_size: sides of the image and of the stem's map, in pixels.
        stem: the stem's channels.
        c_in, size: channels and side of the last stage's map.
        head: the head's channels.
    """

    input_channels: int
    input_size: int
    stem: int
    stem_size: int
    c_in: int
    size: int
    head: int
    classes: int
