"""Search spaces, shipped ones and a user's own, and what fits a budget in each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seesaw_nas import space
from seesaw_nas.core.units import BudgetLike, write_budget
from seesaw_nas.space import Budget, Space, copy, profile_file, refusal
from seesaw_nas.space.costs import MACS
from seesaw_nas.space.pricing import Pricing

__all__ = ["Counted", "copy", "spaces"]


@dataclass(frozen=True, slots=True)
class Counted:
    """A space under a budget; counts are exact.

    Attributes:
        input: shape of an image, (channels, height, width).
        heads: channels that the head may have.
        optional_stages: stages that may be absent, from 1.
        architectures, fitting: in the space, and within the budget.
        fitting_at_most: more than ``fitting`` where several costs had to be rounded up to count them.
        why: nothing fits: ``too small``, ``too large``, or which bounds exclude each other; empty otherwise.
    """

    name: str
    description: str
    input: tuple[int, int, int]
    heads: tuple[int, ...]
    optional_stages: tuple[int, ...]
    architectures: int
    budget: Budget
    fitting: int
    fitting_at_most: int
    why: str
    cheapest_macs: int
    costliest_macs: int

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "name": self.name,
            "description": self.description,
            "input": list(self.input),
            "heads": list(self.heads),
            "optional_stages": list(self.optional_stages),
            "architectures": self.architectures,
            "budget": self.budget.to_dict(),
            "fitting": self.fitting,
            "fitting_at_most": self.fitting_at_most,
            "why": self.why,
            "cheapest_macs": self.cheapest_macs,
            "costliest_macs": self.costliest_macs,
        }


def spaces(
    budget: BudgetLike = "", file: Path | str = "", *, latency_profile: Path | str = "", accept_spread: bool = False
) -> tuple[Counted, ...]:
    """Every shipped space; or only the one that a file describes, which is checked.

    Args:
        budget: such as 110M, a whole number of Multi-Adds, or a pair as a band; each space's own if empty.
        file: a space file, or the name of a shipped space.
        latency_profile: file that `seesaw-nas profile` wrote, for a bound in milliseconds.
        accept_spread: take one that was measured under load, too.

    Raises:
        SpaceError: the file describes no space; its ``mistakes`` are all that are in it.
        SeesawError: the budget cannot be read.
    """
    names = [str(file)] if str(file) else space.names()
    return tuple(_counted(name, write_budget(budget), latency_profile, accept_spread) for name in names)


def _counted(name: str, written: str, latency_profile: Path | str, accept_spread: bool) -> Counted:
    found = space.load(name)
    profile = profile_file.read_for(found, latency_profile, accept_spread)
    budget = found.budget(written or found.default_budget, profile)
    pricing = Pricing(found, budget)
    fitting = pricing.count
    return Counted(
        name=found.name,
        description=found.description,
        input=(found.input_channels, found.input_size, found.input_size),
        heads=found.heads,
        optional_stages=tuple(i for i, stage in enumerate(found.stages, start=1) if stage.is_optional),
        architectures=found.size,
        budget=budget,
        fitting=fitting,
        why="" if fitting else _why(found, budget),
        fitting_at_most=fitting if pricing.is_exact else pricing.open().count,
        cheapest_macs=found.cheapest_macs,
        costliest_macs=found.costliest_macs,
    )


def _why(found: Space, budget: Budget) -> str:
    """Why nothing fits."""
    if not budget.others:
        return "too small" if budget.high < found.cheapest(MACS) else "too large"
    return refusal.explain(found, budget)
