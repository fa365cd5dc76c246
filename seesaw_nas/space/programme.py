"""The best sum of gains at each sum of costs, where every choice has a gain and a cost of its own.

Stages are filled one after another; of a stage's slots the first n are used, for some n that it allows. A dynamic
programme over the slots keeps, for each cost, the best gain with exactly that cost. Costs are whole numbers, so the
result is exact; a caller with finer costs rounds them first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seesaw_nas.space.cost_counts import Array, Digit, Room


@dataclass(frozen=True)
class Options:
    """The options of one choice.

    Attributes:
        costs: whole numbers from 0 on, (options,).
        gains: numbers to be summed up, (options,).
    """

    costs: Array
    gains: Array


@dataclass(frozen=True)
class Fill:
    """The choices of a stage.

    Attributes:
        slots: the options of each slot, from the first to the last.
        repeats: how many slots may be used.
        ends: cost and gain of each of these numbers, besides those of the slots.
    """

    slots: Sequence[Options]
    repeats: Sequence[int]
    ends: Options


class Programme:
    """The best sums of a sequence of stages, and the choices that lead to them.

    Attributes:
        sums: the best sum of gains for each cost from 0 to ``most``, -inf where no filling has that cost.
    """

    def __init__(self, fills: Sequence[Fill], most: int, start: float = 0.0, digits: Sequence[Digit] = ()) -> None:
        """Compute the sums; ``start`` is added to all of them, and ``digits`` of costs are kept within their ends."""
        self._fills = fills
        room = Room(most, tuple((digit, digit.high) for digit in digits))
        self._steps: list[list[Array]] = []  # of each stage, the sums before it and after each of its slots
        sums = np.array([start])
        for fill in fills:
            steps = [sums]
            for options in fill.slots[: max(fill.repeats)]:
                steps.append(_add_choice(steps[-1], options, most))
                room.clear(steps[-1], 0, 1, -np.inf)
            self._steps.append(steps)
            sums = self._end(fill, steps, most)
        self.sums = np.full(most + 1, -np.inf)
        self.sums[: len(sums)] = sums
        for digit in digits:
            self.sums[digit.of(np.arange(most + 1)) < digit.low] = -np.inf

    @staticmethod
    def _end(fill: Fill, steps: list[Array], most: int) -> Array:
        tops = [len(steps[n]) + int(cost) for n, cost in zip(fill.repeats, fill.ends.costs, strict=True)]
        best = np.full(min(max(tops), most + 1), -np.inf)
        for n, cost, gain in zip(fill.repeats, fill.ends.costs.tolist(), fill.ends.gains.tolist(), strict=True):
            _raise_to(best, steps[n], cost, gain)
        return best

    def trace(self, cost: int) -> list[list[int]]:
        """The indices of the options chosen for the best sum at a cost that has one, stage by stage."""
        chosen: list[list[int]] = []
        for fill, steps in zip(reversed(self._fills), reversed(self._steps), strict=True):
            ends = [
                _at(steps[n], np.array([cost - end]))[0] + gain
                for n, end, gain in zip(fill.repeats, fill.ends.costs.tolist(), fill.ends.gains.tolist(), strict=True)
            ]
            last = int(np.argmax(ends))
            cost -= int(fill.ends.costs[last])
            picks: list[int] = []
            for n in range(fill.repeats[last], 0, -1):
                options = fill.slots[n - 1]
                which = int(np.argmax(_at(steps[n - 1], cost - options.costs) + options.gains))
                picks.append(which)
                cost -= int(options.costs[which])
            chosen.append(picks[::-1])
        return chosen[::-1]


def _at(sums: Array, costs: Array) -> Array:
    """The sums at these costs; -inf for a cost that the array does not reach."""
    inside = (costs >= 0) & (costs < len(sums))
    return np.where(inside, sums[np.where(inside, costs, 0)], -np.inf)


def _add_choice(sums: Array, options: Options, most: int) -> Array:
    """The best sum at each cost up to ``most`` after one more choice."""
    best = np.full(min(len(sums) + int(options.costs.max()), most + 1), -np.inf)
    order = np.lexsort((-options.gains, options.costs))
    firsts = order[np.unique(options.costs[order], return_index=True)[1]]  # the best option of each cost
    for cost, gain in zip(options.costs[firsts].tolist(), options.gains[firsts].tolist(), strict=True):
        _raise_to(best, sums, cost, gain)
    return best


def _raise_to(best: Array, sums: Array, cost: int, gain: float) -> None:
    """Take over where ``sums``, moved up by a cost and a gain, are better; in place."""
    view = best[cost : cost + len(sums)]
    np.maximum(view, sums[: len(view)] + gain, out=view)
