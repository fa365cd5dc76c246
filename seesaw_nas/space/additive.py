"""The architecture with the highest sum of scores within a budget, if every choice has a score of its own.

Scores and Multi-Adds both add up over the blocks, so a dynamic programme over the blocks finds the best sum at each
cost. All costs of a width are multiples of one number. Where a limit holds at most :data:`EXACT` of these, the result
is exact (seesaw-digits: 18,750 at 600K). In a finer space, such as seesaw-cifar, each cost is rounded up to a multiple
of 1/4096 of the limit: the result is within the limit, but a better architecture within 1/4096 of it for each block may
be missed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.space.budget import Budget
from seesaw_nas.space.chain import Array
from seesaw_nas.space.definition import Slot, Space
from seesaw_nas.space.programme import Fill, Options, Programme

EXACT = 2**18  # a limit of at most so many different costs is not rounded; 0.2 s for the largest
CELLS = 2**12  # steps that a finer one is divided into


@dataclass(frozen=True)
class Scores:
    """The score of each choice, to be summed up over an architecture.

    Attributes:
        width: score of each width of the space.
        repeats: score of each allowed number of blocks, stage by stage.
        blocks: scores of the blocks that a slot allows, in the order of :meth:`Space.options`.
    """

    width: Array
    repeats: tuple[Array, ...]
    blocks: Callable[[Slot], Array]


class Additive:
    """Finds the best architecture of a space for given scores; made once and called with many scores.

    Attributes:
        exact: whether no cost is rounded, for limits up to the budget's upper end.
    """

    def __init__(self, space: Space, budget: Budget, *, rounds: bool = True) -> None:
        """Prepare the costs.

        Args:
            rounds: whether costs may be rounded; otherwise a fine space takes seconds and some 100 MB a call.
        """
        self._space = space
        self._most = EXACT if rounds else math.inf
        self._slots = [list(space.slots(width)) for width in range(space.widths)]
        self._options = {slot: space.options(slot) for slots in self._slots for slot in slots}
        self._costs = {slot: np.array([slot.macs(b) for b in blocks]) for slot, blocks in self._options.items()}
        self._units = [math.gcd(*(int(c) for slot in slots for c in self._costs[slot])) for slots in self._slots]
        self.exact = all(self._unit(width, budget.high) == unit for width, unit in enumerate(self._units))

    def _unit(self, width: int, high: int) -> int:
        """What costs are counted in, in Multi-Adds."""
        left = max(high - self._space.fixed_macs(width), 0)
        return self._units[width] if left // self._units[width] <= self._most else -(-left // CELLS)

    def best(self, scores: Scores, high: int, low: int = 0) -> Architecture | None:
        """The architecture with the highest sum whose Multi-Adds lie from ``low`` to ``high``, or ``None``.

        Where costs are rounded up, the result may lie below ``low`` by a thousandth or two.
        """
        found = [self._best_of_width(width, scores, low, high) for width in range(self._space.widths)]
        sums = [total for total, _ in found]
        width = int(np.argmax(sums))
        if np.isneginf(sums[width]):
            return None
        places = iter(self._slots[width])
        blocks = []
        for stage, chosen in zip(self._space.stages, found[width][1], strict=True):
            offered = [self._options[next(places)] for _ in range(stage.max_repeats)]
            blocks.append([offered[n][which] for n, which in enumerate(chosen)])
        return self._space.build(width, blocks)

    def _best_of_width(self, width: int, scores: Scores, low: int, high: int) -> tuple[float, list[list[int]]]:
        fixed, unit = self._space.fixed_macs(width), self._unit(width, high)
        if high <= fixed:
            return -np.inf, []
        most = (high - fixed) // unit
        places = iter(self._slots[width])
        fills = []
        for stage, repeats in zip(self._space.stages, scores.repeats, strict=True):
            slots = [next(places) for _ in range(stage.max_repeats)]
            options = [Options(-(-self._costs[slot] // unit), scores.blocks(slot)) for slot in slots]
            fills.append(Fill(options, stage.repeats, Options(np.zeros(len(repeats), np.int64), repeats)))
        programme = Programme(fills, most, float(scores.width[width]))
        first = max(0, -(-(low - fixed) // unit))
        if first > most and unit == self._units[width]:
            return -np.inf, []  # the band lies between two costs
        first = min(first, most)
        cost = first + int(np.argmax(programme.sums[first:]))
        total = float(programme.sums[cost])
        return total, [] if np.isneginf(total) else programme.trace(cost)
