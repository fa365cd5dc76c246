"""Counting and drawing sequences of choices by their total cost.

A :class:`Chain` is a list of stages; a stage, a :class:`SlotRow`, is a list of slots, of which the first n are used,
for some n that the stage allows; a slot is a :class:`Menu` of options, each with a cost. Costs add up. For each slot, a
table holds how many ways of filling the chain up to that slot have each cost. With these tables

- the number of fillings whose cost lies in a band is a sum over the last table. It is exact: the recurrence runs modulo
  several coprime numbers, and the Chinese remainder theorem combines the results;
- a filling of a given cost is drawn by walking the tables backwards and making each choice in proportion to the number
  of fillings that lead to it, so every filling of that cost is equally likely and no draw is rejected. The weights are
  64-bit floats: probabilities have a relative error of about 1e-13.

Several sums are bounded at once by one number that holds them all, as digits of a mixed radix: the highest is told by
its place, each of the others is a :class:`Digit`. A radix leaves room for one more option beyond the limit, and after
each slot what is beyond it is dropped, so that no digit ever carries over into the next.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import numpy as np

from seesaw_nas.space.cost_counts import Array, CostCounts, Digit, Room, add_slot, sum_tables

Option = TypeVar("Option", bound=Hashable)


@dataclass(frozen=True)
class Menu(Generic[Option]):
    """The options of one slot, by cost.

    Attributes:
        costs: the distinct costs, ascending.
        options: for each cost, the options that have it.
    """

    costs: tuple[int, ...]
    options: tuple[tuple[Option, ...], ...]

    @classmethod
    def of(cls, priced: Iterable[tuple[int, Option]]) -> Menu[Option]:
        """The menu of these (cost, option) pairs; an option that occurs twice is kept once."""
        by_cost: dict[int, list[Option]] = {}
        for cost, option in priced:
            by_cost.setdefault(cost, []).append(option)
        costs = tuple(sorted(by_cost))
        return cls(costs, tuple(tuple(dict.fromkeys(by_cost[cost])) for cost in costs))

    @property
    def numbers(self) -> tuple[int, ...]:
        """How many options have each cost."""
        return tuple(map(len, self.options))

    def __len__(self) -> int:
        return sum(self.numbers)


@dataclass(frozen=True)
class SlotRow(Generic[Option]):
    """The slots of a stage, filled from the first on, and how many of them may be filled."""

    slots: tuple[Menu[Option], ...]
    repeats: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of ways to fill it."""
        return sum(math.prod(map(len, self.slots[:n])) for n in self.repeats)

    @property
    def cheapest(self) -> int:
        return min(sum(menu.costs[0] for menu in self.slots[:n]) for n in self.repeats)

    @property
    def costliest(self) -> int:
        return max(sum(menu.costs[-1] for menu in self.slots[:n]) for n in self.repeats)

    def least(self, digit: Digit) -> int:
        """The least sum that a digit may come to."""
        least = [min(map(digit.of, menu.costs)) for menu in self.slots[: max(self.repeats)]]
        return int(min(sum(least[:n]) for n in self.repeats))


class Chain(Generic[Option]):
    """Stages one after another, plus a fixed cost.

    Args:
        digits: sums that the costs hold beside the highest, from the lowest place on; with any, ``fixed`` is 0.
    """

    def __init__(self, stages: Sequence[SlotRow[Option]], fixed: int = 0, digits: Sequence[Digit] = ()) -> None:
        self.stages = tuple(stages)
        self.fixed = fixed
        self.digits = tuple(digits)

    @cached_property
    def size(self) -> int:
        """Number of fillings, whatever their cost."""
        return math.prod(stage.size for stage in self.stages)

    @cached_property
    def cheapest(self) -> int:
        return self.fixed + sum(stage.cheapest for stage in self.stages)

    @cached_property
    def costliest(self) -> int:
        return self.fixed + sum(stage.costliest for stage in self.stages)

    def _rooms(self, limit: int) -> list[Room]:
        """For each stage, the room up to its end, which leaves enough for the cheapest remaining stages."""
        rest, rests, rooms = 0, [0] * len(self.digits), list[Room]()
        for stage in reversed(self.stages):
            highest = tuple((digit, max(-1, digit.high - left)) for digit, left in zip(self.digits, rests, strict=True))
            rooms.append(Room(limit - self.fixed - rest, highest))
            rest += stage.cheapest
            rests = [left + stage.least(digit) for digit, left in zip(self.digits, rests, strict=True)]
        return rooms[::-1]

    def _holds(self, costs: Array) -> Array:
        """Which costs have all their digits within what is allowed at the end; the highest sum is not looked at."""
        held = np.ones(len(costs), bool)
        for digit in self.digits:
            values = digit.of(costs)
            held &= (digit.low <= values) & (values <= digit.high)
        return held

    def counts(self, bands: Sequence[tuple[int, int]]) -> list[int]:
        """The exact number of fillings whose cost lies in each band (low, high), both ends included."""
        high = min(max(high for _, high in bands), self.costliest)
        if high < self.cheapest:
            return [0] * len(bands)
        residues = []
        for modulus in (moduli := _moduli(self.size, self._fan())):
            last = self._last_table(high, modulus)
            residues.append([self._total(last, low, high) for low, high in bands])
        return [_chinese_remainder(list(column), moduli) for column in zip(*residues, strict=True)]

    def _total(self, last: CostCounts, low: int, high: int) -> int:
        band = last.band(low - self.fixed, high - self.fixed)
        ways = last.ways[band]
        if self.digits:
            ways = ways[self._holds(last.offset + last.unit * np.arange(band.start, band.start + len(ways)))]
        return sum(ways.tolist())

    def _fan(self) -> int:
        """An upper bound on the number of terms that one step of the recurrence adds up."""
        return max(max((len(menu) for menu in stage.slots), default=1) + len(stage.repeats) for stage in self.stages)

    def _last_table(self, limit: int, modulus: int) -> CostCounts:
        table = CostCounts(0, 1, np.ones(1, np.uint64))
        for stage, allowed in zip(self.stages, self._rooms(limit), strict=True):
            ends = []
            for n, menu in enumerate(stage.slots[: max(stage.repeats)], start=1):
                table = add_slot(table, menu.costs, menu.numbers, allowed, modulus)
                if n in stage.repeats:
                    ends.append(table)
            table = sum_tables(ends, allowed, modulus)
        return table

    def tables(self, limit: int, *, fair: bool = False) -> Tables[Option]:
        """The tables to draw from, for costs up to ``limit``; see :class:`Tables` for ``fair``."""
        return Tables(self, limit, fair)


class Tables(Generic[Option]):
    """The float tables of a chain, for drawing fillings of a cost up to a limit.

    Args:
        fair: fillings of one cost are as likely as if every choice were drawn evenly and independently. Otherwise they
            are equally likely, so nearly all draws are long ones, since every slot multiplies the number of fillings.
    """

    def __init__(self, chain: Chain[Option], limit: int, fair: bool = False) -> None:
        self.chain = chain
        self._starts: list[CostCounts] = []  # before each stage
        self._filled: list[dict[int, CostCounts]] = []  # in each stage, after its first n slots
        table = CostCounts(0, 1, np.ones(1))
        for stage, allowed in zip(chain.stages, chain._rooms(min(limit, chain.costliest)), strict=True):
            self._starts.append(table)
            filled: dict[int, CostCounts] = {}
            for n, menu in enumerate(stage.slots[: max(stage.repeats)], start=1):
                weight = 1 / len(menu) if fair else 1
                table = filled[n] = add_slot(table, menu.costs, menu.numbers, allowed, None, weight)
            self._filled.append(filled)
            table = sum_tables([filled[n] for n in stage.repeats], allowed, None)
        self._last_table = table
        self._menus = [[(np.array(m.costs), np.array(m.numbers, float)) for m in stage.slots] for stage in chain.stages]

    def costs(self, low: int, high: int) -> tuple[Array, Array]:
        """The costs from ``low`` to ``high`` that occur, ascending, and how many fillings have each, as floats.

        In fair tables the second array holds unnormalised probabilities instead.
        """
        last, fixed = self._last_table, self.chain.fixed
        band = last.band(low - fixed, high - fixed)
        indices = np.flatnonzero(last.ways[band])
        if self.chain.digits:
            indices = indices[self.chain._holds((indices + band.start) * last.unit + last.offset)]
        return (indices + band.start) * last.unit + last.offset + fixed, last.ways[band][indices]

    def draw(self, cost: int, rng: np.random.Generator) -> list[list[Option]]:
        """One filling of exactly this cost, which must be one of :meth:`costs`."""
        left = cost - self.chain.fixed
        filling: list[list[Option]] = []
        for i in reversed(range(len(self.chain.stages))):
            stage, filled = self.chain.stages[i], self._filled[i]
            n = _pick(stage.repeats, [float(filled[n].ways_at(np.array([left]))[0]) for n in stage.repeats], rng)
            chosen: list[Option] = []
            for slot in reversed(range(n)):
                before = filled[slot] if slot else self._starts[i]
                costs, times = self._menus[i][slot]
                which = _pick(range(len(costs)), before.ways_at(left - costs) * times, rng)
                options = stage.slots[slot].options[which]
                chosen.append(options[int(rng.integers(len(options)))])
                left -= int(costs[which])
            filling.append(chosen[::-1])
        assert left == 0, f"the tables left {left} to pay"
        return filling[::-1]

    def fillings(self, cost: int) -> Iterator[list[list[Option]]]:
        """Every filling of exactly this cost, which must be one of :meth:`costs`; each once, in a fixed order."""
        for filling, _ in self._fill(len(self.chain.stages), cost - self.chain.fixed):
            yield filling

    def _fill(self, stages: int, left: int) -> Iterator[tuple[list[list[Option]], int]]:
        """Every filling of the first ``stages`` that leaves 0 of ``left``, and what it leaves."""
        if not stages:
            yield [], left
            return
        i = stages - 1
        for n in self.chain.stages[i].repeats:
            if self._filled[i][n].ways_at(np.array([left]))[0]:
                for chosen, rest in self._fill_stage(i, n, left):
                    for before, nothing in self._fill(i, rest):
                        yield [*before, chosen], nothing

    def _fill_stage(self, i: int, n: int, left: int) -> Iterator[tuple[list[Option], int]]:
        """Every filling of the first ``n`` slots of stage ``i``, and what is left for the stages before it."""
        if not n:
            yield [], left
            return
        before = self._filled[i][n - 1] if n > 1 else self._starts[i]
        costs, _ = self._menus[i][n - 1]
        for which in np.flatnonzero(before.ways_at(left - costs)):
            for chosen, rest in self._fill_stage(i, n - 1, left - int(costs[which])):
                for option in self.chain.stages[i].slots[n - 1].options[which]:
                    yield [*chosen, option], rest


def draw_index(weights: Any, rng: np.random.Generator) -> int:
    """An index into the weights, each as likely as its weight says."""
    ends = np.cumsum(weights)
    return int(np.searchsorted(ends, rng.random() * ends[-1], side="right"))


def _pick(values: Sequence[int], weights: Any, rng: np.random.Generator) -> int:
    return values[draw_index(weights, rng)]


def _moduli(bound: int, fan: int) -> list[int]:
    """Pairwise coprime numbers with a product above ``bound``, small enough that ``fan`` times each fits 64 bits."""
    moduli: list[int] = []
    candidate = 2**64 // (fan + 1) - 1
    while math.prod(moduli) <= bound:
        if all(math.gcd(candidate, modulus) == 1 for modulus in moduli):
            moduli.append(candidate)
        candidate -= 1
    return moduli


def _chinese_remainder(residues: list[int], moduli: list[int]) -> int:
    """The number from 0 up to, and excluding, the product of the moduli that leaves these residues."""
    value, product = 0, 1
    for residue, modulus in zip(residues, moduli, strict=True):
        value += (residue - value) * pow(product, -1, modulus) % modulus * product
        product *= modulus
    return value
