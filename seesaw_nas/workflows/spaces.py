"""The shipped search spaces, and what fits a budget in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seesaw_nas import space
from seesaw_nas.core.units import write_budget
from seesaw_nas.space import Budget


@dataclass(frozen=True, slots=True)
class Counted:
    """A space under a budget; counts are exact.

    Attributes:
        input: shape of an image, (channels, height, width).
        architectures, fitting: in the space, and within the budget.
        why: nothing fits: ``too small`` or ``too large``; empty otherwise.
    """

    name: str
    description: str
    input: tuple[int, int, int]
    architectures: int
    budget: Budget
    fitting: int
    why: str
    cheapest_macs: int
    costliest_macs: int

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "name": self.name,
            "description": self.description,
            "input": list(self.input),
            "architectures": self.architectures,
            "budget": {"low": self.budget.low, "high": self.budget.high},
            "fitting": self.fitting,
            "why": self.why,
            "cheapest_macs": self.cheapest_macs,
            "costliest_macs": self.costliest_macs,
        }


def spaces(budget: str | int = "") -> tuple[Counted, ...]:
    """Every shipped space.

    Args:
        budget: such as 110M, or a whole number of Multi-Adds; each space's own if empty.

    Raises:
        SeesawError: the budget cannot be read.
    """
    return tuple(_counted(name, write_budget(budget)) for name in space.names())


def _counted(name: str, written: str) -> Counted:
    found = space.load(name)
    written = written or found.default_budget
    budget = found.budget(written)
    fitting = found.count(written)
    return Counted(
        name=name,
        description=found.description,
        input=(found.input_channels, found.input_size, found.input_size),
        architectures=found.size,
        budget=budget,
        fitting=fitting,
        why="" if fitting else "too small" if budget.high < found.cheapest_macs else "too large",
        cheapest_macs=found.cheapest_macs,
        costliest_macs=found.costliest_macs,
    )
