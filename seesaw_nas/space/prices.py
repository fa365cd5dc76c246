"""The cost of each block in each slot of a space, as tables to add up for the rows of a codebook.

All costs come from :mod:`seesaw_nas.space.costs`; there is no second counting rule here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from seesaw_nas.core.errors import SpaceError
from seesaw_nas.space.costs import Cost
from seesaw_nas.space.definition import Space

Array = npt.NDArray[Any]
MOST = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class Prices:
    """Costs of one kind. A space whose sums could exceed 64 bits is refused.

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
    def of(cls, space: Space, cost: Cost) -> Prices:
        """What a space's blocks cost in one respect that adds up.

        Raises:
            SpaceError: the costliest architecture costs more than 64-bit integers hold.
        """
        base = [cost.ends(space.ends(outline)) for outline in range(len(space.outlines))]
        offers = [
            [
                [cost.block(slot, block) for block in space.options(slot)] if slot else []
                for slot in space.places(outline)
            ]
            for outline in range(len(space.outlines))
        ]
        greatest = max(
            start + sum(max(amounts, default=0) for amounts in places)
            for start, places in zip(base, offers, strict=True)
        )
        if greatest > MOST:
            raise SpaceError(
                f"space '{space.name}' may cost {greatest:,} {cost.unit}, more than the {MOST:,} that a batch can be "
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
