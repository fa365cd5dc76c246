"""The axis that a cost is drawn along: its unit, and how places on it are told."""

from __future__ import annotations

from dataclasses import dataclass

from seesaw_nas.search.standing import Contender
from seesaw_nas.space.costs import MACS, Cost

_UNITS = {"macs": (10**6, "M"), "params": (10**3, "K"), "latency": (10**6, "ms")}
_BYTES = (2**10, "KB")


@dataclass(frozen=True)
class CostAxis:
    """Amounts of one cost as numbers of a convenient size: millions of Multi-Adds, KB, milliseconds."""

    cost: Cost = MACS

    @property
    def title(self) -> str:
        """Such as ``Multi-Adds (M)`` or ``int8 weights (KB)``."""
        return f"{name_of(self.cost)} ({self.unit})"

    @property
    def unit(self) -> str:
        """Behind a number of the axis, such as ``M``."""
        return _UNITS.get(self.cost.name, _BYTES)[1]

    def place(self, amount: int) -> float:
        """Where an amount stands."""
        return amount / _UNITS.get(self.cost.name, _BYTES)[0]

    def of(self, row: Contender) -> float:
        """Where a trained architecture stands."""
        return self.place(row.amount)


def name_of(cost: Cost) -> str:
    """A cost as titles name it."""
    return {"macs": "Multi-Adds", "params": "Params"}.get(cost.name, cost.name)
