"""The architecture with the highest sum of scores within a budget, if every choice has a score of its own.

Scores and Multi-Adds both add up over the blocks, so a dynamic programme over the blocks finds the best sum at each
cost. All costs of an outline are multiples of one number. Where a limit holds at most :data:`EXACT` of these, the
result is exact (seesaw-digits: 18,750 at 600K). In a finer space, such as seesaw-cifar, each cost is rounded up to a
multiple of 1/4096 of the limit: the result is within the limit, but a better architecture within 1/4096 of it for each
block may be missed. Where the budget bounds several costs, all of them are kept, in tables of :data:`JOINT` cells, each
cost rounded up as :mod:`seesaw_nas.space.pricing` does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.space.budget import Bound, Budget
from seesaw_nas.space.cost_counts import Array, Digit
from seesaw_nas.space.costs import MACS, Cost
from seesaw_nas.space.definition import Space
from seesaw_nas.space.pricing import CELLS as MOST_CELLS
from seesaw_nas.space.pricing import Pricing
from seesaw_nas.space.programme import Fill, Options, Programme
from seesaw_nas.space.stages import Slot, StageSlots

EXACT = 2**18  # a limit of at most so many different costs is not rounded; 0.2 s for the largest
CELLS = 2**12  # steps that a finer one is divided into
JOINT = 2**17  # cells for several costs at once; 0.1 s for each outline of seesaw-cifar


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


@dataclass(frozen=True)
class _Choices:
    """The blocks to choose from in one outline, and what they cost.

    Attributes:
        stages: the slots of each stage, and how many may be used.
        kept: of each slot, the indices of the blocks among all that the space offers.
        costs: of each slot, whole numbers, one for each of these.
        most: the highest sum of costs, with ``digits`` beside it.
    """

    stages: Sequence[StageSlots]
    kept: Mapping[Slot, Array]
    costs: Mapping[Slot, Array]
    first: int
    most: int
    digits: Sequence[Digit] = ()


class Additive:
    """Finds the best architecture of a space for given scores; made once and called with many scores.

    Attributes:
        exact: whether no cost is rounded, for limits up to the budget's upper end.
    """

    def __init__(self, space: Space, budget: Budget, *, front: Cost = MACS, rounds: bool = True) -> None:
        """Prepare the costs.

        Args:
            front: the cost that :meth:`best` takes limits of.
            rounds: whether costs may be rounded; otherwise a fine space takes seconds and some 100 MB a call.
        """
        self._space = space
        self._most = EXACT if rounds else math.inf
        bound = budget.of(front) or Bound(front, 0, space.costliest(front))
        self._joint: Pricing | None = None
        if any(other.cost != front for other in budget.bounds):
            self._joint = Pricing(space, budget, bound, JOINT * len(space.outlines) if rounds else MOST_CELLS)
            self.exact = self._joint.is_exact
            return
        self._ends = [front.ends(space.ends(outline)) for outline in range(len(space.outlines))]
        self._stages = [list(space.stage_slots(outline)) for outline in range(len(space.outlines))]
        slots = {slot for stages in self._stages for stage in stages for slot in stage.slots}
        self._costs = {slot: np.array([front.block(slot, block) for block in space.options(slot)]) for slot in slots}
        self._units = [
            math.gcd(*(int(c) for stage in stages for slot in stage.slots for c in self._costs[slot]))
            for stages in self._stages
        ]
        self.exact = all(self._unit(outline, bound.high) == unit for outline, unit in enumerate(self._units))

    def _unit(self, outline: int, high: int) -> int:
        """What costs are counted in."""
        left = max(high - self._ends[outline], 0)
        return self._units[outline] if left // self._units[outline] <= self._most else -(-left // CELLS)

    def best(self, scores: Scores, high: int, low: int = 0) -> Architecture | None:
        """The architecture with the highest sum that costs from ``low`` to ``high`` and keeps the budget, or ``None``.

        Where costs are rounded up, the result may lie below ``low`` by a thousandth or two.
        """
        found = [self._best_of_outline(outline, scores, low, high) for outline in range(len(self._space.outlines))]
        outline = int(np.argmax([total for total, _ in found]))
        total, blocks = found[outline]
        return None if np.isneginf(total) else self._space.build(outline, blocks)

    def _best_of_outline(self, outline: int, scores: Scores, low: int, high: int) -> tuple[float, list[list[Block]]]:
        """The highest sum, -inf without any, and the blocks that have it."""
        choices, start = self._choices(outline, low, high), self._start(outline, scores)
        if choices is None or np.isneginf(start):
            return -np.inf, []
        programme = Programme(self._fills(choices, scores), choices.most, start, choices.digits)
        sums = programme.sums[choices.first :]
        cost = choices.first + int(np.argmax(sums))
        total = float(programme.sums[cost])
        if np.isneginf(total):
            return total, []
        blocks = []
        for stage, chosen in zip(choices.stages, programme.trace(cost), strict=True):
            picked = zip(stage.slots, chosen, strict=False)
            blocks.append([self._space.options(slot)[choices.kept[slot][which]] for slot, which in picked])
        return total, blocks

    def _choices(self, outline: int, low: int, high: int) -> _Choices | None:
        """What there is to choose from within these limits; ``None`` if nothing is."""
        if self._joint is not None:
            priced = self._joint.outlines[outline]
            if priced is None:
                return None
            first, most = priced.prices_within(low, high)
            kept = {slot: np.array([self._space.number(slot, b) for b in prices]) for slot, prices in priced}
            costs = {slot: np.array(list(prices.values())) for slot, prices in priced}
            return _Choices(priced.stages, kept, costs, first, most, priced.digits) if first <= most else None
        fixed, unit = self._ends[outline], self._unit(outline, high)
        if high <= fixed:
            return None
        most, first = (high - fixed) // unit, max(0, -(-(low - fixed) // unit))
        if first > most and unit == self._units[outline]:
            return None  # the band lies between two costs
        stages = self._stages[outline]
        slots = [slot for stage in stages for slot in stage.slots]
        kept = {slot: np.arange(len(self._costs[slot])) for slot in slots}
        costs = {slot: -(-self._costs[slot] // unit) for slot in slots}
        return _Choices(stages, kept, costs, min(first, most), most)

    def _start(self, outline: int, scores: Scores) -> float:
        """The score of an outline and of the stages that are absent in it."""
        present = self._space.outlines[outline].present
        absent = (float(repeats[0]) for i, repeats in enumerate(scores.repeats) if i not in present)
        return float(scores.outlines[outline]) + sum(absent)

    def _fills(self, choices: _Choices, scores: Scores) -> list[Fill]:
        """The choices in each stage that is there."""
        fills = []
        for stage in choices.stages:
            options = [Options(choices.costs[slot], scores.blocks(slot)[choices.kept[slot]]) for slot in stage.slots]
            number = stage.slots[0].stage
            ends = np.array(
                [scores.repeats[number][self._space.stages[number].repeats.index(n)] for n in stage.repeats]
            )
            fills.append(Fill(options, stage.repeats, Options(np.zeros(len(ends), np.int64), ends)))
        return fills
