"""Neighbours, repairs and mixtures of given architectures within a budget; no candidate is ever rejected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.core.errors import BudgetError
from seesaw_nas.space.budget import Budget
from seesaw_nas.space.chain import Chain, draw_index
from seesaw_nas.space.definition import Space
from seesaw_nas.space.pricing import Pricing

T = TypeVar("T")
WIDE = 5  # of so many mutations within a band, one changes more than it has to
HEAD = -1  # in place of a stage
Position = tuple[int, int]  # stage, index of the block in it
Chains = list[tuple[int, Chain[Block] | None]]  # parts of a space, each with its outline; None for an empty one


@dataclass(frozen=True)
class _Parts:
    """An architecture taken apart.

    Attributes:
        outline: index of its outline.
        blocks: by stage of the space, and index in it.
        repeats: blocks of each stage of the space; 0 of one that is absent.
    """

    outline: int
    blocks: dict[Position, Block]
    repeats: tuple[int, ...]


@dataclass(frozen=True)
class Variation:
    """Changes of architectures of a space that keep them in a budget, or bring them into it.

    Attributes:
        pricing: of the space under the budget.
        outlines: indices of those of the space that have an architecture within the budget.
    """

    space: Space
    budget: Budget
    pricing: Pricing
    outlines: tuple[int, ...]

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour within the budget: one choice is changed, and others only if the budget requires it.

        The choice is the width, a block, a stage's repeats or the head, drawn evenly. If no other value of it fits the
        budget, then one, three, seven ... further blocks, drawn evenly, may change with it, and each result is equally
        likely. Another width keeps the repeats and all blocks that it offers, as far as the budget allows; so does a
        stage that appears or disappears. Where stages are optional or the head may be chosen, it is another outline
        instead of another width. The same architecture is returned only if the budget allows no other one.

        Moves lead from every architecture that fits to every other. Under a budget with a lower end, single changes
        alone may not: there, one move in :data:`WIDE` lets more change with the choice than the budget requires, now
        and then everything.
        """
        parts = self._take_apart(architecture)
        stages = list(range(len(parts.repeats)))
        choices: list[Position | int] = [*parts.blocks, *stages, *([HEAD] if len(self.space.heads) > 1 else [])]
        if len(self.space.outlines) > 1 and rng.random() * (len(choices) + 1) < 1:
            changed = self._change_outline(parts, rng)
            if changed is not None:
                return changed
        wide = self._has_lower_end(parts.outline) and rng.random() * WIDE < 1
        start = 1 + int(rng.integers(len(choices).bit_length())) if wide else 0
        for target in _shuffle(choices, rng):
            steps: list[set[Position] | None] = [*_growing_sets(target, parts.blocks, rng), *([None] * wide)]
            for freed in steps[min(start, len(steps) - 1) :]:
                if (mutant := self._draw_from(self._reopen(parts, target, freed), rng)) is not None:
                    return mutant
        for stage in _shuffle(stages, rng):
            # No choice can change alone, so the repeats of several stages have to change together.
            if (mutant := self._draw_from(self._reopen(parts, stage, None), rng)) is not None:
                return mutant
        return self._change_outline(parts, rng) or architecture.canonical

    def _has_lower_end(self, outline: int) -> bool:
        """Whether some bound has a lower end that excludes anything of an outline."""
        priced = self.pricing.outlines[outline]
        return priced is not None and (priced.low > 0 or any(digit.low > 0 for digit in priced.digits))

    def _change_outline(self, parts: _Parts, rng: np.random.Generator) -> Architecture | None:
        """The same choices in another outline; others are drawn if the budget requires it; ``None`` without one."""
        others = [other for other in self.outlines if other != parts.outline]
        if not others:
            return None
        outline = others[int(rng.integers(len(others)))]
        places = {(slot.stage, slot.index): slot for slot in self.space.slots(outline)}
        kept = {
            place: block
            for place, block in parts.blocks.items()
            if place in places and block in self.space.options(places[place])
        }
        allowed = {i: (n,) for i, n in enumerate(parts.repeats) if n}
        for freed in _growing_sets(HEAD, kept, rng):
            options = {place: (block,) for place, block in kept.items() if place not in freed}
            found = self._draw_from([(outline, self._chain(outline, options, allowed))], rng)
            if found is not None:
                return found
        found = self._draw_from([(outline, self._chain(outline))], rng)
        assert found is not None, "only outlines that have an architecture within the budget are chosen"
        return found

    def _reopen(self, parts: _Parts, target: Position | int, freed: set[Position] | None) -> Chains:
        """The architectures with another value at ``target``, any block at ``freed``, and everything else unchanged.

        ``None`` for ``freed`` is all blocks, and the repeats of all stages with them. A block that an outline does not
        offer at its place may change as well.
        """
        fixed: dict[Position, tuple[Block, ...]] = {}
        allowed = {i: stage.repeats for i, stage in enumerate(self.space.stages)}
        if freed is not None:
            fixed = {place: (block,) for place, block in parts.blocks.items() if place not in freed}
            allowed = {i: (n,) for i, n in enumerate(parts.repeats)}
        head = self.space.outlines[parts.outline].head
        heads = tuple(other for other in self.space.heads if other != head) if target == HEAD else (head,)
        if isinstance(target, int) and target != HEAD:
            allowed[target] = tuple(n for n in self.space.stages[target].repeats if n != parts.repeats[target])
        elif not isinstance(target, int):
            slot = next(s for s in self.space.slots(parts.outline) if (s.stage, s.index) == target)
            fixed[target] = tuple(block for block in self.space.options(slot) if block != parts.blocks[target])
            if not fixed[target]:
                return []
        return list(self._chains(parts.outline, heads, fixed, allowed))

    def _chains(
        self,
        like: int,
        heads: tuple[int, ...],
        options: Mapping[Position, tuple[Block, ...]],
        repeats: Mapping[int, tuple[int, ...]],
    ) -> Iterator[tuple[int, Chain[Block] | None]]:
        """The architectures of one width with these heads, blocks and repeats, in one chain for each outline.

        Args:
            like: index of an outline of this width.
            options: blocks to choose from, by place; where an outline offers none of them, it may have any.
            repeats: repeats to choose from, for every stage; 0 is a stage that is absent.
        """
        for number, outline in enumerate(self.space.outlines):
            if outline.width != self.space.outlines[like].width or outline.head not in heads:
                continue
            allowed = {i: tuple(n for n in numbers if n) for i, numbers in repeats.items() if i in outline.present}
            if not all(allowed.values()) or not all(0 in n for i, n in repeats.items() if i not in outline.present):
                continue
            offered = {
                (slot.stage, slot.index): tuple(
                    block for block in options[slot.stage, slot.index] if block in self.space.options(slot)
                )
                for slot in self.space.slots(number)
                if (slot.stage, slot.index) in options
            }
            yield number, self._chain(number, {place: some for place, some in offered.items() if some}, allowed)

    def repair(self, architecture: Architecture, rng: np.random.Generator) -> Architecture | None:
        """The architecture itself if it fits the budget; else one that fits and shares as much as possible with it.

        One, three, seven ... blocks, drawn evenly, are drawn again, each result equally likely, until one fits; then
        the repeats of all stages are drawn again, too, then the head and which stages are there; ``None`` if nothing of
        this width fits.

        Raises:
            BudgetError: the architecture is not in the space.
        """
        parts = self._take_apart(architecture)
        if architecture in self.budget:
            return architecture.canonical
        outline, allowed = parts.outline, {i: (n,) for i, n in enumerate(parts.repeats) if n}
        order, freed = _shuffle(list(parts.blocks), rng), 1
        while freed < 2 * len(order):
            options = {place: (parts.blocks[place],) for place in order[freed:]}
            found = self._draw_from([(outline, self._chain(outline, options, allowed))], rng)
            if found is not None:
                return found
            freed = 2 * freed + 1
        found = self._draw_from([(outline, self._chain(outline))], rng)
        if found is None and len(self.space.outlines) > self.space.widths:
            every = {i: stage.repeats for i, stage in enumerate(self.space.stages)}
            found = self._draw_from(list(self._chains(outline, self.space.heads, {}, every)), rng)
        return found

    def crossover(self, one: Architecture, other: Architecture, rng: np.random.Generator) -> Architecture:
        """A child within the budget: each stage has the repeats of one parent, each block and the head come from one.

        A stage that one parent does not have may be absent. All combinations that fit are equally likely, the parents
        included. If the parents have different widths, the child has the first one's, and only blocks of the second
        that fit there are used.

        Raises:
            BudgetError: a parent is not in the space, or no combination of the two is within the budget.
        """
        first, second = self._take_apart(one), self._take_apart(other)
        heads = (one.head.channels, other.head.channels)
        repeats = {
            i: tuple(sorted(set(both))) for i, both in enumerate(zip(first.repeats, second.repeats, strict=True))
        }
        chains = []
        for outline, _ in self._chains(first.outline, heads, {}, repeats):
            options = {}
            for slot in self.space.slots(outline):
                place, every = (slot.stage, slot.index), self.space.options(slot)
                parents = [parent.blocks[place] for parent in (first, second) if place in parent.blocks]
                if mixed := tuple(dict.fromkeys(block for block in parents if block in every)):
                    options[place] = mixed
            allowed = {
                i: tuple(n for n in repeats[i] if n and all((i, j) in options for j in range(n)))
                for i in self.space.outlines[outline].present
            }
            if all(allowed.values()):
                chains.append((outline, self._chain(outline, options, allowed)))
        child = self._draw_from(chains, rng)
        if child is None:
            raise BudgetError(f"no mixture of the two architectures fits {self.budget}; give a parent that does")
        return child

    def _draw_from(self, chains: Chains, rng: np.random.Generator) -> Architecture | None:
        """An architecture of these chains within the budget, each equally likely; ``None`` if none is."""
        found = []
        for outline, chain in chains:
            priced = self.pricing.outlines[outline]
            if priced is not None and (filled := priced.fill(chain)) is not None:
                found.append((outline, *filled))
        if not found:
            return None
        which = draw_index([ways.sum() for *_, ways in found], rng) if len(found) > 1 else 0
        outline, tables, prices, ways = found[which]
        return self.space.build(outline, tables.draw(int(prices[draw_index(ways, rng)]), rng))

    def _chain(
        self,
        outline: int,
        options: Mapping[Position, tuple[Block, ...]] | None = None,
        repeats: Mapping[int, tuple[int, ...]] | None = None,
    ) -> Chain[Block] | None:
        """The architectures of an outline with these blocks and repeats; ``None`` if none is on offer."""
        priced = self.pricing.outlines[outline]
        return None if priced is None else priced.chain(options, repeats)

    def _take_apart(self, architecture: Architecture) -> _Parts:
        """The parts of an architecture.

        Raises:
            BudgetError: the architecture is not in the space.
        """
        if objection := self.space.objection(architecture):
            raise BudgetError(f"the architecture is not in space '{self.space.name}': {objection}")
        outline, blocks, repeats = self.space.take_apart(architecture)
        return _Parts(outline, {(slot.stage, slot.index): block for slot, block in blocks.items()}, repeats)


def _growing_sets(
    target: Position | int, present: Mapping[Position, Block], rng: np.random.Generator
) -> Iterator[set[Position]]:
    """None of the other blocks, then one, three, seven ... of them, drawn evenly, then all."""
    others = _shuffle([place for place in present if place != target], rng)
    freed = 0
    while freed < len(others):
        yield set(others[:freed])
        freed = 2 * freed + 1
    yield set(others)


def _shuffle(values: list[T], rng: np.random.Generator) -> list[T]:
    return [values[i] for i in rng.permutation(len(values))]
