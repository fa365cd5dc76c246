"""The architecture with the highest sum of scores within a budget, if every choice has a score of its own.

Scores and Multi-Adds both add up over the blocks, so a dynamic programme over the blocks finds the best sum at each
cost. All costs of an outline are multiples of one number. Where a limit holds at most :data:`EXACT` of these, the
result is exact (seesaw-digits: 18,750 at 600K). In a finer space, such as seesaw-cifar, each cost is rounded up to a
multiple of 1/4096 of the limit: the result is within the limit, but a better architecture within 1/4096 of it for each
block may be missed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.space.budget import Budget
from seesaw_nas.space.chain import Array
from seesaw_nas.space.definition import Space
from seesaw_nas.space.programme import Fill, Options, Programme
from seesaw_nas.space.stages import Slot

EXACT = 2**18  # a limit of at most so many different costs is not rounded; 0.2 s for the largest
CELLS = 2**12  # steps that a finer one is divided into


@dataclass(frozen=True)
class Scores:
    """The score of each choice, to be summed up over an architecture.

    Attributes:
        outlines: score of each outline of the space: of each width, unless head or stages may be chosen too.
        repeats: score of each allowed number of blocks, stage by stage; 0 of them is a stage that is absent.
        blocks: scores of the blocks that a slot allows, in the order of :meth:`Space.options`.
    """

    outlines: Array
    repeats: tuple[Array, ...]
    blocks: Callable[[Slot], Array]

    def total(self, space: Space, architecture: Architecture) -> float:
        """The sum over an architecture of the space."""
        outline, blocks, repeats = space.take_apart(architecture)
        total = float(self.outlines[outline])
        for i, (stage, n) in enumerate(zip(space.stages, repeats, strict=True)):
            total += float(self.repeats[i][stage.repeats.index(n)])
        for slot, block in blocks.items():
            total += float(self.blocks(slot)[space.number(slot, block)])
        return total


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
        self._slots = [list(space.slots(outline)) for outline in range(len(space.outlines))]
        self._options = {slot: space.options(slot) for slots in self._slots for slot in slots}
        self._costs = {slot: np.array([slot.macs(b) for b in blocks]) for slot, blocks in self._options.items()}
        self._units = [math.gcd(*(int(c) for slot in slots for c in self._costs[slot])) for slots in self._slots]
        self.exact = all(self._unit(outline, budget.high) == unit for outline, unit in enumerate(self._units))

    def _unit(self, outline: int, high: int) -> int:
        """What costs are counted in, in Multi-Adds."""
        left = max(high - self._space.fixed_macs(outline), 0)
        return self._units[outline] if left // self._units[outline] <= self._most else -(-left // CELLS)

    def best(self, scores: Scores, high: int, low: int = 0) -> Architecture | None:
        """The architecture with the highest sum whose Multi-Adds lie from ``low`` to ``high``, or ``None``.

        Where costs are rounded up, the result may lie below ``low`` by a thousandth or two.
        """
        found = [self._best_of_outline(outline, scores, low, high) for outline in range(len(self._space.outlines))]
        sums = [total for total, _ in found]
        outline = int(np.argmax(sums))
        if np.isneginf(sums[outline]):
            return None
        places = iter(self._slots[outline])
        blocks = []
        for stage, chosen in zip(self._space.outlines[outline].present, found[outline][1], strict=True):
            offered = [self._options[next(places)] for _ in range(self._space.stages[stage].max_repeats)]
            blocks.append([offered[n][which] for n, which in enumerate(chosen)])
        return self._space.build(outline, blocks)

    def _best_of_outline(self, outline: int, scores: Scores, low: int, high: int) -> tuple[float, list[list[int]]]:
        fixed, unit = self._space.fixed_macs(outline), self._unit(outline, high)
        start = self._start(outline, scores)
        if high <= fixed or np.isneginf(start):
            return -np.inf, []
        most = (high - fixed) // unit
        programme = Programme(self._fills(outline, scores, unit), most, start)
        first = max(0, -(-(low - fixed) // unit))
        if first > most and unit == self._units[outline]:
            return -np.inf, []  # the band lies between two costs
        first = min(first, most)
        cost = first + int(np.argmax(programme.sums[first:]))
        total = float(programme.sums[cost])
        return total, [] if np.isneginf(total) else programme.trace(cost)

    def _start(self, outline: int, scores: Scores) -> float:
        """The score of an outline and of the stages that are absent in it."""
        present = self._space.outlines[outline].present
        absent = (float(repeats[0]) for i, repeats in enumerate(scores.repeats) if i not in present)
        return float(scores.outlines[outline]) + sum(absent)

    def _fills(self, outline: int, scores: Scores, unit: int) -> list[Fill]:
        """The choices in each stage that is there."""
        places, fills = iter(self._slots[outline]), []
        for i in self._space.outlines[outline].present:
            stage = self._space.stages[i]
            slots = [next(places) for _ in range(stage.max_repeats)]
            options = [Options(-(-self._costs[slot] // unit), scores.blocks(slot)) for slot in slots]
            ends = scores.repeats[i][int(stage.is_optional) :]
            fills.append(Fill(options, stage.repeats_if_present, Options(np.zeros(len(ends), np.int64), ends)))
        return fills
