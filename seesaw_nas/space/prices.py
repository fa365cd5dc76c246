"""What each block costs at each place of a space, as tables to add up: one sum a row of a codebook.

The tables are filled by :mod:`seesaw_nas.architecture.cost`; nothing is counted by another rule here.
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
from seesaw_nas.space.definition import Slot, Space

Array = npt.NDArray[Any]
MOST = int(np.iinfo(np.int64).max)


@dataclass(frozen=True)
class Prices:
    """Prices of one unit, Multi-Adds or Params; no sum of them exceeds 64 bits, or they cannot be made.

    Attributes:
        fixed: of a width without its blocks: (widths,).
        flat: of the blocks on offer, place by place and width by width; one 0, for no block, leads each place's.
        starts: where each place's begin in ``flat``: (widths, places).
    """

    fixed: Array
    flat: Array
    starts: Array

    @classmethod
    def macs(cls, space: Space) -> Prices:
        """The Multi-Adds of a space's blocks.

        Raises:
            SpaceError: 64-bit integers do not hold the costliest architecture.
        """
        return cls._of(space, "Multi-Adds", space.fixed_macs, Slot.macs)

    @classmethod
    def params(cls, space: Space) -> Prices:
        """The trainable parameters of a space's blocks; raises what :meth:`macs` does."""

        def fixed(width: int) -> int:
            *_, last = space.slots(width)
            stem = cost.stem_params(space.input_channels, space.stem_channels[width])
            return stem + cost.head_params(last.c_out, space.head_channels, space.classes)

        return cls._of(space, "Params", fixed, lambda slot, block: cost.block_params(block, slot.c_in, slot.c_out))

    @classmethod
    def _of(cls, space: Space, unit: str, fixed: Callable[[int], int], price: Callable[[Slot, Block], int]) -> Prices:
        widths = range(space.widths)
        base = [fixed(width) for width in widths]
        offers = [[[price(slot, b) for b in space.options(slot)] for slot in space.slots(width)] for width in widths]
        greatest = max(start + sum(map(max, places)) for start, places in zip(base, offers, strict=True))
        if greatest > MOST:
            raise SpaceError(
                f"space '{space.name}' may cost {greatest:,} {unit}, more than the {MOST:,} that a batch can be "
                f"counted up to; count one architecture at a time, or choose smaller images or widths"
            )
        flat = [amount for places in offers for blocks in places for amount in (0, *blocks)]
        lengths = [[len(blocks) + 1 for blocks in places] for places in offers]
        ends = np.cumsum(lengths).reshape(np.shape(lengths))
        return cls(np.array(base, np.int64), np.array(flat, np.int64), ends - lengths)

    def add_up(self, rows: Array) -> Array:
        """The price of each row of a codebook, all of which are known to stand for architectures: (N,)."""
        widths = rows[:, 0].astype(np.intp)
        places = self.starts.take(widths, axis=0)  # (N, places)
        np.add(places, rows[:, 1:], out=places, casting="unsafe")  # safe for such small numbers of whatever type
        total: Array = self.flat.take(places).sum(axis=1)
        return total + self.fixed[widths]
