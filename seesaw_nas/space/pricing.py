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
from functools import cached_property

import numpy as np

from seesaw_nas.architecture.spec import Block
from seesaw_nas.space.amounts import Amounts, CountedSum, Offers
from seesaw_nas.space.budget import Bound, Budget
from seesaw_nas.space.chain import Chain, Menu, SlotRow, Tables
from seesaw_nas.space.cost_counts import Array, Digit
from seesaw_nas.space.costs import Cost
from seesaw_nas.space.definition import Space
from seesaw_nas.space.stages import Slot, StageSlots

CELLS = 2**21  # of the last tables of all outlines together
FEWEST = 2**12  # of the last table of one outline, however many there are
Place = tuple[int, int]  # stage, index of the slot in it


class PricedOutline:
    """One outline of a space under a budget, with a price for each block on offer.

    Attributes:
        stages: the slots of each stage that have a block on offer.
        low, high: the prices allowed for a whole architecture.
        is_exact: whether no cost is rounded.
        loss: for each bounded sum by name, by how much an architecture may be priced too high, in that cost's unit.
    """

    def __init__(self, stages: Sequence[StageSlots], offers: Offers, sums: Mapping[Cost, CountedSum]) -> None:
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

    def fill(self, chain: Chain[Block] | None, *, fair: bool = False) -> tuple[Tables[Block], Array, Array] | None:
        """The tables to draw from a chain of this outline, the prices within the budget that occur, and their ways.

        Returns:
            ``None`` if nothing fits.
        """
        if chain is None or chain.cheapest > self.high or chain.costliest < self.low:
            return None
        tables = chain.tables(self.high, fair=fair)
        prices, ways = tables.costs(self.low, self.high)
        return (tables, prices, ways) if len(prices) else None

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
        ends, amounts = self._space.ends(outline), dict[Cost, Amounts]()
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
                found = amounts[bound.cost] = Amounts.of(bound.cost, bound.cost.ends(ends), stages, offers)
                if found.start > bound.high:
                    return None
            if len(self._sums) > 1:
                offers = {slot: self._affordable(slot, blocks, amounts) for slot, blocks in offers.items()}
        sums: dict[Cost, CountedSum] = {
            peak.cost: CountedSum.of_peak(peak, offers) for peak in self._peaks if peak.cost.ends(ends) < peak.low
        }
        binding = [bound for bound in self._sums if bound is self.lead or _limits(bound, amounts[bound.cost])]
        units = self._units(binding, amounts, math.prod(one.radix for one in sums.values()))
        sums |= {
            bound.cost: CountedSum.of(bound, amounts[bound.cost], units[bound.cost], opened=self._opened)
            for bound in binding
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

    def _affordable(self, slot: Slot, blocks: tuple[Block, ...], amounts: Mapping[Cost, Amounts]) -> tuple[Block, ...]:
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

    def _units(self, bounds: Sequence[Bound], amounts: Mapping[Cost, Amounts], taken: int) -> dict[Cost, int]:
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


def _limits(bound: Bound, amounts: Amounts) -> bool:
    """Whether a bound excludes anything."""
    return bound.low > amounts.start or bound.high < amounts.most
