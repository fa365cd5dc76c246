"""The part of a space that a budget allows: counted exactly, drawn from and moved in without a rejection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.core.errors import BudgetError, SpaceError
from seesaw_nas.core.units import format_large
from seesaw_nas.space.budget import Budget
from seesaw_nas.space.chain import Array, Chain, Tables
from seesaw_nas.space.definition import Space

T = TypeVar("T")
MOST_DRAWABLE = 10**300  # 64-bit floats end near 1.8e308
Position = tuple[int, int]  # stage, index of the block in it


@dataclass(frozen=True)
class Feasible:
    """All architectures of a space whose Multi-Adds lie in a budget. There is at least one, or it cannot be made.

    Raises:
        BudgetError: no architecture fits; the cheapest and the costliest are named.
        SpaceError: the space is larger than the 64-bit floats of the tables can count.
    """

    space: Space
    budget: Budget

    @classmethod
    def of(cls, space: Space, budget: str) -> Feasible:
        """The architectures that fit a budget written like ``110M``, ``100M:110M`` or ``60%``, to count and draw from.

        Raises:
            UnitError: an end of it is no number of Multi-Adds.
            BudgetError: none fits, or the ends are in the wrong order.
            SpaceError: the space is too large to draw from.
        """
        return cls(space, space.budget(budget))

    def __post_init__(self) -> None:
        if self.space.size > MOST_DRAWABLE:
            raise SpaceError(
                f"space '{self.space.name}' holds {format_large(self.space.size)} architectures, more than the "
                f"{format_large(MOST_DRAWABLE)} that can be drawn from; offer fewer repeats or fewer choices"
            )
        if not any(len(costs) for costs, _ in self._costs):
            raise BudgetError(_explain_no_fit(self.space, self.budget))

    @cached_property
    def _tables(self) -> tuple[Tables[Block], ...]:
        return tuple(chain.tables(self.budget.high) for chain in self.space.chains)

    @cached_property
    def _fair_tables(self) -> tuple[Tables[Block], ...]:
        return tuple(chain.tables(self.budget.high, fair=True) for chain in self.space.chains)

    @cached_property
    def _costs(self) -> tuple[tuple[Array, Array], ...]:
        return tuple(tables.costs(self.budget.low, self.budget.high) for tables in self._tables)

    @cached_property
    def count(self) -> int:
        """How many architectures fit, exactly."""
        return self.counts([self.budget])[0]

    def counts(self, budgets: list[Budget]) -> list[int]:
        """How many architectures of the space fit each budget, exactly, none of them above this one."""
        bands = [(budget.low, budget.high) for budget in budgets]
        return [sum(column) for column in zip(*(chain.counts(bands) for chain in self.space.chains), strict=True)]

    @cached_property
    def cheapest_macs(self) -> int:
        return min(int(costs[0]) for costs, _ in self._costs if len(costs))

    @cached_property
    def costliest_macs(self) -> int:
        return max(int(costs[-1]) for costs, _ in self._costs if len(costs))

    @cached_property
    def median_macs(self) -> int:
        """The Multi-Adds that half of the architectures that fit do not exceed."""
        costs = np.concatenate([costs for costs, _ in self._costs])
        ways = np.concatenate([ways for _, ways in self._costs])
        order = np.argsort(costs, kind="stable")
        ends = np.cumsum(ways[order])
        return int(costs[order][np.searchsorted(ends, ends[-1] / 2)])

    def draw(self, rng: np.random.Generator) -> Architecture:
        """One architecture, each equally likely."""
        totals = np.array([ways.sum() for _, ways in self._costs])
        width = _index(totals, rng)
        costs, ways = self._costs[width]
        return self._draw_at(width, int(costs[_index(ways, rng)]), rng)

    def draw_even(self, rng: np.random.Generator) -> Architecture:
        """One architecture, its Multi-Adds evenly spread over the budget.

        A width of those that fit is drawn evenly, then a point of the budget, and of the architectures whose
        Multi-Adds come nearest to it one, each equally likely.
        """
        return self._draw_nearest(self._tables, rng)

    def draw_fair(self, rng: np.random.Generator) -> Architecture:
        """As :meth:`draw_even`, but of the nearest each is as likely as if all its choices were made evenly.

        So a stage has each number of repeats equally often, as far as the budget allows. Where all architectures are
        equally likely, most have the most repeats, for there are more of these.
        """
        return self._draw_nearest(self._fair_tables, rng)

    def _draw_nearest(self, tables: tuple[Tables[Block], ...], rng: np.random.Generator) -> Architecture:
        width = int(rng.choice([i for i, (costs, _) in enumerate(self._costs) if len(costs)]))
        costs, _ = self._costs[width]
        target = rng.uniform(max(self.budget.low, costs[0]), min(self.budget.high, costs[-1]))
        above = int(np.searchsorted(costs, target))
        near = costs[max(0, above - 1) : above + 1]
        macs = int(near[np.argmin(np.abs(near - target))])
        return self.space.build(width, tables[width].draw(macs, rng))

    def _draw_at(self, width: int, macs: int, rng: np.random.Generator) -> Architecture:
        return self.space.build(width, self._tables[width].draw(macs, rng))

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour within the budget: one choice is made anew, and others only as far as the budget demands.

        The choice is a block or a stage's repeats, drawn evenly. Where no value but its present one fits the budget,
        one, three, seven ... further blocks, drawn evenly, are made anew with it, each outcome equally likely. Only
        where the budget allows no other architecture of this width does the same one come back.
        """
        width, kept, repeats = self._take_apart(architecture)
        for target in _shuffle([*kept, *range(len(repeats))], rng):
            for freed in self._growing_sets(target, kept, rng):
                chain = self._reopen(width, kept, repeats, target, freed)
                if chain is not None and (blocks := self._draw_from(chain, rng)) is not None:
                    return self.space.build(width, blocks)
        for stage in _shuffle(list(range(len(repeats))), rng):
            # Alone no choice can change, so the repeats of several stages have to change together.
            fewer_or_more = tuple(n for n in self.space.stages[stage].repeats if n != repeats[stage])
            if fewer_or_more and (blocks := self._draw_from(self.space.chain(width, {}, {stage: fewer_or_more}), rng)):
                return self.space.build(width, blocks)
        return architecture.canonical

    def _reopen(
        self, width: int, kept: dict[Position, Block], repeats: list[int], target: Position | int, freed: set[Position]
    ) -> Chain[Block] | None:
        """The architectures with another value at ``target``, any block at ``freed``, and all else kept."""
        fixed: dict[Position, tuple[Block, ...]] = {p: (block,) for p, block in kept.items() if p not in freed}
        allowed: dict[int, tuple[int, ...]] = {i: (n,) for i, n in enumerate(repeats)}
        if isinstance(target, int):
            allowed[target] = tuple(n for n in self.space.stages[target].repeats if n != repeats[target])
            others: tuple[object, ...] = allowed[target]
        else:
            slot = next(s for s in self.space.slots(width) if (s.stage, s.index) == target)
            fixed[target] = tuple(block for block in self.space.options(slot) if block != kept[target])
            others = fixed[target]
        return self.space.chain(width, fixed, allowed) if others else None

    @staticmethod
    def _growing_sets(
        target: Position | int, kept: dict[Position, Block], rng: np.random.Generator
    ) -> Iterator[set[Position]]:
        others = _shuffle([place for place in kept if place != target], rng)
        freed = 0
        while freed < len(others):
            yield set(others[:freed])
            freed = 2 * freed + 1
        yield set(others)

    def repair(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """The architecture itself where it fits the budget; else one that does and keeps what it can of it.

        One, three, seven ... blocks, drawn evenly, are made anew, each outcome equally likely, until that is enough;
        then the repeats of all stages, too. Another width is taken only where this one has nothing that fits.

        Raises:
            BudgetError: the architecture is not in the space.
        """
        width, kept, repeats = self._take_apart(architecture)
        if cost.macs(architecture) in self.budget:
            return architecture.canonical
        allowed = {i: (n,) for i, n in enumerate(repeats)}
        order, freed = _shuffle(list(kept), rng), 1
        while freed < 2 * len(order):
            offered = {place: (kept[place],) for place in order[freed:]}
            if (blocks := self._draw_from(self.space.chain(width, offered, allowed), rng)) is not None:
                return self.space.build(width, blocks)
            freed = 2 * freed + 1
        blocks = self._draw_from(self.space.chain(width), rng)
        return self.draw_even(rng) if blocks is None else self.space.build(width, blocks)

    def crossover(self, one: Architecture, other: Architecture, rng: np.random.Generator) -> Architecture:
        """A child within the budget: each stage has the repeats of a parent, each block is a parent's.

        All mixtures that fit are equally likely, the parents among them. With parents of two widths the child has the
        first one's, and takes from the second what fits there.

        Raises:
            BudgetError: a parent is not in the space, or no mixture of the two is within the budget.
        """
        width, kept, repeats = self._take_apart(one)
        _, others, other_repeats = self._take_apart(other)
        offered = {}
        for slot in self.space.slots(width):
            place = (slot.stage, slot.index)
            every = self.space.options(slot)
            parents = [parent[place] for parent in (kept, others) if place in parent]
            if mixed := tuple(dict.fromkeys(block for block in parents if block in every)):
                offered[place] = mixed
        allowed = {
            i: tuple(n for n in sorted({a, b}) if all((i, j) in offered for j in range(n)))
            for i, (a, b) in enumerate(zip(repeats, other_repeats, strict=True))
        }
        blocks = self._draw_from(self.space.chain(width, offered, allowed), rng)
        if blocks is None:
            raise BudgetError(f"no mixture of the two architectures fits {self.budget}; give a parent that does")
        return self.space.build(width, blocks)

    def _draw_from(self, chain: Chain[Block], rng: np.random.Generator) -> list[list[Block]] | None:
        if chain.cheapest > self.budget.high or chain.costliest < self.budget.low:
            return None
        tables = chain.tables(self.budget.high)
        costs, ways = tables.costs(self.budget.low, self.budget.high)
        return tables.draw(int(costs[_index(ways, rng)]), rng) if len(costs) else None

    def _take_apart(self, architecture: Architecture) -> tuple[int, dict[Position, Block], list[int]]:
        """Width, blocks by place, and repeats by stage.

        Raises:
            BudgetError: the architecture is not in the space.
        """
        if objection := self.space.objection(architecture):
            raise BudgetError(f"the architecture is not in space '{self.space.name}': {objection}")
        width = self.space.width_of(architecture)
        assert width is not None, "an architecture of the space has one of its widths"
        blocks = {(placed.stage, placed.index): placed.block for placed in architecture.canonical.placed}
        return width, blocks, [len(stage.blocks) for stage in architecture.stages]


def _index(weights: Array, rng: np.random.Generator) -> int:
    ends = np.cumsum(weights)
    return int(np.searchsorted(ends, rng.random() * ends[-1], side="right"))


def _shuffle(values: list[T], rng: np.random.Generator) -> list[T]:
    return [values[i] for i in rng.permutation(len(values))]


def _explain_no_fit(space: Space, budget: Budget) -> str:
    cheapest, costliest = space.cheapest_macs, space.costliest_macs
    asked = f"{budget.high:,}" if not budget.low else f"{budget.low:,} to {budget.high:,}"
    return (
        f"no architecture of space '{space.name}' has {asked} Multi-Adds; the cheapest has {cheapest:,} and the "
        f"costliest {costliest:,}: choose a budget of at least {cheapest:,}, or a wider band"
    )
