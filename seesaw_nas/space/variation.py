"""Neighbours, repairs and mixtures of given architectures within a budget; no candidate is ever rejected."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.core.errors import BudgetError
from seesaw_nas.space.budget import Budget
from seesaw_nas.space.chain import Chain, draw_index
from seesaw_nas.space.definition import Space

T = TypeVar("T")
WIDE = 5  # of so many mutations within a band, one changes more than it has to
Position = tuple[int, int]  # stage, index of the block in it


@dataclass(frozen=True)
class Variation:
    """Changes of architectures of a space that keep them in a budget, or bring them into it.

    Attributes:
        widths: those of the space that have an architecture within the budget.
    """

    space: Space
    budget: Budget
    widths: tuple[int, ...]

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
        others = [other for other in self.widths if other != width]
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

    def repair(self, architecture: Architecture, rng: np.random.Generator) -> Architecture | None:
        """The architecture itself if it fits the budget; else one that fits and shares as much as possible with it.

        One, three, seven ... blocks, drawn evenly, are drawn again, each result equally likely, until one fits; then
        the repeats of all stages are drawn again, too; ``None`` if nothing of this width fits.

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
        return None if blocks is None else self.space.build(width, blocks)

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
        return tables.draw(int(costs[draw_index(ways, rng)]), rng) if len(costs) else None

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


def _shuffle(values: list[T], rng: np.random.Generator) -> list[T]:
    return [values[i] for i in rng.permutation(len(values))]
