"""Why nothing fits a budget: which of its bounds exclude each other, and the nearest that would fit."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from seesaw_nas.space.budget import Bound, Budget
from seesaw_nas.space.costs import MACS
from seesaw_nas.space.definition import Space
from seesaw_nas.space.pricing import CELLS, Pricing

COARSE = 2**18  # cells to look for the nearest that fits, which is right to a percent


def explain(space: Space, budget: Budget) -> str:
    """The sentence of a refusal; nothing of the space is priced within the budget."""
    alone = [_of_one(space, bound) for bound in budget.bounds if _extremes(space, [bound], bound) is None]
    if alone:
        return "; ".join(alone)
    pricing = Pricing(space, budget)
    if not pricing.is_exact and pricing.open().count:
        return _of_rounding(space, budget, pricing.loss)
    for number in range(2, len(budget.bounds)):
        for some in itertools.combinations(budget.bounds, number):
            if _extremes(space, some, some[0]) is None:
                return _of_several(space, some)
    return _of_several(space, budget.bounds)


def _extremes(space: Space, bounds: Sequence[Bound], lead: Bound, cells: int = CELLS) -> tuple[int, int] | None:
    """The least and the most that an architecture within the bounds costs by the lead; ``None`` if nothing fits."""
    if lead.cost.is_peak:
        lead = Bound(MACS, 0, space.costliest(MACS))
    pricing = Pricing(space, Budget.of_bounds(bounds, space.costliest), lead, cells)
    found = []
    for outline, priced in enumerate(pricing.outlines):
        if priced is None or (filled := priced.fill(priced.chain())) is None:
            continue
        tables, prices, _ = filled
        for price in prices[[0, -1]].tolist():
            blocks = tables.draw(price, np.random.default_rng(0))
            found.append(lead.cost.of(space.build(outline, blocks)))
    return (min(found), max(found)) if found else None


def _of_one(space: Space, bound: Bound) -> str:
    cheapest, costliest = space.cheapest(bound.cost), space.costliest(bound.cost)
    if bound.cost == MACS:
        asked = f"{bound.high:,}" if not bound.low else f"{bound.low:,} to {bound.high:,}"
        return (
            f"no architecture of space '{space.name}' has {asked} Multi-Adds; the cheapest has {cheapest:,} and the "
            f"costliest {costliest:,}: choose a budget of at least {cheapest:,}, or a wider band"
        )
    least, most = bound.cost.write(cheapest), bound.cost.write(costliest)
    return (
        f"no architecture of space '{space.name}' keeps to {bound} {bound.cost.name}; the cheapest has {least} and "
        f"the costliest {most}: choose a limit of at least {least}{', and a wider band' * bool(bound.low)}"
    )


def _of_rounding(space: Space, budget: Budget, loss: Mapping[str, float]) -> str:
    """Where something may fit that is not counted."""
    lost = ", ".join(f"{share:.1%} of the {name}" for name, share in loss.items() if share)
    return (
        f"no architecture of space '{space.name}' was found within {budget}: several costs are rounded up to be kept "
        f"at once, by as much as {lost}, and so narrow a budget leaves nothing; raise a limit, or widen a band, by as "
        "much"
    )


def _of_several(space: Space, bounds: Sequence[Bound]) -> str:
    written = [f"{bound} {bound.cost.name}" for bound in bounds]
    nearest = [_nearest(space, bound, [other for other in bounds if other is not bound]) for bound in bounds]
    return (
        f"no architecture of space '{space.name}' keeps to {' and '.join(written)} at once, though each fits without "
        f"the rest: {'; '.join(nearest)}"
    )


def _nearest(space: Space, bound: Bound, others: Sequence[Bound]) -> str:
    """What a bound would have to be for the others to be kept."""
    kept, cost = " and ".join(f"{other} {other.cost.name}" for other in others), bound.cost
    if cost.is_peak:
        return f"within {kept} the least {cost.name} is {cost.write(_lowest_peak(space, bound, others))}"
    opened = replace(bound, low=0, high=space.costliest(cost))
    found = _extremes(space, [*others, opened], opened, COARSE)
    if found is None:
        return f"{kept} can hardly be kept whatever the {cost.name}"
    least, most = found
    if least > bound.high:
        return f"within {kept} the least {cost.name} is {cost.write(least)}"
    if least == most:
        return f"within {kept} the only {cost.name} are {cost.write(least)}"
    return f"within {kept} {cost.name} go from {cost.write(least)} to {cost.write(most)}"


def _lowest_peak(space: Space, bound: Bound, others: Sequence[Bound]) -> int:
    """The lowest peak that the other bounds can be kept with."""
    cost = bound.cost
    amounts = {cost.ends(space.ends(outline)) for outline in range(len(space.outlines))} | {
        cost.block(slot, block)
        for outline in range(len(space.outlines))
        for slot in space.slots(outline)
        for block in space.options(slot)
    }
    peaks, low = sorted(amounts), 0
    high = len(peaks) - 1
    while low < high:
        middle = (low + high) // 2
        opened = Bound(cost, 0, peaks[middle])
        low, high = (low, middle) if _extremes(space, [*others, opened], others[0], COARSE) else (middle + 1, high)
    return peaks[low]
