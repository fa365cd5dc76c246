"""The architectures of a space within a budget: exact counts, and draws and mutations that never reject a candidate."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.core.errors import NothingFits, SpaceError
from seesaw_nas.core.units import format_large
from seesaw_nas.space.budget import Budget
from seesaw_nas.space.chain import Array, Tables, draw_index
from seesaw_nas.space.definition import Space
from seesaw_nas.space.variation import Variation

MOST_DRAWABLE = 10**300  # architectures; the largest 64-bit float is near 1.8e308
MAX_DRAWS = 200  # of which each is new with a chance of a half or more


@dataclass(frozen=True)
class Feasible:
    """All architectures of a space whose Multi-Adds lie in a budget; at least one.

    Raises:
        NothingFits: no architecture fits; the message names the cheapest and the costliest.
        SpaceError: the space is larger than the 64-bit floats of the tables can count.
    """

    space: Space
    budget: Budget

    @classmethod
    def of(cls, space: Space, budget: str) -> Feasible:
        """The architectures that fit a budget written like ``110M``, ``100M:110M`` or ``60%``.

        Raises:
            UnitError: an end of the budget is not a number of Multi-Adds.
            NothingFits: no architecture fits.
            BudgetError: the ends are in the wrong order.
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
            raise NothingFits(_explain_no_fit(self.space, self.budget))

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
            self.space.build(outline, blocks)
            for outline, (costs, _) in enumerate(self._costs)
            for macs in costs.tolist()
            for blocks in self._tables[outline].fillings(macs)
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
        outline = draw_index(totals, rng)
        costs, ways = self._costs[outline]
        return self._draw_at(outline, int(costs[draw_index(ways, rng)]), rng)

    def draw_even(self, rng: np.random.Generator) -> Architecture:
        """One architecture, so that Multi-Adds spread evenly over the budget.

        First a width is drawn evenly among those that fit, and with it the head and which optional stages are there;
        then a cost within the budget, then one of the architectures whose Multi-Adds are nearest to that cost, each
        equally likely.
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

    def _draw_outline(self, rng: np.random.Generator) -> int:
        """An outline that fits; one in which more repeats are possible is as much more likely, so that each is even."""
        fitting = [i for i, (costs, _) in enumerate(self._costs) if len(costs)]
        ways = np.array([self.space.outlines[i].ways for i in fitting])
        even = len(set(ways.tolist())) == 1
        return int(rng.choice(fitting) if even else rng.choice(fitting, p=ways / ways.sum()))

    def _draw_nearest(self, tables: tuple[Tables[Block], ...], rng: np.random.Generator) -> Architecture:
        outline = self._draw_outline(rng)
        costs, _ = self._costs[outline]
        target = rng.uniform(max(self.budget.low, costs[0]), min(self.budget.high, costs[-1]))
        above = int(np.searchsorted(costs, target))
        near = costs[max(0, above - 1) : above + 1]
        macs = int(near[np.argmin(np.abs(near - target))])
        return self.space.build(outline, tables[outline].draw(macs, rng))

    def _draw_at(self, outline: int, macs: int, rng: np.random.Generator) -> Architecture:
        return self.space.build(outline, self._tables[outline].draw(macs, rng))

    @cached_property
    def _variation(self) -> Variation:
        outlines = tuple(outline for outline, (costs, _) in enumerate(self._costs) if len(costs))
        return Variation(self.space, self.budget, outlines)

    def mutate(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """A neighbour within the budget: one choice is changed, and others only if the budget requires it.

        See :meth:`seesaw_nas.space.variation.Variation.mutate`.
        """
        return self._variation.mutate(architecture, rng)

    def repair(self, architecture: Architecture, rng: np.random.Generator) -> Architecture:
        """The architecture itself if it fits the budget; else one that fits and shares as much as possible with it.

        One of another width, drawn evenly, is returned only if nothing of its width fits.

        Raises:
            BudgetError: the architecture is not in the space.
        """
        return self._variation.repair(architecture, rng) or self.draw_even(rng)

    def crossover(self, one: Architecture, other: Architecture, rng: np.random.Generator) -> Architecture:
        """A child within the budget: each stage has the repeats of one parent, each block comes from one parent.

        All combinations that fit are equally likely; see :meth:`seesaw_nas.space.variation.Variation.crossover`.

        Raises:
            BudgetError: a parent is not in the space, or no combination of the two is within the budget.
        """
        return self._variation.crossover(one, other, rng)


def _explain_no_fit(space: Space, budget: Budget) -> str:
    cheapest, costliest = space.cheapest_macs, space.costliest_macs
    asked = f"{budget.high:,}" if not budget.low else f"{budget.low:,} to {budget.high:,}"
    return (
        f"no architecture of space '{space.name}' has {asked} Multi-Adds; the cheapest has {cheapest:,} and the "
        f"costliest {costliest:,}: choose a budget of at least {cheapest:,}, or a wider band"
    )
