"""The cost of a score, in the unit in which it was measured. Importing this loads nothing else."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

CORE = "core-seconds"  # CPU time of this process, all threads together
GPU = "GPU-seconds"  # time for which the GPU was occupied, including work of the host
RECORDED = "seconds as recorded"  # time of trainings on the machine that recorded them


@dataclass(frozen=True, slots=True)
class Spent:
    """A cost in seconds; costs in different units cannot be compared.

    Attributes:
        seconds: NaN if unknown, 0 if nothing was spent.
    """

    seconds: float
    unit: str = CORE

    @property
    def known(self) -> bool:
        return not math.isnan(self.seconds)


FREE = Spent(0.0)
UNKNOWN = Spent(math.nan)


def units(several: Iterable[Spent]) -> list[str]:
    """The units of all costs above 0, sorted."""
    return sorted({spent.unit for spent in several if spent.known and spent.seconds})
