"""Why nothing fits a budget: which of its bounds exclude each other, and the nearest that would fit."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from seesaw_nas.space.budget import Bound, Budget
from seesaw_nas.space.costs import MACS, Cost
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
        asked = f"has {f'{bound.low:,} to ' if bound.low else ''}{bound.high:,} Multi-Adds"
        ends = f"the cheapest has {cheapest:,} and the costliest {costliest:,}"
    else:
        asked = f"keeps to {bound} {bound.cost.name}"
        ends = f"the cheapest has {bound.cost.write(cheapest)} and the costliest {bound.cost.write(costliest)}"
    return f"no architecture of space '{space.name}' {asked}; {ends}: {_remedy(space, bound, cheapest, costliest)}"


def _remedy(space: Space, bound: Bound, cheapest: int, costliest: int) -> str:
    """The nearest of a budget that fits: an end of the space, or what lies on both sides of a band."""
    if bound.high < cheapest:
        return f"choose a budget of at least {bound.cost.tell(cheapest)}"
    if bound.low > costliest:
        return f"choose a band that begins at {bound.cost.tell(costliest)} or below"
    below = _nearest_amount(space, replace(bound, low=0, high=bound.low - 1), -1)
    above = _nearest_amount(space, replace(bound, low=bound.high + 1, high=costliest), 0)
    return (
        f"choose a wider band; the nearest on its two sides have {bound.cost.tell(below)} and {bound.cost.tell(above)}"
    )


def _nearest_amount(space: Space, bound: Bound, end: int) -> int:
    """The least (0) or the most (-1) that an architecture within a bound costs, where one is within."""
    if bound.cost.is_peak:
        return [amount for amount in _peaks(space, bound.cost) if amount in bound][end]
    found = _extremes(space, [bound], bound)
    assert found is not None, "the space's own ends are within"
    return found[end]


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
    found = _extremes(space, [*others, opened], opened, COARSE) or _extremes(space, [*others, opened], opened)
    if found is None:
        return f"{kept} is too narrow for costs that are rounded up to be kept at once"
    least, most = found
    if least > bound.high:
        return f"within {kept} the least {cost.name} is {cost.write(least)}"
    if least == most:
        return f"within {kept} the only {cost.name} are {cost.write(least)}"
    return f"within {kept} {cost.name} go from {cost.write(least)} to {cost.write(most)}"


def _lowest_peak(space: Space, bound: Bound, others: Sequence[Bound]) -> int:
    """The lowest peak that the other bounds can be kept with."""
    peaks, low = _peaks(space, bound.cost), 0
    high = len(peaks) - 1
    while low < high:
        middle = (low + high) // 2
        opened = Bound(bound.cost, 0, peaks[middle])
        low, high = (low, middle) if _extremes(space, [*others, opened], others[0], COARSE) else (middle + 1, high)
    return peaks[low]


def _peaks(space: Space, cost: Cost) -> list[int]:
    """Every amount of a peak that an end or a block of the space has, ascending."""
    outlines = range(len(space.outlines))
    blocks = {(slot, block) for outline in outlines for slot in space.slots(outline) for block in space.options(slot)}
    ends = {cost.ends(space.ends(outline)) for outline in outlines}
    return sorted(ends | {cost.block(slot, block) for slot, block in blocks})
