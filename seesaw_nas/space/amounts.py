"""What the blocks of an outline cost in one respect, and the units that such amounts are counted in.

Rounding is upwards, once for the cheapest blocks of a stage together and once for each block on top of these, so that a
count is never below what it stands for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seesaw_nas.architecture.spec import Block
from seesaw_nas.space.budget import Bound
from seesaw_nas.space.cost_counts import Array
from seesaw_nas.space.costs import Cost
from seesaw_nas.space.stages import Slot, StageSlots

UNITS = 48  # tried for a cost that is rounded, up to half as large again as the cells ask for
Offers = dict[Slot, tuple[Block, ...]]


@dataclass(frozen=True)
class Amounts:
    """What the blocks on offer in an outline cost in one respect.

    Attributes:
        start: what every architecture costs at least: ends, and the cheapest block in each slot that is always used.
        bases: of each slot, its cheapest block; 0 where that is in ``start``.
        over: of each slot, what each of its blocks costs more than the cheapest.
        stages: the slots, stage by stage.
    """

    start: int
    bases: Mapping[Slot, int]
    over: Mapping[Slot, Array]
    stages: Sequence[StageSlots]

    @classmethod
    def of(cls, cost: Cost, ends: int, stages: Sequence[StageSlots], offers: Offers) -> Amounts:
        start, bases, over = ends, {}, {}
        for stage in stages:
            for index, slot in enumerate(stage.slots):
                amounts = np.array([cost.block(slot, block) for block in offers[slot]], np.int64)
                base = int(amounts.min())
                is_always_used = index < stage.repeats[0]
                start += base * is_always_used
                bases[slot], over[slot] = base * (not is_always_used), amounts - base
        return cls(start, bases, over, stages)

    @property
    def finest(self) -> int:
        """The largest unit that needs no rounding."""
        return math.gcd(*self.bases.values(), *(int(x) for over in self.over.values() for x in over)) or 1

    @property
    def most(self) -> int:
        """What the costliest architecture costs."""
        ends = (
            max(sum(self.bases[slot] + int(self.over[slot].max()) for slot in stage.slots[:n]) for n in stage.repeats)
            for stage in self.stages
        )
        return self.start + sum(ends)

    @property
    def largest(self) -> int:
        """The most that one block adds."""
        return max(self.bases[slot] + int(over.max()) for slot, over in self.over.items())

    def coarse(self, least: int) -> int:
        """The unit from ``least`` up to half as large again that rounds up by the least, on average."""
        over = np.concatenate([self.over[slot] for stage in self.stages for slot in stage.slots])
        units = np.unique(np.linspace(least, least + least // 2, UNITS).astype(np.int64))
        return int(units[np.argmin([(-over % unit).sum() for unit in units])])

    def steps(self, unit: int) -> dict[Slot, int]:
        """Of each slot, how many units its cheapest block adds; over a stage, they are rounded up but once."""
        found: dict[Slot, int] = {}
        for stage in self.stages:
            ends = [-(-base // unit) for base in np.cumsum([0, *(self.bases[slot] for slot in stage.slots)]).tolist()]
            found |= {slot: ends[n + 1] - ends[n] for n, slot in enumerate(stage.slots)}
        return found

    def excess(self, unit: int) -> int:
        """By how much an architecture may be priced too high, at most."""
        total = 0
        for stage in self.stages:
            blocks = np.cumsum([int((-self.over[slot] % unit).max()) for slot in stage.slots])
            bases = -np.cumsum([self.bases[slot] for slot in stage.slots]) % unit
            total += max(int(blocks[n - 1] + bases[n - 1]) for n in stage.repeats)
        return total


@dataclass(frozen=True)
class CountedSum:
    """A bound on a cost that adds up, in one outline, counted in a unit.

    Attributes:
        cells: of each slot, what each block on offer counts as.
        low, high: the counts allowed.
        excess: by how much an architecture may be priced too high, in the cost's own unit.
    """

    start: int
    unit: int
    cells: Mapping[Slot, Array]
    low: int
    high: int
    excess: int

    @classmethod
    def of(cls, bound: Bound, amounts: Amounts, unit: int, *, opened: bool) -> CountedSum:
        """The counts that only what keeps the bound has; or, ``opened``, all that everything that keeps it has."""
        steps, excess = amounts.steps(unit), amounts.excess(unit)
        cells = {slot: steps[slot] + -(-over // unit) for slot, over in amounts.over.items()}
        least, most = bound.low - amounts.start, bound.high - amounts.start
        low = max(0, -(-(least + excess * (not opened)) // unit)) if least > 0 else 0
        return cls(amounts.start, unit, cells, low, (most + excess * opened) // unit, excess)

    @classmethod
    def of_peak(cls, bound: Bound, offers: Offers) -> CountedSum:
        """How many blocks reach the lower end of a bound of peak memory; one has to."""
        reach = {
            slot: np.array([bound.cost.block(slot, block) >= bound.low for block in blocks], np.int64)
            for slot, blocks in offers.items()
        }
        return cls(0, 1, reach, 1, len(reach), 0)

    @property
    def radix(self) -> int:
        """Values that fit with one block more than is allowed."""
        return self.high + max(int(cells.max()) for cells in self.cells.values()) + 1
