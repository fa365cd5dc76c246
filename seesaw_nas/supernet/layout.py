"""Where each weight of a space lies in one flat vector.

Each place has dense storage at the largest width, expansion and kernel that the space has there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import accumulate

from torch import Tensor

from seesaw_nas.space import Space

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """The tensors that the flat vector of a space is cut into, by name, in order.

    A name is a module's in :class:`seesaw_nas.models.Network` and its parameter's, ``stages.2.0.dw.weight``; a 1x1
    convolution has one dense weight.
    """

    shapes: dict[str, Shape]

    @cached_property
    def starts(self) -> dict[str, int]:
        """The place of each tensor's first entry."""
        return dict(zip(self.shapes, accumulate(map(math.prod, self.shapes.values()), initial=0), strict=False))

    @property
    def size(self) -> int:
        """Entries of the vector."""
        return sum(map(math.prod, self.shapes.values()))

    def view(self, flat: Tensor, name: str) -> Tensor:
        """The tensor ``name`` of a vector (size,), in its shape and sharing its memory."""
        shape, start = self.shapes[name], self.starts[name]
        return flat[start : start + math.prod(shape)].view(shape)


@lru_cache(maxsize=64)
def layout_of(space: Space) -> Layout:
    """The layout of a space; it follows from the widths, expansions and kernels on offer alone."""
    return Layout(dict(_shapes(space)))


def block_name(stage: int, index: int) -> str:
    """The name of the block at a place."""
    return f"stages.{stage}.{index}"


def _shapes(space: Space) -> Iterator[tuple[str, Shape]]:
    stem, last = max(space.stem_channels), max(space.stages[-1].channels)
    yield "stem.weight", (stem, space.input_channels, 3, 3)
    yield from _norm("stem", stem)
    for stage, offer in enumerate(space.stages):
        for index in range(offer.max_repeats):
            yield from _block(space, stage, index)
    yield "head.weight", (space.head_channels, last, 1, 1)
    yield from _norm("head", space.head_channels)
    yield "classifier.weight", (space.classes, space.head_channels)
    yield "classifier.bias", (space.classes,)


def _block(space: Space, stage: int, index: int) -> Iterator[tuple[str, Shape]]:
    slots = [s for width in range(space.widths) for s in space.slots(width) if (s.stage, s.index) == (stage, index)]
    offered = [(slot, block) for slot in slots for block in space.offered(slot)]
    inner = max(block.expansion * slot.c_in for slot, block in offered)
    c_in, c_out = max(slot.c_in for slot in slots), max(slot.c_out for slot in slots)
    kernel, name = max(block.kernel for _, block in offered), block_name(stage, index)
    yield f"{name}.pw1.weight", (inner, c_in, 1, 1)
    yield from _norm(f"{name}.pw1", inner)
    yield f"{name}.dw.weight", (inner, 1, kernel, kernel)
    yield from _norm(f"{name}.dw", inner)
    yield f"{name}.pw2.weight", (c_out, inner, 1, 1)
    yield from _norm(f"{name}.pw2", c_out)


def _norm(layer: str, channels: int) -> Iterator[tuple[str, Shape]]:
    yield f"{layer}_bn.weight", (channels,)
    yield f"{layer}_bn.bias", (channels,)
