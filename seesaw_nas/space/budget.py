"""A budget of Multi-Adds as a user writes it: ``110M``, a band ``100M:110M``, or a share ``60%`` of the costliest."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from seesaw_nas.core.errors import BudgetError
from seesaw_nas.core.units import format_count, parse_count


@dataclass(frozen=True, slots=True)
class Budget:
    """Multi-Adds allowed for one image, from ``low`` to ``high``, both included."""

    low: int
    high: int

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            raise BudgetError(
                f"a budget's lower end must not be above its upper one, got {self.low:,} to {self.high:,}; "
                f"write it like 100M:110M"
            )

    @classmethod
    def parse(cls, text: str, costliest: int) -> Budget:
        """The budget written as ``text``; shares such as ``60%`` are shares of ``costliest``, in Multi-Adds.

        Raises:
            UnitError: an end is not a number of Multi-Adds.
            BudgetError: the ends are in the wrong order, or a share is not within 0% to 100%.
        """
        ends = [_parse_end(part, costliest) for part in text.split(":", 1)]
        return cls(0, ends[0]) if len(ends) == 1 else cls(ends[0], ends[1])

    def __contains__(self, macs: int) -> bool:
        return self.low <= macs <= self.high

    def __str__(self) -> str:
        return format_count(self.high) if not self.low else f"{format_count(self.low)}:{format_count(self.high)}"


def _parse_end(text: str, costliest: int) -> int:
    if not text.strip().endswith("%"):
        return parse_count(text)
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", text)
    share = Fraction(match[1]) if match else Fraction(0)
    if not 0 < share <= 100:
        raise BudgetError(f"a share of the costliest architecture lies above 0% and up to 100%, got '{text}'")
    return int(costliest * share / 100)
