"""The position of each weight of a space in one flat vector.

Each slot has dense storage for the largest width, expansion and kernel that the space allows there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate

from torch import Tensor

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.space import Space

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WidestBlock:
    """Storage of one slot, for the most channels and the largest kernel that any of its blocks has."""

    inner: int
    c_in: int
    kernel: int
    c_out: int

    @property
    def shapes(self) -> dict[str, Shape]:
        """Its tensors by name, in order."""
        kernel = (self.kernel, self.kernel)
        return {
            "pw1.weight": (self.inner, self.c_in, 1, 1),
            **_norm("pw1", self.inner),
            "dw.weight": (self.inner, 1, *kernel),
            **_norm("dw", self.inner),
            "pw2.weight": (self.c_out, self.inner, 1, 1),
            **_norm("pw2", self.c_out),
        }

    @property
    def starts(self) -> dict[str, int]:
        """Index of each tensor's first entry, counted from the slot's first entry."""
        return _starts(self.shapes)


@dataclass(frozen=True)
class Layout:
    """The tensors in the flat vector of a space, by name, in order.

    Names are those of the parameters of :class:`seesaw_nas.network.models.Network`, such as ``stages.2.0.dw.weight``,
    except that a 1x1 convolution has one dense weight.

    Attributes:
        places: the storage of each slot, by (stage, index); a stage keeps its storage where others are absent.
    """

    space: Space
    shapes: dict[str, Shape]
    places: dict[tuple[int, int], WidestBlock]

    def stages_of(self, architecture: Architecture) -> tuple[int, ...]:
        """The index in the space of each stage of one of its architectures."""
        outline = self.space.outline_of(architecture)
        assert outline is not None, "an architecture of the space has one of its outlines"
        return self.space.outlines[outline].present

    @cached_property
    def starts(self) -> dict[str, int]:
        """Index of each tensor's first entry."""
        return _starts(self.shapes)

    @cached_property
    def size(self) -> int:
        """Number of entries of the vector."""
        return sum(map(math.prod, self.shapes.values()))

    def view(self, flat: Tensor, name: str) -> Tensor:
        """The tensor ``name`` of a vector (size,), as a view in its shape."""
        shape, start = self.shapes[name], self.starts[name]
        return flat[start : start + math.prod(shape)].view(shape)

    def start(self, stage: int, index: int) -> int:
        """Index of a slot's first entry."""
        return self.starts[f"{block_name(stage, index)}.pw1.weight"]


@lru_cache(maxsize=64)
def layout_of(space: Space) -> Layout:
    """The layout of a space; it depends only on the space's widths, expansions and kernels."""
    places = {
        (stage, index): _widest_block(space, stage, index)
        for stage, offer in enumerate(space.stages)
        for index in range(offer.max_repeats)
    }
    stem, head = max(space.stem_channels), max(space.heads)
    last = max(space.stages[one.present[-1]].channels[one.width] for one in space.outlines)
    shapes: dict[str, Shape] = {"stem.weight": (stem, space.input_channels, 3, 3), **_norm("stem", stem)}
    for block, place in places.items():
        shapes |= {f"{block_name(*block)}.{name}": shape for name, shape in place.shapes.items()}
    shapes |= {"head.weight": (head, last, 1, 1), **_norm("head", head)}
    shapes |= {"classifier.weight": (space.classes, head), "classifier.bias": (space.classes,)}
    return Layout(space, shapes, places)


def block_name(stage: int, index: int) -> str:
    """The module name of the block in a slot."""
    return f"stages.{stage}.{index}"


def _widest_block(space: Space, stage: int, index: int) -> WidestBlock:
    every = (slot for outline in range(len(space.outlines)) for slot in space.slots(outline))
    slots = [slot for slot in dict.fromkeys(every) if (slot.stage, slot.index) == (stage, index)]
    options = [(slot, block) for slot in slots for block in space.options(slot)]
    return WidestBlock(
        inner=max(block.expansion * slot.c_in for slot, block in options),
        c_in=max(slot.c_in for slot in slots),
        kernel=max(block.kernel for _, block in options),
        c_out=max(slot.c_out for slot in slots),
    )


def _norm(layer: str, channels: int) -> dict[str, Shape]:
    return {f"{layer}_bn.weight": (channels,), f"{layer}_bn.bias": (channels,)}


def _starts(shapes: Mapping[str, Shape]) -> dict[str, int]:
    return dict(zip(shapes, accumulate(map(math.prod, shapes.values()), initial=0), strict=False))
