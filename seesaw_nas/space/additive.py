"""The architecture with the highest sum of scores within a budget, if every choice has a score of its own.

Scores and Multi-Adds both add up over the blocks, so a dynamic programme over the blocks finds the best sum at each
cost. Each cost is rounded up to a multiple of 1/1024 of the budget, so the result is always within the budget; an
architecture within a few thousandths of the limit may be missed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.space.budget import Budget
from seesaw_nas.space.chain import Array
from seesaw_nas.space.definition import Slot, Space

CELLS = 1024  # steps that a budget is divided into


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
    """Finds the best architecture of a space for given scores; made once and called with many scores."""

    def __init__(self, space: Space, budget: Budget) -> None:
        self._space = space
        self._budget = budget
        self._slots = [list(space.slots(width)) for width in range(space.widths)]
        self._options = {slot: space.options(slot) for slots in self._slots for slot in slots}
        self._costs = {slot: np.array([slot.macs(b) for b in blocks]) for slot, blocks in self._options.items()}

    def best(self, scores: Scores, high: int, low: int = 0) -> Architecture | None:
        """The architecture with the highest sum whose Multi-Adds lie from ``low`` to ``high``, or ``None``.

        Because costs are rounded up, the result may lie below ``low`` by a few thousandths.
        """
        best_of_width = [self._best_of_width(width, scores, low, high) for width in range(self._space.widths)]
        sums = [total for total, _ in best_of_width]
        width = int(np.argmax(sums))
        return None if np.isneginf(sums[width]) else self._space.build(width, best_of_width[width][1])

    def _best_of_width(self, width: int, scores: Scores, low: int, high: int) -> tuple[float, list[list[Block]]]:
        left = high - self._space.fixed_macs(width)
        if left <= 0:
            return -np.inf, []
        unit = -(-left // CELLS)
        sums = np.full(left // unit + 1, -np.inf)
        sums[0] = scores.width[width]
        history: list[list[Any]] = []
        place = iter(self._slots[width])
        for stage, repeats in zip(self._space.stages, scores.repeats, strict=True):
            steps, best = [(sums, np.zeros(0), np.zeros(0))], np.full_like(sums, -np.inf)
            for n in range(1, stage.max_repeats + 1):
                slot = next(place)
                costs, gains = -(-self._costs[slot] // unit), scores.blocks(slot)
                sums = _add_choice(sums, costs, gains)
                steps.append((sums, costs, gains))
                if n in stage.repeats:
                    best = np.maximum(best, sums + repeats[stage.repeats.index(n)])
            history.append(steps)
            sums = best
        first = min(max(0, -(-(low - self._space.fixed_macs(width)) // unit)), len(sums) - 1)
        index = first + int(np.argmax(sums[first:]))
        return float(sums[index]), self._trace_back(width, scores, history, sums, index)

    def _trace_back(
        self, width: int, scores: Scores, history: list[list[Any]], sums: Array, index: int
    ) -> list[list[Block]]:
        """The choices that led to the sum at ``index``, from the last stage back to the first."""
        if np.isneginf(sums[index]):
            return []
        blocks: list[list[Block]] = []
        slots = {(slot.stage, slot.index): slot for slot in self._slots[width]}
        for i in reversed(range(len(history))):
            stage, steps = self._space.stages[i], history[i]
            ends = [steps[n][0][index] + score for n, score in zip(stage.repeats, scores.repeats[i], strict=True)]
            chosen: list[Block] = []
            for n in range(stage.repeats[int(np.argmax(ends))], 0, -1):
                _, costs, gains = steps[n]
                before = np.where(costs <= index, steps[n - 1][0][np.maximum(index - costs, 0)] + gains, -np.inf)
                which = int(np.argmax(before))
                chosen.append(self._options[slots[i, n - 1]][which])
                index -= int(costs[which])
            blocks.append(chosen[::-1])
        return blocks[::-1]


def _add_choice(sums: Array, costs: Array, gains: Array) -> Array:
    """The best sum at each cost after one more choice."""
    best = np.full_like(sums, -np.inf)
    order = np.lexsort((-gains, costs))
    firsts = order[np.unique(costs[order], return_index=True)[1]]  # the best option of each cost
    for cost, gain in zip(costs[firsts].tolist(), gains[firsts].tolist(), strict=True):
        if cost < len(sums):
            np.maximum(best[cost:], sums[: len(sums) - cost] + gain, out=best[cost:])
    return best
