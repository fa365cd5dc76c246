"""The architectures of a space within a budget: exact counts, and draws and mutations that never reject a candidate."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.core.errors import BudgetError, SpaceError
from seesaw_nas.core.units import format_large
from seesaw_nas.space.budget import Budget
from seesaw_nas.space.chain import Array, Chain, Tables
from seesaw_nas.space.definition import Space

T = TypeVar("T")
MOST_DRAWABLE = 10**300  # architectures; the largest 64-bit float is near 1.8e308
MAX_DRAWS = 200  # of which each is new with a chance of a half or more
WIDE = 5  # of so many mutations within a band, one changes more than it has to
Position = tuple[int, int]  # stage, index of the block in it


@dataclass(frozen=True)
class Feasible:
    """All architectures of a space whose Multi-Adds lie in a budget; at least one.

    Raises:
        BudgetError: no architecture fits; the message names the cheapest and the costliest.
        SpaceError: the space is larger than the 64-bit floats of the tables can count.
    """

    space: Space
    budget: Budget

    @classmethod
    def of(cls, space: Space, budget: str) -> Feasible:
        """The architectures that fit a budget written like ``110M``, ``100M:110M`` or ``60%``.

        Raises:
            UnitError: an end of the budget is not a number of Multi-Adds.
            BudgetError: no architecture fits, or the ends are in the wrong order.
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

    def __getstate__(self) -> dict[str, Any]:
        """Space and budget; the tables, of megabytes, are made again where they are needed."""
        return {"space": self.space, "budget": self.budget}

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
        """How many architectures of the space fit each budget, exactly; no budget may end above this one's."""
        bands = [(budget.low, budget.high) for budget in budgets]
        return [sum(column) for column in zip(*(chain.counts(bands) for chain in self.space.chains), strict=True)]

    def exceeds(self, number: int) -> bool:
        """Whether more than this number of architectures fit; exact, and fast where far more do."""
        nearly = sum(float(ways.sum()) for _, ways in self._costs)  # right to some 1e-13 of it
        return nearly > 2 * number + 1 or self.count > number

    @cached_property
    def _by_digest(self) -> dict[str, Architecture]:
        """Every architecture that fits; only to be asked for where they are few."""
        built = (
            self.space.build(width, blocks)
            for width, (costs, _) in enumerate(self._costs)
            for macs in costs.tolist()
            for blocks in self._tables[width].fillings(macs)
        )
        return {architecture.digest: architecture for architecture in built}

    def left(self, taken: Collection[str]) -> list[Architecture]:
        """The architectures that fit and whose digest is not taken, in a fixed order; only where few fit."""
        return [architecture for digest, architecture in self._by_digest.items() if digest not in taken]

    def is_used_up(self, taken: Collection[str]) -> bool:
        """Whether every architecture that fits has one of these digests, of which some may be of others; exact."""
        return not self.exceeds(len(taken)) and self._by_digest.keys() <= set(taken)

    @cached_property
    def cheapest_macs(self) -> int:
        return min(int(costs[0]) for costs, _ in self._costs if len(costs))

    @cached_property
    def costliest_macs(self) -> int:
        return max(int(costs[-1]) for costs, _ in self._costs if len(costs))

    @cached_property
    def median_macs(self) -> int:
        """The median of the Multi-Adds of all architectures that fit."""
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
        """One architecture, so that Multi-Adds spread evenly over the budget.

        First a width is drawn evenly among those that fit, then a cost within the budget, then one of the architectures
        whose Multi-Adds are nearest to that cost, each equally likely.
        """
        return self._draw_nearest(self._tables, rng)

    def draw_fair(self, rng: np.random.Generator) -> Architecture:
        """As :meth:`draw_even`, but the nearest architectures are as likely as if every choice were drawn evenly.

        So a stage has each number of repeats equally often, as far as the budget allows. If all architectures were
        equally likely, most would have the highest number of repeats, because far more architectures have it.
        """
        return self._draw_nearest(self._fair_tables, rng)

    def draw_new(self, rng: np.random.Generator, taken: Collection[str]) -> Architecture | None:
        """An architecture whose digest is not taken, each equally likely; ``None`` if none is left.

        Where half of them or more are taken, they are few enough to be listed. Elsewhere every second draw, on
        average, is a new one.
        """
        if not self.exceeds(2 * len(taken)):
            left = self.left(taken)
            return left[int(rng.integers(len(left)))] if left else None
        for _ in range(MAX_DRAWS):
            if (architecture := self.draw(rng)).digest not in taken:
                return architecture
        raise AssertionError(f"{MAX_DRAWS} draws missed what is more than half of all; the chance is below 1e-60")

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
        """A neighbour within the budget: one choice is changed, and others only if the budget requires it.

        The choice is the width, a block or a stage's repeats, drawn evenly. If no other value of it fits the budget,
        then one, three, seven ... further blocks, drawn evenly, may change with it, and each result is equally likely.
        Another width keeps the repeats and all blocks that it offers, as far as the budget allows. The same
        architecture is returned only if the budget allows no other one.

        Moves lead from every architecture that fits to every other. Under a budget with a lower end, single changes
        alone may not: there, one move in :data:`WIDE` lets more change with the choice than the budget requires, now
        and then everything.
        """
        width, present, repeats = self._take_apart(architecture)
        choices = [*present, *range(len(repeats))]
        if self.space.widths > 1 and rng.random() * (len(choices) + 1) < 1:
            changed = self._change_width(width, present, repeats, rng)
            if changed is not None:
                return changed
        wide = self.budget.low > self.space.chains[width].cheapest and rng.random() * WIDE < 1
        start = 1 + int(rng.integers(len(choices).bit_length())) if wide else 0
        for target in _shuffle(choices, rng):
            steps: list[set[Position] | None] = [*self._growing_sets(target, present, rng), *([None] * wide)]
            for freed in steps[min(start, len(steps) - 1) :]:
                chain = self._reopen(width, present, repeats, target, freed)
                if chain is not None and (blocks := self._draw_from(chain, rng)) is not None:
                    return self.space.build(width, blocks)
        for stage in _shuffle(list(range(len(repeats))), rng):
            # No choice can change alone, so the repeats of several stages have to change together.
            fewer_or_more = tuple(n for n in self.space.stages[stage].repeats if n != repeats[stage])
            if fewer_or_more and (blocks := self._draw_from(self.space.chain(width, {}, {stage: fewer_or_more}), rng)):
                return self.space.build(width, blocks)
        return self._change_width(width, present, repeats, rng) or architecture.canonical

    def _change_width(
        self, width: int, present: dict[Position, Block], repeats: list[int], rng: np.random.Generator
    ) -> Architecture | None:
        """The same choices in another width, of which others are drawn if the budget requires it; ``None`` without."""
        others = [other for other, (costs, _) in enumerate(self._costs) if len(costs) and other != width]
        if not others:
            return None
        width = others[int(rng.integers(len(others)))]
        places = {(slot.stage, slot.index): slot for slot in self.space.slots(width)}
        kept = {place: block for place, block in present.items() if block in self.space.options(places[place])}
        allowed = {i: (n,) for i, n in enumerate(repeats)}
        for freed in self._growing_sets(-1, kept, rng):
            options = {place: (block,) for place, block in kept.items() if place not in freed}
            if (blocks := self._draw_from(self.space.chain(width, options, allowed), rng)) is not None:
                return self.space.build(width, blocks)
        blocks = self._draw_from(self.space.chain(width), rng)
        assert blocks is not None, "only widths that have an architecture within the budget are chosen"
        return self.space.build(width, blocks)

    def _reopen(
        self,
        width: int,
        present: dict[Position, Block],
        repeats: list[int],
        target: Position | int,
        freed: set[Position] | None,
    ) -> Chain[Block] | None:
        """The architectures with another value at ``target``, any block at ``freed``, and everything else unchanged.

        ``None`` for ``freed`` is all blocks, and the repeats of all stages with them.
        """
        fixed: dict[Position, tuple[Block, ...]] = {}
        allowed: dict[int, tuple[int, ...]] = {}
        if freed is not None:
            fixed = {place: (block,) for place, block in present.items() if place not in freed}
            allowed = {i: (n,) for i, n in enumerate(repeats)}
        if isinstance(target, int):
            allowed[target] = tuple(n for n in self.space.stages[target].repeats if n != repeats[target])
            others: tuple[object, ...] = allowed[target]
        else:
            slot = next(s for s in self.space.slots(width) if (s.stage, s.index) == target)
            fixed[target] = tuple(block for block in self.space.options(slot) if block != present[target])
            others = fixed[target]
        return self.space.chain(width, fixed, allowed) if others else None

    @staticmethod
    def _growing_sets(
        target: Position | int, present: dict[Position, Block], rng: np.random.Generator
    ) -> Iterator[set[Position]]:
        others = _shuffle([place for place in present if place != target], rng)
        freed = 0
        while freed < len(others):
            yield set(others[:freed])
            freed = 2 * freed + 1
        yield set(others)

    def repair(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """The architecture itself if it fits the budget; else one that fits and shares as much as possible with it.

        One, three, seven ... blocks, drawn evenly, are drawn again, each result equally likely, until one fits; then
        the repeats of all stages are drawn again, too. Another width is used only if nothing of this width fits.

        Raises:
            BudgetError: the architecture is not in the space.
        """
        width, present, repeats = self._take_apart(architecture)
        if cost.macs(architecture) in self.budget:
            return architecture.canonical
        allowed = {i: (n,) for i, n in enumerate(repeats)}
        order, freed = _shuffle(list(present), rng), 1
        while freed < 2 * len(order):
            options = {place: (present[place],) for place in order[freed:]}
            if (blocks := self._draw_from(self.space.chain(width, options, allowed), rng)) is not None:
                return self.space.build(width, blocks)
            freed = 2 * freed + 1
        blocks = self._draw_from(self.space.chain(width), rng)
        return self.draw_even(rng) if blocks is None else self.space.build(width, blocks)

    def crossover(self, one: Architecture, other: Architecture, rng: np.random.Generator) -> Architecture:
        """A child within the budget: each stage has the repeats of one parent, each block comes from one parent.

        All combinations that fit are equally likely, the parents included. If the parents have different widths, the
        child has the first one's, and only blocks of the second that fit there are used.

        Raises:
            BudgetError: a parent is not in the space, or no combination of the two is within the budget.
        """
        width, present, repeats = self._take_apart(one)
        _, others, other_repeats = self._take_apart(other)
        options = {}
        for slot in self.space.slots(width):
            place = (slot.stage, slot.index)
            every = self.space.options(slot)
            parents = [parent[place] for parent in (present, others) if place in parent]
            if mixed := tuple(dict.fromkeys(block for block in parents if block in every)):
                options[place] = mixed
        allowed = {
            i: tuple(n for n in sorted({a, b}) if all((i, j) in options for j in range(n)))
            for i, (a, b) in enumerate(zip(repeats, other_repeats, strict=True))
        }
        blocks = self._draw_from(self.space.chain(width, options, allowed), rng)
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
        """Width, blocks by position, and repeats by stage.

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
