"""The cost of each block in each slot of a space, as tables to add up for the rows of a codebook.

All costs come from :mod:`seesaw_nas.architecture.cost`; there is no second counting rule here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Block
from seesaw_nas.core.errors import SpaceError
from seesaw_nas.space.definition import Space
from seesaw_nas.space.stages import Slot

Array = npt.NDArray[Any]
MOST = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class Prices:
    """Costs in one unit, Multi-Adds or Params. A space whose sums could exceed 64 bits is refused.

    Attributes:
        fixed: cost of each outline without its blocks: (outlines,).
        flat: costs of the blocks that each slot allows, slot by slot and outline by outline; each slot begins with a
            0, for no block. A slot of an absent stage has nothing else.
        starts: index in ``flat`` of each slot's first cost: (outlines, slots).
    """

    fixed: Array
    flat: Array
    starts: Array

    @classmethod
    def macs(cls, space: Space) -> Prices:
        """The Multi-Adds of a space's blocks.

        Raises:
            SpaceError: the cost of the costliest architecture exceeds 64-bit integers.
        """
        return cls._of(space, "Multi-Adds", space.fixed_macs, Slot.macs)

    @classmethod
    def params(cls, space: Space) -> Prices:
        """The trainable parameters of a space's blocks; raises the same errors as :meth:`macs`."""

        def fixed(outline: int) -> int:
            *_, last = space.slots(outline)
            one = space.outlines[outline]
            stem = cost.stem_params(space.input_channels, space.stem_channels[one.width])
            return stem + cost.head_params(last.c_out, one.head, space.classes)

        return cls._of(space, "Params", fixed, lambda slot, block: cost.block_params(block, slot.c_in, slot.c_out))

    @classmethod
    def _of(cls, space: Space, unit: str, fixed: Callable[[int], int], price: Callable[[Slot, Block], int]) -> Prices:
        base = [fixed(outline) for outline in range(len(space.outlines))]
        offers = [
            [[price(slot, block) for block in space.options(slot)] if slot else [] for slot in space.places(outline)]
            for outline in range(len(space.outlines))
        ]
        greatest = max(
            start + sum(max(amounts, default=0) for amounts in places)
            for start, places in zip(base, offers, strict=True)
        )
        if greatest > MOST:
            raise SpaceError(
                f"space '{space.name}' may cost {greatest:,} {unit}, more than the {MOST:,} that a batch can be "
                f"counted up to; count one architecture at a time, or choose smaller images or widths"
            )
        flat = [amount for places in offers for blocks in places for amount in (0, *blocks)]
        lengths = [[len(blocks) + 1 for blocks in places] for places in offers]
        ends = np.cumsum(lengths).reshape(np.shape(lengths))
        return cls(np.array(base, np.int64), np.array(flat, np.int64), ends - lengths)

    def add_up(self, outlines: Array, codes: Array) -> Array:
        """The cost of each row of a codebook: (N,). The rows are valid: the caller has checked them.

        Args:
            outlines: index of each row's outline, (N,).
            codes: number of the block in each slot, (N, slots).
        """
        places = self.starts.take(outlines, axis=0)  # (N, slots)
        np.add(places, codes, out=places, casting="unsafe")  # safe: the numbers are small
        total: Array = self.flat.take(places).sum(axis=1)
        return total + self.fixed[outlines]
