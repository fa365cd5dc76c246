"""Mean and spread of several trainings of one architecture."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """Several trainings of one architecture.

    Attributes:
        sd: the sample's standard deviation (of n - 1); ``None`` for a single one.
    """

    mean: float
    sd: float | None
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.2%}" + ("" if self.sd is None else f" +- {100 * self.sd:.2f}") + f" ({self.n})"
