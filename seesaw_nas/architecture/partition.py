"""The division of a channel axis into groups, even or uneven.

Source: Zhang 2019, arXiv:1905.03672, section 4.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from seesaw_nas.core.errors import SpecError
from seesaw_nas.core.fields import shorten


@dataclass(frozen=True, slots=True)
class Partition:
    """Division of a channel axis into groups in proportion: ``Partition((1, 3))`` is a quarter and three quarters.

    ``Partition((1,))`` is the dense convolution, ``Partition((1, 1))`` the usual two groups.

    Attributes:
        density: ratio of the weights of a 1x1 convolution with these groups to those of a dense one, as (numerator,
            denominator).
    """

    parts: tuple[int, ...]
    density: tuple[int, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        whole = isinstance(self.parts, tuple) and all(type(part) is int and part > 0 for part in self.parts)
        if not whole or not self.parts:
            raise SpecError(f"a partition is positive integers such as 1:3, got {shorten(self.parts)}")
        if (common := math.gcd(*self.parts)) > 1:
            lowest = ":".join(str(part // common) for part in self.parts)
            raise SpecError(f"partition {self} is not in lowest terms; write {lowest}")
        object.__setattr__(self, "density", (sum(part * part for part in self.parts), self.total**2))

    @classmethod
    def parse(cls, text: str) -> Partition:
        """The partition written ``1:3``; ``1`` is dense."""
        if not isinstance(text, str) or re.fullmatch(r"[1-9][0-9]{0,5}(:[1-9][0-9]{0,5})*", text) is None:
            raise SpecError(f"a partition is positive integers joined by colons, such as '1:3', got {shorten(text)}")
        return cls(tuple(int(part) for part in text.split(":")))

    def __str__(self) -> str:
        return ":".join(map(str, self.parts))

    @property
    def total(self) -> int:
        """Sum of the parts; channels can be divided if their number is a multiple of this."""
        return sum(self.parts)

    @property
    def groups(self) -> int:
        return len(self.parts)

    @property
    def is_dense(self) -> bool:
        return self.groups == 1

    @property
    def is_even(self) -> bool:
        """Whether all groups have the same size; dense counts as even."""
        return len(set(self.parts)) == 1

    @property
    def unevenness(self) -> float:
        """Share of the channels in the largest group less that in the smallest: 0 if even, 0.5 for 1:3."""
        return (max(self.parts) - min(self.parts)) / self.total

    @property
    def is_palindromic(self) -> bool:
        return self.parts == self.parts[::-1]

    def reversed(self) -> Partition:
        return Partition(self.parts[::-1])

    def sizes(self, channels: int) -> tuple[int, ...]:
        """Channels of each group, in order; they add up to ``channels``.

        Raises:
            SpecError: ``channels`` is not a multiple of the sum of the parts.
        """
        unit, rest = divmod(channels, self.total)
        if rest or not unit:
            below, above = unit * self.total, (unit + 1) * self.total
            near = f"{below}, {above}" if below else f"{above}"
            raise SpecError(
                f"cannot split {channels} channels {self}: {channels} is not a multiple of {self.total}; "
                f"the nearest widths that are: {near}"
            )
        return tuple(part * unit for part in self.parts)


DENSE = Partition((1,))
