"""Where each weight of a space lies in one flat vector.

Each place has dense storage at the largest width, expansion and kernel that the space has there.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate

from torch import Tensor

from seesaw_nas.space import Space

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WidestBlock:
    """Storage for the blocks that may stand at one place: as many channels, and as wide a kernel, as any has there."""

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
        """Where each tensor begins, counted from the place's own first entry."""
        return _starts(self.shapes)


@dataclass(frozen=True)
class Layout:
    """The tensors that the flat vector of a space is cut into, by name, in order.

    A name is a module's in :class:`seesaw_nas.network.models.Network` and its parameter's, ``stages.2.0.dw.weight``; a
    1x1 convolution has one dense weight.

    Attributes:
        places: the storage at each (stage, index).
    """

    shapes: dict[str, Shape]
    places: dict[tuple[int, int], WidestBlock]

    @cached_property
    def starts(self) -> dict[str, int]:
        """The place of each tensor's first entry."""
        return _starts(self.shapes)

    @cached_property
    def size(self) -> int:
        """Entries of the vector."""
        return sum(map(math.prod, self.shapes.values()))

    def view(self, flat: Tensor, name: str) -> Tensor:
        """The tensor ``name`` of a vector (size,), in its shape and sharing its memory."""
        shape, start = self.shapes[name], self.starts[name]
        return flat[start : start + math.prod(shape)].view(shape)

    def start(self, stage: int, index: int) -> int:
        """The first entry of a place."""
        return self.starts[f"{block_name(stage, index)}.pw1.weight"]


@lru_cache(maxsize=64)
def layout_of(space: Space) -> Layout:
    """The layout of a space; it follows from the widths, expansions and kernels on offer alone."""
    places = {
        (stage, index): _place(space, stage, index)
        for stage, offer in enumerate(space.stages)
        for index in range(offer.max_repeats)
    }
    stem, last = max(space.stem_channels), max(space.stages[-1].channels)
    shapes: dict[str, Shape] = {"stem.weight": (stem, space.input_channels, 3, 3), **_norm("stem", stem)}
    for block, place in places.items():
        shapes |= {f"{block_name(*block)}.{name}": shape for name, shape in place.shapes.items()}
    shapes |= {"head.weight": (space.head_channels, last, 1, 1), **_norm("head", space.head_channels)}
    shapes |= {"classifier.weight": (space.classes, space.head_channels), "classifier.bias": (space.classes,)}
    return Layout(shapes, places)


def block_name(stage: int, index: int) -> str:
    """The name of the block at a place."""
    return f"stages.{stage}.{index}"


def _place(space: Space, stage: int, index: int) -> WidestBlock:
    slots = [s for width in range(space.widths) for s in space.slots(width) if (s.stage, s.index) == (stage, index)]
    offered = [(slot, block) for slot in slots for block in space.options(slot)]
    return WidestBlock(
        inner=max(block.expansion * slot.c_in for slot, block in offered),
        c_in=max(slot.c_in for slot in slots),
        kernel=max(block.kernel for _, block in offered),
        c_out=max(slot.c_out for slot in slots),
    )


def _norm(layer: str, channels: int) -> dict[str, Shape]:
    return {f"{layer}_bn.weight": (channels,), f"{layer}_bn.bias": (channels,)}


def _starts(shapes: Mapping[str, Shape]) -> dict[str, int]:
    return dict(zip(shapes, accumulate(map(math.prod, shapes.values()), initial=0), strict=False))
