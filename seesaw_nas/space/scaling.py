"""A budget that is stated for images of one size, at another size.

A budget keeps its place between the cheapest and the costliest architecture: one a quarter of the way up stays a
quarter of the way up. Where Multi-Adds follow the images' area, as nearly all do in the spaces that come with the
package, this multiplies a budget by the area: 110M for 32x32 images are 27.5M for 16x16. Where strides round up, or a
fixed part such as the classifier weighs much, the area alone would allow nothing, or everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from seesaw_nas.space import costs
from seesaw_nas.space.budget import split
from seesaw_nas.space.costs import Cost

if TYPE_CHECKING:
    from seesaw_nas.space.definition import Space


def default_budget(space: Space) -> str:
    """The space's own budget at its image size, as a user would write it."""
    own = at_stated_size(space)
    return space.default_budget if own is space else scale(space.default_budget, own, space)


def at_stated_size(space: Space) -> Space:
    """The space at the image size that its budget is stated for; itself where it has that size."""
    size = space.stated_size or space.input_size
    return space if size == space.input_size else space.adapt(size, space.input_channels, space.classes)


def scale(budget: str, of: Space, to: Space) -> str:
    """A budget for ``of``, such as 110M or a band, as one for ``to``, to three digits; shares stay as they are.

    Raises:
        UnitError, BudgetError: it cannot be read.
    """
    return ", ".join(_scale_bound(part, of, to) for part in split(budget))


def _scale_bound(text: str, of: Space, to: Space) -> str:
    amounts, name = costs.split(text)
    cost = costs.named(name)
    ends = ":".join(_scale_end(end, cost, of, to) for end in amounts.split(":", 1))
    return f"{ends} {name}".strip()


def _scale_end(end: str, cost: Cost, of: Space, to: Space) -> str:
    if end.strip().endswith("%"):
        return end
    amount, cheapest, lowest = cost.parse(end), of.cheapest(cost), to.cheapest(cost)
    span = of.costliest(cost) - cheapest
    if not span:
        return cost.spell(amount * lowest // cheapest)
    place = (amount - cheapest) * (to.costliest(cost) - lowest) // span
    return cost.spell(max(1, lowest + place))
