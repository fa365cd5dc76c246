"""The architectures of a space within a budget: exact counts, and draws and mutations that never reject a candidate."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.core.errors import NothingFits, SpaceError
from seesaw_nas.core.units import format_large
from seesaw_nas.space import refusal
from seesaw_nas.space.budget import Bound, Budget
from seesaw_nas.space.chain import Tables, draw_index
from seesaw_nas.space.cost_counts import Array
from seesaw_nas.space.costs import BlockTimes
from seesaw_nas.space.definition import Space
from seesaw_nas.space.pricing import PricedOutline, Pricing
from seesaw_nas.space.variation import Variation

MOST_DRAWABLE = 10**300  # architectures; the largest 64-bit float is near 1.8e308
MAX_DRAWS = 200  # of which each is new with a chance of a half or more


def count(space: Space, budget: str, profile: BlockTimes | None = None) -> int:
    """How many architectures keep a budget written like ``110M`` or ``110M, 1.2M params``; may be 0.

    Exact; where several costs that add up are bounded, as exact as they are priced (:attr:`Feasible.loss`).

    Raises:
        UnitError, BudgetError: the budget cannot be read.
    """
    return Pricing(space, space.budget(budget, profile)).count


@dataclass(frozen=True)
class _Fitting:
    """What fits of one outline.

    Attributes:
        prices: those that occur within the budget, ascending: (P,).
        leads: what they say of the budget's lead: (P,).
        ways: how many architectures have each price, or how likely each is: (P,).
    """

    outline: int
    tables: Tables[Block]
    prices: Array
    leads: Array
    ways: Array

    @classmethod
    def of(cls, outline: int, priced: PricedOutline, *, fair: bool = False) -> _Fitting | None:
        """``None`` if nothing fits."""
        if (filled := priced.fill(priced.chain(), fair=fair)) is None:
            return None
        tables, prices, ways = filled
        return cls(outline, tables, prices, priced.leads(prices), ways)


@dataclass(frozen=True)
class Feasible:
    """All architectures of a space that keep a budget; at least one.

    Where several costs that add up are bounded at once, those may be left out that lie within a few thousandths of a
    limit (:attr:`loss`); nothing beyond a limit is ever counted or drawn.

    Raises:
        NothingFits: no architecture fits; the message names which bounds exclude each other, and what would fit.
        SpaceError: the space is larger than the 64-bit floats of the tables can count.
    """

    space: Space
    budget: Budget

    @classmethod
    def of(cls, space: Space, budget: str, profile: BlockTimes | None = None) -> Feasible:
        """The architectures that keep a budget written like ``110M``, ``100M:110M`` or ``60%, 1.2M params``.

        Args:
            profile: the times by which a bound in milliseconds is read.

        Raises:
            UnitError: an end of a bound is no amount of its cost.
            NothingFits: no architecture fits.
            BudgetError: the ends are in the wrong order, or a cost is unknown.
            SpaceError: the space is too large to draw from.
        """
        return cls(space, space.budget(budget, profile))

    def __post_init__(self) -> None:
        if self.space.size > MOST_DRAWABLE:
            raise SpaceError(
                f"space '{self.space.name}' holds {format_large(self.space.size)} architectures, more than the "
                f"{format_large(MOST_DRAWABLE)} that can be drawn from; offer fewer repeats or fewer choices"
            )
        if not self._fitting:
            raise NothingFits(refusal.explain(self.space, self.budget))

    def __getstate__(self) -> dict[str, Any]:
        """Space and budget; the tables, of megabytes, are made again where they are needed."""
        return {"space": self.space, "budget": self.budget}

    @cached_property
    def pricing(self) -> Pricing:
        """The prices of all blocks on offer."""
        return Pricing(self.space, self.budget)

    @cached_property
    def _fitting(self) -> tuple[_Fitting, ...]:
        return self._list()

    @cached_property
    def _fair(self) -> tuple[_Fitting, ...]:
        return self._list(fair=True)

    def _list(self, *, fair: bool = False) -> tuple[_Fitting, ...]:
        priced = ((number, one) for number, one in enumerate(self.pricing.outlines) if one is not None)
        found = (_Fitting.of(number, one, fair=fair) for number, one in priced)
        return tuple(one for one in found if one is not None)

    @cached_property
    def count(self) -> int:
        """How many architectures fit, exactly; of several bounded sums, those that are priced within them."""
        return self.pricing.count

    @cached_property
    def most(self) -> int:
        """How many architectures fit at most: :attr:`count`, but where costs had to be rounded up."""
        return self.count if self.pricing.is_exact else self.pricing.open().count

    @property
    def loss(self) -> dict[str, float]:
        """For each bounded sum by name, the share of its limit by which an architecture may be priced too high."""
        return self.pricing.loss

    def exceeds(self, number: int) -> bool:
        """Whether more than this number of architectures fit; exact, and fast where far more do."""
        nearly = sum(float(one.ways.sum()) for one in self._fitting)  # right to some 1e-13 of it
        return nearly > 2 * number + 1 or self.count > number

    @cached_property
    def _by_digest(self) -> dict[str, Architecture]:
        """Every architecture that fits; only to be asked for where they are few."""
        built = (
            self.space.build(one.outline, blocks)
            for one in self._fitting
            for price in one.prices.tolist()
            for blocks in one.tables.fillings(price)
        )
        return {architecture.digest: architecture for architecture in built}

    def left(self, taken: Collection[str]) -> list[Architecture]:
        """The architectures that fit and whose digest is not taken, in a fixed order; only where few fit."""
        return [architecture for digest, architecture in self._by_digest.items() if digest not in taken]

    def is_used_up(self, taken: Collection[str]) -> bool:
        """Whether every architecture that fits has one of these digests, of which some may be of others; exact."""
        return not self.exceeds(len(taken)) and self._by_digest.keys() <= set(taken)

    @property
    def lead(self) -> Bound:
        """The bound over which draws are spread: of Multi-Adds, where they are bounded."""
        return self.budget.lead

    @cached_property
    def cheapest(self) -> int:
        """The least that an architecture that fits costs by the lead."""
        return min(int(one.leads[0]) for one in self._fitting)

    @cached_property
    def costliest(self) -> int:
        """The most that an architecture that fits costs by the lead."""
        return max(int(one.leads[-1]) for one in self._fitting)

    @cached_property
    def median(self) -> int:
        """The median of what all architectures that fit cost by the lead."""
        costs = np.concatenate([one.leads for one in self._fitting])
        ways = np.concatenate([one.ways for one in self._fitting])
        order = np.argsort(costs, kind="stable")
        ends = np.cumsum(ways[order])
        return int(costs[order][np.searchsorted(ends, ends[-1] / 2)])

    def draw(self, rng: np.random.Generator) -> Architecture:
        """One architecture, each equally likely."""
        return self._draw_of(self._fitting, rng)

    def draw_cheapest(self, rng: np.random.Generator) -> Architecture:
        """One of those that cost least by the lead, each equally likely."""
        return self._draw_of(self._with_lead(self.cheapest), rng)

    def draw_costliest(self, rng: np.random.Generator) -> Architecture:
        """One of those that cost most by the lead, each equally likely."""
        return self._draw_of(self._with_lead(self.costliest), rng)

    def _with_lead(self, amount: int) -> list[_Fitting]:
        found = []
        for one in self._fitting:
            at = one.leads == amount
            if at.any():
                found.append(replace(one, prices=one.prices[at], leads=one.leads[at], ways=one.ways[at]))
        return found

    def _draw_of(self, fitting: Sequence[_Fitting], rng: np.random.Generator) -> Architecture:
        one = fitting[draw_index(np.array([one.ways.sum() for one in fitting]), rng)]
        price = int(one.prices[draw_index(one.ways, rng)])
        return self.space.build(one.outline, one.tables.draw(price, rng))

    def draw_even(self, rng: np.random.Generator) -> Architecture:
        """One architecture, so that costs spread evenly over the budget, by its lead.

        First a width is drawn evenly among those that fit, and with it the head and which optional stages are there;
        then a cost within the budget, then one of the architectures that cost nearest to that, each equally likely.
        """
        return self._draw_nearest(self._fitting, rng)

    def draw_fair(self, rng: np.random.Generator) -> Architecture:
        """As :meth:`draw_even`, but the nearest architectures are as likely as if every choice were drawn evenly.

        So a stage has each number of repeats equally often, as far as the budget allows. If all architectures were
        equally likely, most would have the highest number of repeats, because far more architectures have it.
        """
        return self._draw_nearest(self._fair, rng)

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

    def _choose(self, fitting: Sequence[_Fitting], rng: np.random.Generator) -> _Fitting:
        """An outline that fits; one in which more repeats are possible is as much more likely, so that each is even."""
        ways = np.array([self.space.outlines[one.outline].ways for one in fitting])
        even = len(set(ways.tolist())) == 1
        at = rng.choice(len(fitting)) if even else rng.choice(len(fitting), p=ways / ways.sum())
        return fitting[int(at)]

    def _draw_nearest(self, fitting: Sequence[_Fitting], rng: np.random.Generator) -> Architecture:
        one = self._choose(fitting, rng)
        target = rng.uniform(max(self.lead.low, one.leads[0]), min(self.lead.high, one.leads[-1]))
        above = int(np.searchsorted(one.leads, target))
        near = one.leads[max(0, above - 1) : above + 1]
        lead = near[np.argmin(np.abs(near - target))]
        first, last = np.searchsorted(one.leads, lead), np.searchsorted(one.leads, lead, side="right")
        at = int(first) + (draw_index(one.ways[first:last], rng) if last - first > 1 else 0)
        return self.space.build(one.outline, one.tables.draw(int(one.prices[at]), rng))

    @cached_property
    def _variation(self) -> Variation:
        return Variation(self.space, self.budget, self.pricing, tuple(one.outline for one in self._fitting))

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
