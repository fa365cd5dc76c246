"""The definition of a search space, which decides whether an architecture belongs to it.

Every block of a stage has its own expansion, kernel, partition, flow and activation, out of the values that the stage
offers; a stage has one of several numbers of blocks. Widths vary together: a space may list several sets of widths for
the whole network, of which an architecture has one.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Activation, Architecture, Block, Flow, Head, Stage, Stem, output_size
from seesaw_nas.core import markup
from seesaw_nas.core.errors import SpaceError, SpecError
from seesaw_nas.space.budget import Budget
from seesaw_nas.space.chain import Chain, Menu, SlotRow


@dataclass(frozen=True)
class StageSpace:
    """The values that one stage offers.

    Attributes:
        channels: output channels, one entry for each width of the space.
        stride: stride of the stage's first block.
        repeats: the numbers of blocks that it may have, ascending.
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
        return _blocks(self, c_in, c_out)

    @property
    def max_repeats(self) -> int:
        return self.repeats[-1]


@lru_cache(maxsize=1024)
def _blocks(stage: StageSpace, c_in: int, c_out: int) -> tuple[Block, ...]:
    blocks: dict[Block, None] = {}
    choices = (stage.expansions, stage.kernels, stage.partitions, stage.flows, stage.activations)
    for expansion, kernel, partition, flow, activation in itertools.product(*choices):
        try:
            block = Block(expansion, kernel, partition, flow, activation)
            block.check(c_in, c_out)
        except SpecError:
            continue  # this combination does not exist at these widths
        blocks[block.canonical(c_in, c_out)] = None
    return tuple(blocks)


@lru_cache(maxsize=1024)
def _block_set(stage: StageSpace, c_in: int, c_out: int) -> frozenset[Block]:
    return frozenset(_blocks(stage, c_in, c_out))


@dataclass(frozen=True)
class Slot:
    """A position for one block, with the shapes around it, in the deepest architecture of a width."""

    stage: int
    index: int
    c_in: int
    c_out: int
    size_in: int
    size_out: int

    def macs(self, block: Block) -> int:
        """Multi-Adds of a block in this slot."""
        return cost.block_macs(block, self.c_in, self.c_out, self.size_in, self.size_out)


@dataclass(frozen=True)
class Space:
    """A set of architectures for one input size and number of classes.

    Attributes:
        default_budget: the budget of a search if none is given, written as a user writes it, at the space's own image
            size; :func:`seesaw_nas.space.scaling.default_budget` has it at the present one.
        stem_channels: output channels of the stem, one entry for each width.
        stated_size: the image size that ``default_budget`` is for; 0 for ``input_size``. No part of the digest.
    """

    name: str
    description: str
    default_budget: str
    input_size: int
    input_channels: int
    classes: int
    stem_channels: tuple[int, ...]
    stem_stride: int
    head_channels: int
    stages: tuple[StageSpace, ...]
    stated_size: int = field(default=0, repr=False, compare=False)

    def __post_init__(self) -> None:
        every = [self.width_name(width) for width in range(self.widths)]
        if len(set(every)) < len(every):
            raise SpaceError(f"space '{self.name}': a width is listed twice: {', '.join(every)}; list it once")
        slots = [slot for width in range(self.widths) for slot in self.slots(width)]
        empty = {(slot.stage, slot.c_in, slot.c_out): None for slot in slots if not self.options(slot)}
        if empty:
            raise SpaceError(
                *(
                    f"space '{self.name}': no block that stages[{stage}] offers fits between {c_in} and {c_out} "
                    "channels; add a partition that divides both, such as 1"
                    for stage, c_in, c_out in empty
                )
            )

    def adapt(self, input_size: int, input_channels: int, classes: int) -> Space:
        """The same choices for images of another size and other classes."""
        stated = self.stated_size or self.input_size
        return replace(self, input_size=input_size, input_channels=input_channels, classes=classes, stated_size=stated)

    @property
    def widths(self) -> int:
        return len(self.stem_channels)

    def width_name(self, width: int) -> str:
        """``32-16-24-...``: the widths of stem and stages."""
        return "-".join(map(str, (self.stem_channels[width], *(stage.channels[width] for stage in self.stages))))

    def slots(self, width: int) -> Iterator[Slot]:
        """Every slot, stage by stage, with as many blocks as each stage allows."""
        size, c_in = output_size(self.input_size, self.stem_stride), self.stem_channels[width]
        for i, stage in enumerate(self.stages):
            for j in range(stage.max_repeats):
                out = output_size(size, stage.stride if j == 0 else 1)
                yield Slot(i, j, c_in, stage.channels[width], size, out)
                size, c_in = out, stage.channels[width]

    def fixed_macs(self, width: int) -> int:
        """Multi-Adds of stem, head and classifier."""
        *_, last = self.slots(width)
        stem = cost.stem_macs(
            self.input_channels, self.stem_channels[width], output_size(self.input_size, self.stem_stride)
        )
        return stem + cost.head_macs(last.c_out, self.head_channels, self.classes, last.size_out)

    @cached_property
    def chains(self) -> tuple[Chain[Block], ...]:
        """The whole space, as one chain of block choices for each width."""
        return tuple(self.chain(width) for width in range(self.widths))

    def chain(
        self,
        width: int,
        options: Mapping[tuple[int, int], tuple[Block, ...]] | None = None,
        repeats: Mapping[int, tuple[int, ...]] | None = None,
    ) -> Chain[Block]:
        """The architectures of one width, or only those with the given blocks and repeats.

        Args:
            width: index of the width.
            options: blocks to choose from, by (stage, index), for slots that may not have all blocks of the stage.
            repeats: repeats to choose from, by stage, for stages that may not have all of theirs.
        """
        menus: dict[int, list[Menu[Block]]] = {i: [] for i in range(len(self.stages))}
        allowed = [(repeats or {}).get(i, stage.repeats) for i, stage in enumerate(self.stages)]
        for slot in self.slots(width):
            if slot.index < max(allowed[slot.stage]):
                blocks = (options or {}).get((slot.stage, slot.index))
                menus[slot.stage].append(self._menus[slot] if blocks is None else _menu_of(slot, blocks))
        rows = [SlotRow(tuple(menus[i]), allowed[i]) for i in range(len(self.stages))]
        return Chain(rows, self.fixed_macs(width))

    def options(self, slot: Slot) -> tuple[Block, ...]:
        """The distinct blocks that a slot may have."""
        return self.stages[slot.stage].blocks(slot.c_in, slot.c_out)

    @cached_property
    def _menus(self) -> dict[Slot, Menu[Block]]:
        return {slot: _menu_of(slot, self.options(slot)) for width in range(self.widths) for slot in self.slots(width)}

    def build(self, width: int, blocks: list[list[Block]]) -> Architecture:
        """The architecture of a width with these blocks, stage by stage.

        Raises:
            SpecError: a block does not fit its slot.
        """
        stages = tuple(
            Stage(stage.channels[width], stage.stride, tuple(chosen))
            for stage, chosen in zip(self.stages, blocks, strict=True)
        )
        stem = Stem(self.stem_channels[width], self.stem_stride)
        head = Head(self.head_channels)
        return Architecture(self.input_size, self.input_channels, self.classes, stem, stages, head)

    def width_of(self, architecture: Architecture) -> int | None:
        """The index of the architecture's width, or ``None`` if the space does not have it."""
        widths = (architecture.stem.channels, *(stage.channels for stage in architecture.stages))
        for width in range(self.widths):
            if widths == (self.stem_channels[width], *(stage.channels[width] for stage in self.stages)):
                return width
        return None

    def __contains__(self, architecture: Architecture) -> bool:
        return not self.objection(architecture)

    def objection(self, architecture: Architecture) -> str:
        """The reason why an architecture is not in this space; empty if it is."""
        frame = (architecture.input, architecture.classes, architecture.stem.stride, architecture.head.channels)
        side = self.input_size
        own = ((self.input_channels, side, side), self.classes, self.stem_stride, self.head_channels)
        if frame != own:
            return f"input, classes, stem stride and head channels are {frame}, the space's {own}"
        if self.width_of(architecture) is None:
            return f"its widths are not among the space's: {', '.join(map(self.width_name, range(self.widths)))}"
        for i, (stage, offer) in enumerate(zip(architecture.stages, self.stages, strict=True)):
            if stage.stride != offer.stride or len(stage.blocks) not in offer.repeats:
                return f"stages[{i}] has stride {stage.stride} and {len(stage.blocks)} blocks, which is not on offer"
        for placed in architecture.canonical.placed:
            if placed.block not in _block_set(self.stages[placed.stage], placed.c_in, placed.c_out):
                return f"stages[{placed.stage}].blocks[{placed.index}], {placed.block}, is not on offer"
        return ""

    def count(self, budget: str) -> int:
        """How many architectures fit a budget written like ``110M`` or ``100M:110M``, exactly; may be 0."""
        bounds = self.budget(budget)
        return sum(chain.counts([(bounds.low, bounds.high)])[0] for chain in self.chains)

    def budget(self, text: str) -> Budget:
        """The budget that a user writes; ``60%`` is a share of the costliest architecture's Multi-Adds."""
        return Budget.parse(text, self.costliest_macs)

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits of SHA-256 over the whole definition; a run is only resumed in the same space."""
        parts = [f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.compare]
        return hashlib.sha256(f"Space({', '.join(parts)})".encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        """``<Space seesaw-digits: 1x8x8, 3 stages, budget 600K>``; counts, which take long, are left out."""
        image = f"{self.input_channels}x{self.input_size}x{self.input_size}"
        widths = f", {self.widths} widths" if self.widths > 1 else ""
        return f"<Space {self.name}: {image}, {len(self.stages)} stages{widths}, budget {self.default_budget}>"

    def _repr_html_(self) -> str:
        headings = ("stage", "channels", "stride", "repeats", "expansions", "kernels", "partitions", "flows")
        offers = [
            (one.channels, (one.stride,), one.repeats, one.expansions, one.kernels, one.partitions, one.flows)
            for one in self.stages
        ]
        rows = [(str(number), *map(_listed, offer)) for number, offer in enumerate(offers, start=1)]
        return markup.table(f"{repr(self)[1:-1]}: {self.description}", headings, rows)

    @cached_property
    def size(self) -> int:
        """How many different architectures the space holds, exactly."""
        return sum(chain.size for chain in self.chains)

    @cached_property
    def cheapest_macs(self) -> int:
        return min(chain.cheapest for chain in self.chains)

    @cached_property
    def costliest_macs(self) -> int:
        return max(chain.costliest for chain in self.chains)


def _listed(values: Iterable[object]) -> str:
    return ", ".join(dict.fromkeys(map(str, values)))


def _menu_of(slot: Slot, blocks: tuple[Block, ...]) -> Menu[Block]:
    return Menu.of((slot.macs(block), block) for block in blocks)
