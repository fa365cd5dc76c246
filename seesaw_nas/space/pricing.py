"""How the blocks of a space are priced under a budget: by one number for each, and the numbers add up.

Under a single bound, the number is the cost itself. Where several sums are bounded at once, it holds all of them as the
digits of a mixed radix (:mod:`seesaw_nas.space.chain`), so that tables have a cell for each combination. If that makes
more cells than :data:`CELLS`, costs are counted in coarser units and rounded up: nothing above a limit is ever priced
within it, but what lies within a few units of a limit may be left out. A bound of peak memory needs no cells: blocks
that exceed it are not on offer.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from seesaw_nas.architecture.spec import Block
from seesaw_nas.space.budget import Bound, Budget
from seesaw_nas.space.chain import Array, Chain, Digit, Menu, SlotRow
from seesaw_nas.space.costs import Cost
from seesaw_nas.space.definition import Space
from seesaw_nas.space.stages import Slot, StageSlots

CELLS = 2**21  # of the last tables of all outlines together
FEWEST = 2**12  # of the last table of one outline, however many there are
UNITS = 48  # tried for a cost that is rounded, up to half as large again as the cells ask for
Place = tuple[int, int]  # stage, index of the slot in it
Offers = dict[Slot, tuple[Block, ...]]


@dataclass(frozen=True)
class _Amounts:
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
    def of(cls, cost: Cost, ends: int, stages: Sequence[StageSlots], offers: Offers) -> _Amounts:
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
class _Sum:
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
    def of(cls, bound: Bound, amounts: _Amounts, unit: int, *, opened: bool) -> _Sum:
        """The counts that only what keeps the bound has; or, ``opened``, all that everything that keeps it has."""
        steps, excess = amounts.steps(unit), amounts.excess(unit)
        cells = {slot: steps[slot] + -(-over // unit) for slot, over in amounts.over.items()}
        least, most = bound.low - amounts.start, bound.high - amounts.start
        low = max(0, -(-(least + excess * (not opened)) // unit)) if least > 0 else 0
        return cls(amounts.start, unit, cells, low, (most + excess * opened) // unit, excess)

    @classmethod
    def of_peak(cls, bound: Bound, offers: Offers) -> _Sum:
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


class PricedOutline:
    """One outline of a space under a budget, with a price for each block on offer.

    Attributes:
        stages: the slots of each stage that have a block on offer.
        low, high: the prices allowed for a whole architecture.
        is_exact: whether no cost is rounded.
        loss: for each bounded sum by name, by how much an architecture may be priced too high, in that cost's unit.
    """

    def __init__(self, stages: Sequence[StageSlots], offers: Offers, sums: Mapping[Cost, _Sum]) -> None:
        """Join the sums, of which the last is that of the lead, into prices."""
        self.stages, self._offers = stages, offers
        *others, lead = sums.values()
        self.digits, place = list[Digit](), 1
        for one in others:
            self.digits.append(Digit(place, one.radix, one.low, one.high))
            place *= one.radix
        places = [*(digit.place for digit in self.digits), place]
        self._prices = {slot: np.zeros(len(blocks), np.int64) for slot, blocks in offers.items()}
        for one, at in zip(sums.values(), places, strict=True):
            for slot, prices in self._prices.items():
                prices += one.cells[slot] * at
        self._lead, self._place = lead, place
        self.low, self.high = lead.low * place, (lead.high + 1) * place - 1
        self.loss = {cost.name: one.excess for cost, one in sums.items()}
        self.is_exact = not any(self.loss.values())

    def chain(
        self,
        options: Mapping[Place, Sequence[Block]] | None = None,
        repeats: Mapping[int, Sequence[int]] | None = None,
    ) -> Chain[Block] | None:
        """The architectures of the outline, or only those with the given blocks and repeats; ``None`` without any.

        Args:
            options: blocks to choose from, by place, for slots that may not have all on offer.
            repeats: numbers of blocks to choose from, by stage.
        """
        rows = []
        for stage in self.stages:
            number = stage.slots[0].stage
            allowed = [n for n in stage.repeats if repeats is None or n in repeats.get(number, stage.repeats)]
            menus = list(self._menus(stage.slots[: max(allowed, default=0)], options or {}))
            if not (fitting := tuple(n for n in allowed if n <= len(menus))):
                return None
            rows.append(SlotRow(tuple(menus[: max(fitting)]), fitting))
        return Chain(rows, digits=self.digits)

    def _menus(self, slots: Sequence[Slot], options: Mapping[Place, Sequence[Block]]) -> Iterator[Menu[Block]]:
        """The menu of each slot, up to the first that has nothing on offer."""
        for slot in slots:
            chosen = options.get((slot.stage, slot.index))
            menu = self._every[slot] if chosen is None else self._menu(slot, chosen)
            if not len(menu):
                return
            yield menu

    @cached_property
    def _every(self) -> dict[Slot, Menu[Block]]:
        return {
            slot: Menu.of(zip(self._prices[slot].tolist(), blocks, strict=True))
            for slot, blocks in self._offers.items()
        }

    @cached_property
    def _by_block(self) -> dict[Slot, dict[Block, int]]:
        """The price of each block on offer, by slot."""
        return {
            slot: dict(zip(blocks, self._prices[slot].tolist(), strict=True)) for slot, blocks in self._offers.items()
        }

    def _menu(self, slot: Slot, blocks: Sequence[Block]) -> Menu[Block]:
        prices = self._by_block[slot]
        return Menu.of((prices[block], block) for block in blocks if block in prices)

    @property
    def count(self) -> int:
        """How many architectures are priced within the budget, exactly."""
        chain = self.chain()
        return 0 if chain is None else chain.counts([(self.low, self.high)])[0]

    def leads(self, prices: Array) -> Array:
        """What architectures of these prices cost at most by the budget's lead: (N,)."""
        return prices // self._place * self._lead.unit + self._lead.start

    def prices_within(self, low: int, high: int) -> tuple[int, int]:
        """The lowest and the highest price of what costs from ``low`` to ``high`` by the lead; empty if they cross."""
        first = max(0, -(-(low - self._lead.start) // self._lead.unit)) * self._place
        last = ((high - self._lead.start) // self._lead.unit + 1) * self._place - 1
        return max(self.low, first), min(self.high, last)

    def __iter__(self) -> Iterator[tuple[Slot, dict[Block, int]]]:
        """Each slot with the prices of its blocks on offer."""
        return iter(self._by_block.items())


class Pricing:
    """The outlines of a space under a budget.

    Attributes:
        lead: the bound over which draws are spread.
        outlines: priced, by index; ``None`` for one that has nothing within the budget for certain.
    """

    def __init__(
        self, space: Space, budget: Budget, lead: Bound | None = None, cells: int = CELLS, *, opened: bool = False
    ) -> None:
        """Price every block.

        Args:
            lead: by default the budget's own.
            cells: of the last tables of all outlines together, at most; at least :data:`FEWEST` for each.
            opened: whether limits are moved so far that all that keeps the budget is priced within them, and what
                breaks it by no more than :attr:`loss`, too.
        """
        self.lead = lead or budget.lead
        self._budget, self._opened = budget, opened
        self._space, self._cells_of_all = space, cells
        self._cells = max(cells // len(space.outlines), FEWEST)
        others = [bound for bound in budget.bounds if bound.cost != self.lead.cost]
        self._sums = [*(bound for bound in others if not bound.cost.is_peak), self.lead]
        self._peaks = [bound for bound in others if bound.cost.is_peak]
        self.outlines = [self._price(outline) for outline in range(len(space.outlines))]

    @property
    def count(self) -> int:
        """How many architectures are priced within the budget, exactly."""
        return sum(one.count for one in self.outlines if one is not None)

    @property
    def is_exact(self) -> bool:
        """Whether every architecture within the budget is priced within it, because no cost is rounded."""
        return all(one.is_exact for one in self.outlines if one is not None)

    @property
    def loss(self) -> dict[str, float]:
        """For each bounded sum by name, the share of its limit by which an architecture may be priced too high."""
        high = {bound.cost.name: bound.high for bound in self._sums}
        excess = [one.loss for one in self.outlines if one is not None]
        return {name: max((one.get(name, 0) for one in excess), default=0) / high[name] for name in high}

    def open(self) -> Pricing:
        """The same prices, within limits that let all pass that keeps the budget."""
        return Pricing(self._space, self._budget, self.lead, self._cells_of_all, opened=True)

    def _price(self, outline: int) -> PricedOutline | None:
        ends, amounts = self._space.ends(outline), dict[Cost, _Amounts]()
        if any(peak.cost.ends(ends) > peak.high for peak in self._peaks):
            return None
        offers = {slot: self._below_peaks(slot) for slot in self._space.slots(outline)}
        stages, used = list[StageSlots](), -1
        while used != (used := sum(map(len, offers.values()))):  # what is left out may make more of the rest impossible
            stages = list(self._stages(outline, offers))
            if not all(stage.repeats for stage in stages):
                return None
            offers = {slot: offers.get(slot, ()) for stage in stages for slot in stage.slots}
            for bound in self._sums:
                found = amounts[bound.cost] = _Amounts.of(bound.cost, bound.cost.ends(ends), stages, offers)
                if found.start > bound.high:
                    return None
            if len(self._sums) > 1:
                offers = {slot: self._affordable(slot, blocks, amounts) for slot, blocks in offers.items()}
        sums: dict[Cost, _Sum] = {
            peak.cost: _Sum.of_peak(peak, offers) for peak in self._peaks if peak.cost.ends(ends) < peak.low
        }
        binding = [bound for bound in self._sums if bound is self.lead or _limits(bound, amounts[bound.cost])]
        units = self._units(binding, amounts, math.prod(one.radix for one in sums.values()))
        sums |= {
            bound.cost: _Sum.of(bound, amounts[bound.cost], units[bound.cost], opened=self._opened) for bound in binding
        }
        return PricedOutline(stages, offers, sums)

    def _below_peaks(self, slot: Slot) -> tuple[Block, ...]:
        """The blocks of a slot that keep to the bounds of peak memory."""
        if not self._peaks:
            return self._space.options(slot)
        return tuple(
            block
            for block in self._space.options(slot)
            if all(peak.cost.block(slot, block) <= peak.high for peak in self._peaks)
        )

    def _affordable(self, slot: Slot, blocks: tuple[Block, ...], amounts: Mapping[Cost, _Amounts]) -> tuple[Block, ...]:
        """Those of a slot's blocks that leave enough for the cheapest of everything else."""
        room = np.ones(len(blocks), bool)
        for bound in self._sums:
            found = amounts[bound.cost]
            room &= found.start + found.bases[slot] + found.over[slot] <= bound.high
        return tuple(block for block, fits in zip(blocks, room.tolist(), strict=True) if fits)

    def _stages(self, outline: int, offers: Offers) -> Iterator[StageSlots]:
        """The stages of an outline, each up to its first slot that has nothing on offer."""
        for stage in self._space.stage_slots(outline):
            reach = next((n for n, slot in enumerate(stage.slots) if not offers.get(slot)), len(stage.slots))
            repeats = tuple(n for n in stage.repeats if n <= reach)
            yield StageSlots(stage.slots[: max(repeats, default=0)], repeats)

    def _units(self, bounds: Sequence[Bound], amounts: Mapping[Cost, _Amounts], taken: int) -> dict[Cost, int]:
        """The unit of each cost: the finest if all fit the cells, else coarser ones for those with the most cells."""
        exact = {bound.cost: (bound.high - amounts[bound.cost].start) // amounts[bound.cost].finest for bound in bounds}
        units, left = {}, self._cells / taken
        if len(bounds) == 1 and taken == 1:
            return {bounds[0].cost: amounts[bounds[0].cost].finest}
        order = sorted(bounds, key=lambda bound: exact[bound.cost])
        for number, bound in enumerate(order):
            share = max(1, int(left ** (1 / (len(order) - number))))
            span, finest = bound.high - amounts[bound.cost].start, amounts[bound.cost].finest
            fits = exact[bound.cost] < share
            units[bound.cost] = finest if fits else amounts[bound.cost].coarse(-(-max(span, 1) // share))
            left /= (span + amounts[bound.cost].largest * (bound is not self.lead)) // units[bound.cost] + 1
        return units


def _limits(bound: Bound, amounts: _Amounts) -> bool:
    """Whether a bound excludes anything."""
    return bound.low > amounts.start or bound.high < amounts.most
