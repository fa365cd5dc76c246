"""Tables of how many ways there are to reach each cost, and what they take: one more slot, or a choice between tables.

Counts are modulo a number, so that they are exact, or floats. What costs more than a :class:`Room` allows is dropped. A
cost may hold several sums, see :mod:`seesaw_nas.space.chain`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Digit:
    """One of several sums that a cost holds.

    Attributes:
        place: what 1 of it adds to the cost.
        radix: how many values it may have before it would carry over; the next place is ``place * radix``.
        low, high: the sums allowed at the end, both included.
    """

    place: int
    radix: int
    low: int
    high: int

    def of(self, costs: Array | int) -> Any:
        """Its value in each cost."""
        return costs // self.place % self.radix


@dataclass(frozen=True)
class Room:
    """What a sum may be after some stage, so that the cheapest remaining stages still fit.

    Attributes:
        high: the highest cost.
        digits: each digit of it, and its highest value.
    """

    high: int
    digits: tuple[tuple[Digit, int], ...] = ()

    def clear(self, ways: Array, offset: int, unit: int, nothing: float = 0) -> None:
        """Set to ``nothing`` what has a digit above its highest value, in place."""
        for digit, highest in self.digits:
            if unit != 1:
                ways[digit.of(offset + unit * np.arange(len(ways))) > highest] = nothing
                continue
            period, allowed = digit.place * digit.radix, digit.place * (highest + 1)
            first = offset % period
            head = ways[: (period - first) % period]  # up to the first cost whose digit is 0
            head[max(0, allowed - first) :] = nothing
            body = ways[len(head) :]
            whole = len(body) // period * period
            body[:whole].reshape(-1, period)[:, allowed:] = nothing
            body[whole:][allowed:] = nothing


@dataclass(frozen=True)
class CostCounts:
    """How many ways have each cost: ``ways[i]`` for the cost ``offset + i * unit``."""

    offset: int
    unit: int
    ways: Array

    def ways_at(self, costs: Array) -> Array:
        """The number of ways for each of these costs; 0 for a cost that is not in the table."""
        if not len(self.ways):
            return np.zeros(len(costs))
        steps, rest = np.divmod(costs - self.offset, self.unit)
        inside = (rest == 0) & (steps >= 0) & (steps < len(self.ways))
        return np.where(inside, self.ways[np.where(inside, steps, 0)], 0)

    def band(self, low: int, high: int) -> slice:
        """The indices whose cost lies from ``low`` to ``high``, both included."""
        first = max(0, -((self.offset - low) // self.unit))
        last = (high - self.offset) // self.unit
        return slice(first, max(first, min(last + 1, len(self.ways))))


def sum_tables(tables: Sequence[CostCounts], room: Room, modulus: int | None) -> CostCounts:
    """The table for a choice between the fillings that these tables count."""
    limit = room.high
    if len(tables) == 1:
        return tables[0]
    offset = min(table.offset for table in tables)
    unit = math.gcd(*(table.offset - offset for table in tables), *(t.unit for t in tables if len(t.ways) > 1)) or 1
    top = max(table.offset + (len(table.ways) - 1) * table.unit for table in tables)
    ways = np.zeros((min(top, limit) - offset) // unit + 1 if limit >= offset else 0, tables[0].ways.dtype)
    for table in tables:
        _add(ways, table.ways, (table.offset - offset) // unit, table.unit // unit or 1, 1)
    return CostCounts(offset, unit, _reduce(ways, modulus))


def add_slot(
    table: CostCounts, costs: Sequence[int], options: Sequence[int], room: Room, modulus: int | None, weight: float = 1
) -> CostCounts:
    """The table after one more slot; what has no room is dropped.

    Args:
        costs: the distinct costs of the slot's options, ascending.
        options: how many options have each, of which every one counts as ``weight``.
    """
    base, limit = costs[0], room.high
    offset = table.offset + base
    unit = math.gcd(table.unit if len(table.ways) > 1 else 0, *(cost - base for cost in costs)) or 1
    top = min(offset + (len(table.ways) - 1) * table.unit + costs[-1] - base, limit)
    ways = np.zeros((top - offset) // unit + 1 if top >= offset else 0, table.ways.dtype)
    for cost, number in zip(costs, options, strict=True):
        _add(ways, table.ways, (cost - base) // unit, table.unit // unit or 1, weight * number)
    room.clear(ways, offset, unit)
    return CostCounts(offset, unit, _reduce(ways, modulus))


def _add(target: Array, source: Array, start: int, stride: int, times: float) -> None:
    """Add ``times * source`` to every ``stride``-th element of ``target`` from ``start`` on, up to its end."""
    view = target[start::stride][: len(source)] if start < len(target) else target[:0]
    view += source[: len(view)] if times == 1 else source[: len(view)] * source.dtype.type(times)


def _reduce(ways: Array, modulus: int | None) -> Array:
    return ways if modulus is None else ways % np.uint64(modulus)
