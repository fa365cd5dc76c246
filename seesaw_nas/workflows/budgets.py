"""The budget of a problem: what fits it, what a refusal proposes instead, and what is to be known of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from seesaw_nas import data, space
from seesaw_nas.core.errors import NothingFits, SeesawError
from seesaw_nas.core.units import format_count
from seesaw_nas.space import Feasible, Space
from seesaw_nas.space.scaling import at_stated_size, default_budget

if TYPE_CHECKING:
    from seesaw_nas.space import Budget
    from seesaw_nas.space.profile import LatencyProfile


def find_feasible(searched: Space, written: str, dataset: str, profile: LatencyProfile | None = None) -> Feasible:
    """The architectures of a space within a budget.

    Args:
        searched: the space at the size of the images.
        written: the budget, as a user writes it; empty for the space's own, at this size.
        dataset: name of the data set, which says what sizes of images there are; empty where there are none.
        profile: the times by which a bound of latency is read.

    Raises:
        NothingFits: no architecture fits; the text says which other spaces, sizes and budgets would do.
        SeesawError: the budget cannot be read, or the profile is not of this space.
    """
    if profile is not None:
        profile.check(searched)
    asked = searched.budget(written or default_budget(searched), profile)
    try:
        return Feasible(searched, asked)
    except NothingFits as error:
        if asked.others:
            raise  # it says itself what would fit
        proposals = ", or ".join(
            [*_spaces(searched, asked), *_sizes(searched, asked, dataset), *_own(searched, written)]
        )
        raise NothingFits(f"{error}{'; what would fit: ' if proposals else ''}{proposals}") from None


def _spaces(searched: Space, asked: Budget) -> Iterator[str]:
    """Other spaces that have something within the budget, for images of the same size."""
    names = []
    for name in space.names():
        if name != searched.name and _fits(_adapted(space.load(name), searched), asked):
            names.append(name)
    if names:
        yield f"--space {' or '.join(names)}"


def _sizes(searched: Space, asked: Budget, dataset: str) -> Iterator[str]:
    """The nearest other size of the images at which the space has something within the budget."""
    sizes = data.image_sizes(dataset) if dataset else ()
    for size in sorted(sizes, key=lambda size: abs(size - searched.input_size)):
        other = searched.adapt(size, searched.input_channels, searched.classes)
        if size != searched.input_size and _fits(other, asked):
            yield f"--image-size {size}"
            return


def _own(searched: Space, written: str) -> Iterator[str]:
    """The space's own budget, where it was not that which was asked for."""
    if written and _fits(searched, searched.budget(own := default_budget(searched))):
        yield f"no --budget, which means {own}, the space's own for images of {_pixels(searched)}"


def _adapted(other: Space, searched: Space) -> Space:
    return other.adapt(searched.input_size, searched.input_channels, searched.classes)


def _fits(searched: Space, asked: Budget) -> bool:
    """Whether anything is within the budget; of a band between cheapest and costliest, by an exact count."""
    if asked.high < searched.cheapest_macs or asked.low > searched.costliest_macs:
        return False
    if asked.low <= searched.cheapest_macs or asked.high >= searched.costliest_macs:
        return True
    try:
        return bool(Feasible(searched, asked))
    except SeesawError:
        return False


def origin(feasible: Feasible, written: str) -> str:
    """Where the budget is from, in words, where the space's own was scaled; empty otherwise."""
    searched = feasible.space
    own = at_stated_size(searched)
    if written or own is searched or searched.default_budget.strip().endswith("%"):
        return ""
    return (
        f"the space's own {searched.default_budget} for images of {_pixels(own)}, scaled to {_pixels(searched)}: "
        "as far between the cheapest and the costliest"
    )


def warning(feasible: Feasible, written: str) -> str:
    """A sentence where the budget limits nothing, and one that would; empty otherwise, and where 100% was asked for."""
    searched, budget = feasible.space, feasible.budget
    if budget.others:
        return ""
    limits = budget.high < searched.costliest_macs or budget.low > searched.cheapest_macs
    if limits or written.strip().endswith("%"):
        return ""
    told = (
        f"the budget {budget} limits nothing: with images of {_pixels(searched)} the costliest architecture has "
        f"{format_count(searched.costliest_macs)} Multi-Adds"
    )
    own = default_budget(searched)
    if searched.budget(own).high < searched.costliest_macs:
        return f"{told}; the space's own budget at this size is {own}"
    return f"{told}, the cheapest {format_count(searched.cheapest_macs)}; choose one between"


def _pixels(searched: Space) -> str:
    return f"{searched.input_size}x{searched.input_size}"
