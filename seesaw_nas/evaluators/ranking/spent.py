"""What a score costs, in the unit in which it was measured. Importing this loads nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

CORE = "core-seconds"  # of this process, all its threads together
GPU = "GPU-seconds"  # that the device was held for it, the host's share included
RECORDED = "seconds as recorded"  # of trainings, on their machine, whatever that was


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds of a unit; they say nothing about those of another one.

    Attributes:
        seconds: NaN for unknown, 0 for nothing.
    """

    seconds: float
    unit: str = CORE

    @property
    def known(self) -> bool:
        return not math.isnan(self.seconds)


FREE = Spent(0.0)
UNKNOWN = Spent(math.nan)


def units(several: Iterable[Spent]) -> list[str]:
    """Those in which anything was spent, in order."""
    return sorted({spent.unit for spent in several if spent.known and spent.seconds})
