"""The definition of a search space, which decides whether an architecture belongs to it.

Every block of a stage has its own expansion, kernel, partition, flow and activation, out of the values that the stage
offers; a stage has one of several numbers of blocks, and may be absent where 0 is among them. Widths vary together: a
space may list several sets of widths for the whole network, of which an architecture has one. The head's width is a
choice of its own. See :mod:`seesaw_nas.space.outlines`.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property

from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem, output_size
from seesaw_nas.core import markup
from seesaw_nas.core.errors import SpaceError
from seesaw_nas.space import costs
from seesaw_nas.space.budget import Budget
from seesaw_nas.space.costs import BlockTimes, Cost
from seesaw_nas.space.outlines import Outline, Outlines
from seesaw_nas.space.stages import Ends, Slot, StageSlots, StageSpace


@dataclass(frozen=True)
class Space:
    """A set of architectures for one input size and number of classes.

    Attributes:
        default_budget: the budget of a search if none is given, written as a user writes it, at the space's own image
            size; :func:`seesaw_nas.space.scaling.default_budget` has it at the present one.
        stem_channels: output channels of the stem, one entry for each width.
        head_channels: output channels of the head; or several numbers, of which an architecture has one.
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
    head_channels: int | tuple[int, ...]
    stages: tuple[StageSpace, ...]
    stated_size: int = field(default=0, repr=False, compare=False)

    def __post_init__(self) -> None:
        every = [self.width_name(width) for width in range(self.widths)]
        if len(set(every)) < len(every):
            raise SpaceError(f"space '{self.name}': a width is listed twice: {', '.join(every)}; list it once")
        slots = [slot for outline in range(len(self.outlines)) for slot in self.slots(outline)]
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

    @property
    def heads(self) -> tuple[int, ...]:
        """The channels that the head may have."""
        return (self.head_channels,) if isinstance(self.head_channels, int) else self.head_channels

    @cached_property
    def _outlines(self) -> Outlines:
        return Outlines(self.name, self.stem_channels, self.heads, self.stages)

    @property
    def outlines(self) -> tuple[Outline, ...]:
        """What may be decided before any block; without optional stages and choices of a head, one for each width."""
        return self._outlines.each

    def choose_outline(self, width: int, head: int, repeats: Sequence[int]) -> int:
        """The index of the outline with this width and head, and the stages that have any blocks."""
        return self._outlines.choose(width, head, repeats)

    def slots(self, outline: int) -> tuple[Slot, ...]:
        """Every slot of an outline, stage by stage, with as many blocks as each stage allows."""
        return self._slots[outline]

    @cached_property
    def _slots(self) -> tuple[tuple[Slot, ...], ...]:
        return tuple(tuple(self._make_slots(one)) for one in self.outlines)

    def _make_slots(self, one: Outline) -> Iterator[Slot]:
        width, size, c_in = one.width, output_size(self.input_size, self.stem_stride), self.stem_channels[one.width]
        for i in one.present:
            stage = self.stages[i]
            for j in range(stage.max_repeats):
                stride = stage.stride if j == 0 else 1
                out = output_size(size, stride)
                yield Slot(i, j, c_in, stage.channels[width], size, out, stride)
                size, c_in = out, stage.channels[width]

    def stage_slots(self, outline: int) -> Iterator[StageSlots]:
        """The slots of each stage that an outline has."""
        slots = iter(self.slots(outline))
        for i in self.outlines[outline].present:
            stage = self.stages[i]
            yield StageSlots(tuple(next(slots) for _ in range(stage.max_repeats)), stage.repeats_if_present)

    def places(self, outline: int) -> tuple[Slot | None, ...]:
        """As :meth:`slots`, with ``None`` in each place of a stage that is absent: as many for every outline."""
        slots = {(slot.stage, slot.index): slot for slot in self.slots(outline)}
        every = ((i, j) for i, stage in enumerate(self.stages) for j in range(stage.max_repeats))
        return tuple(slots.get(place) for place in every)

    def ends(self, outline: int) -> Ends:
        """What stands before and after the blocks of an outline."""
        one, (*_, last) = self.outlines[outline], self.slots(outline)
        stem, side = self.stem_channels[one.width], output_size(self.input_size, self.stem_stride)
        return Ends(self.input_channels, self.input_size, stem, side, last.c_out, last.size_out, one.head, self.classes)

    def fixed_macs(self, outline: int) -> int:
        """Multi-Adds of stem, head and classifier."""
        return costs.MACS.ends(self.ends(outline))

    def options(self, slot: Slot) -> tuple[Block, ...]:
        """The distinct blocks that a slot may have."""
        return self.stages[slot.stage].blocks(slot.c_in, slot.c_out)

    def number(self, slot: Slot, block: Block) -> int:
        """The place of a canonical block among the options of a slot, which has it."""
        found = self.stages[slot.stage].number(block, slot.c_in, slot.c_out)
        assert found is not None, "an architecture of the space has blocks on offer"
        return found

    def build(self, outline: int, blocks: list[list[Block]]) -> Architecture:
        """The architecture of an outline with these blocks, stage by stage, of those stages that are there.

        Raises:
            SpecError: a block does not fit its slot.
        """
        one = self.outlines[outline]
        stages = tuple(
            Stage(self.stages[i].channels[one.width], self.stages[i].stride, tuple(chosen))
            for i, chosen in zip(one.present, blocks, strict=True)
        )
        stem = Stem(self.stem_channels[one.width], self.stem_stride)
        return Architecture(self.input_size, self.input_channels, self.classes, stem, stages, Head(one.head))

    def outline_of(self, architecture: Architecture) -> int | None:
        """The index of the architecture's outline, or ``None`` if the space does not have it."""
        return self._outlines.of(architecture)

    def take_apart(self, architecture: Architecture) -> tuple[int, dict[Slot, Block], tuple[int, ...]]:
        """The index of the outline, the canonical block in each slot, and the number of blocks of each stage.

        The architecture is one of the space.
        """
        outline = self.outline_of(architecture)
        assert outline is not None, "an architecture of the space has one of its outlines"
        present = self.outlines[outline].present
        repeats = [0] * len(self.stages)
        for i, stage in zip(present, architecture.stages, strict=True):
            repeats[i] = len(stage.blocks)
        slots = (slot for slot in self.slots(outline) if slot.index < repeats[slot.stage])
        placed = zip(slots, architecture.canonical.placed, strict=True)
        return outline, {slot: at.block for slot, at in placed}, tuple(repeats)

    def __contains__(self, architecture: Architecture) -> bool:
        return not self.objection(architecture)

    def objection(self, architecture: Architecture) -> str:
        """The reason why an architecture is not in this space; empty if it is."""
        frame = (architecture.input, architecture.classes, architecture.stem.stride, architecture.head.channels)
        side, head = self.input_size, architecture.head.channels
        own = ((self.input_channels, side, side), self.classes, self.stem_stride, head if head in self.heads else None)
        if frame != own:
            offered = (*own[:3], self.head_channels)
            return f"input, classes, stem stride and head channels are {frame}, the space's {offered}"
        outline = self.outline_of(architecture)
        like = self._outlines.with_widths(architecture) if outline is None else self.outlines[outline]
        if like is None:
            widths = ", ".join(map(self.width_name, range(self.widths)))
            optional = [f"stages[{i}]" for i, stage in enumerate(self.stages) if stage.is_optional]
            absent = f", with or without {' and '.join(optional)}" if optional else ""
            return f"its widths are not among the space's: {widths}{absent}"
        for i, (stage, own_stage) in enumerate(zip(architecture.stages, like.present, strict=True)):
            offer = self.stages[own_stage]
            if stage.stride != offer.stride or len(stage.blocks) not in offer.repeats:
                return f"stages[{i}] has stride {stage.stride} and {len(stage.blocks)} blocks, which is not on offer"
        for placed in architecture.canonical.placed:
            if self.stages[like.present[placed.stage]].number(placed.block, placed.c_in, placed.c_out) is None:
                return f"stages[{placed.stage}].blocks[{placed.index}], {placed.block}, is not on offer"
        return ""

    def budget(self, text: str, profile: BlockTimes | None = None) -> Budget:
        """The budget that a user writes; ``60%`` is a share of what the costliest architecture costs.

        Args:
            profile: the times by which milliseconds are read.

        Raises:
            UnitError, BudgetError: as :meth:`seesaw_nas.space.budget.Budget.parse`.
        """
        return Budget.parse(text, self.costliest, profile)

    def costliest(self, cost: Cost) -> int:
        """The most that an architecture of the space costs."""
        return max(self._extreme(outline, cost, max) for outline in range(len(self.outlines)))

    def cheapest(self, cost: Cost) -> int:
        """The least that an architecture of the space costs."""
        return min(self._extreme(outline, cost, min) for outline in range(len(self.outlines)))

    def _extreme(self, outline: int, cost: Cost, choose: Callable[[Iterable[int]], int]) -> int:
        """The most or the least that an architecture of an outline costs."""
        found = [cost.ends(self.ends(outline))]
        for stage in self.stage_slots(outline):
            blocks = [choose(cost.block(slot, block) for block in self.options(slot)) for slot in stage.slots]
            found.append(choose(cost.join(blocks[:n]) for n in stage.repeats))
        return cost.join(found)

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits of SHA-256 over the whole definition; a run is only resumed in the same space."""
        parts = [f"{one.name}={getattr(self, one.name)!r}" for one in fields(self) if one.compare]
        return hashlib.sha256(f"Space({', '.join(parts)})".encode()).hexdigest()[:16]

    def __repr__(self) -> str:
        """``<Space seesaw-digits: 1x8x8, 3 stages, budget 600K>``; counts, which take long, are left out."""
        image = f"{self.input_channels}x{self.input_size}x{self.input_size}"
        widths = f", {self.widths} widths" if self.widths > 1 else ""
        heads = f", {len(self.heads)} heads" if len(self.heads) > 1 else ""
        return f"<Space {self.name}: {image}, {len(self.stages)} stages{widths}{heads}, budget {self.default_budget}>"

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
        return sum(self._size(outline) for outline in range(len(self.outlines)))

    def _size(self, outline: int) -> int:
        fillings = 1
        for stage in self.stage_slots(outline):
            offered = [len(self.options(slot)) for slot in stage.slots]
            fillings *= sum(math.prod(offered[:n]) for n in stage.repeats)
        return fillings

    @cached_property
    def cheapest_macs(self) -> int:
        return self.cheapest(costs.MACS)

    @cached_property
    def costliest_macs(self) -> int:
        return self.costliest(costs.MACS)


def _listed(values: Iterable[object]) -> str:
    return ", ".join(dict.fromkeys(map(str, values)))
