"""A budget as a user writes it: ``110M`` Multi-Adds, or a conjunction such as ``110M macs, 1.2M params, 4ms latency``.

Each bound is an upper end, a band ``100M:110M``, or a share ``60%`` of the costliest architecture of the space.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import BudgetError
from seesaw_nas.space import costs
from seesaw_nas.space.costs import BlockTimes, Cost


@dataclass(frozen=True, slots=True)
class Bound:
    """What a network may cost in one respect, from ``low`` to ``high``, both included."""

    cost: Cost
    low: int
    high: int

    def __post_init__(self) -> None:
        if not 0 <= self.low <= self.high:
            ends, like = [f"{end:,}" for end in (self.low, self.high)], "100M:110M"
            if self.cost != costs.MACS:
                ends, like = [self.cost.write(end) for end in (self.low, self.high)], "LOW:HIGH"
            raise BudgetError(
                f"a budget's lower end must not be above its upper one, got {' to '.join(ends)}; write it like {like}"
            )

    def __contains__(self, amount: int) -> bool:
        return self.low <= amount <= self.high

    def share(self, amount: int) -> float:
        """An amount over the upper end."""
        return amount / self.high

    def tell(self, architecture: Architecture) -> str:
        """What an architecture costs, and its share of the upper end, such as ``21 KB, 87.3%``."""
        amount = self.cost.of(architecture)
        return f"{self.cost.write(amount)}, {self.share(amount):.1%}"

    def __str__(self) -> str:
        write = self.cost.write
        return f"{write(self.high)}" if not self.low else f"{write(self.low)}:{write(self.high)}"

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {"cost": self.cost.name, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class Budget:
    """What a network may cost.

    Attributes:
        low, high: Multi-Adds allowed for one image, both included; up to the costliest if they are not bounded.
        others: bounds of other costs, one for each.
        by_macs: whether the user bounds Multi-Adds.
    """

    low: int
    high: int
    others: tuple[Bound, ...] = ()
    by_macs: bool = True

    def __post_init__(self) -> None:
        Bound(costs.MACS, self.low, self.high)

    @classmethod
    def parse(cls, text: str, costliest: Callable[[Cost], int], profile: BlockTimes | None = None) -> Budget:
        """The budget written as ``text``; its bounds stand in any order, with commas between them.

        Args:
            costliest: what the costliest architecture costs in some respect: shares such as ``60%`` are shares of it.
            profile: the times that a bound of latency is read by.

        Raises:
            UnitError: an end is no amount of its cost.
            BudgetError: ends in the wrong order, a share that is not within 0% to 100%, a cost that does not exist or
                is bounded twice, or a bound of latency without a profile.
        """
        bounds: dict[str, Bound] = {}
        parts = split(text)
        if len(parts) > 1 and not all(part.strip() for part in parts):
            raise BudgetError(f"the budget '{text}' has an empty part; write one bound between two commas")
        for part in parts:
            bound = _parse_bound(part, costliest, profile)
            if bounds.setdefault(bound.cost.name, bound) is not bound:
                raise BudgetError(
                    f"the budget '{text}' bounds {bound.cost.name} twice; write one bound, or a band as LOW:HIGH"
                )
        return cls.of_bounds(list(bounds.values()), costliest)

    @classmethod
    def of_bounds(cls, bounds: Sequence[Bound], costliest: Callable[[Cost], int]) -> Budget:
        """The budget of these bounds, each of another cost."""
        others = tuple(bound for bound in bounds if bound.cost != costs.MACS)
        for macs in bounds:
            if macs.cost == costs.MACS:
                return cls(macs.low, macs.high, others)
        return cls(0, costliest(costs.MACS), others, by_macs=False)

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """All that is bounded, Multi-Adds first."""
        return (*([Bound(costs.MACS, self.low, self.high)] if self.by_macs else []), *self.others)

    @property
    def lead(self) -> Bound:
        """The bound over which draws are spread evenly: Multi-Adds, or else the first that adds up over blocks."""
        sums = (bound for bound in self.bounds if not bound.cost.is_peak)
        return next(sums, Bound(costs.MACS, self.low, self.high))

    def of(self, cost: Cost) -> Bound | None:
        """The bound of a cost, if there is one."""
        return next((bound for bound in self.bounds if bound.cost == cost), None)

    def __contains__(self, architecture: Architecture) -> bool:
        """Whether an architecture keeps every bound."""
        return all(bound.cost.of(architecture) in bound for bound in self.bounds)

    def holds(self, architecture: Architecture, macs: int) -> bool:
        """As ``architecture in self``, where its Multi-Adds are known."""
        is_within = not self.by_macs or self.low <= macs <= self.high
        return is_within and all(bound.cost.of(architecture) in bound for bound in self.others)

    def broken(self, architecture: Architecture) -> Bound | None:
        """The first bound that an architecture does not keep; ``None`` if it keeps all."""
        return next((bound for bound in self.bounds if bound.cost.of(architecture) not in bound), None)

    def objection(self, architecture: Architecture) -> str:
        """What of an architecture is outside the budget, in words; empty if nothing is."""
        bound = self.broken(architecture)
        return f"{bound.cost.tell(bound.cost.of(architecture))} are outside the budget" if bound else ""

    def __str__(self) -> str:
        if not self.others:
            return str(Bound(costs.MACS, self.low, self.high))
        return ", ".join(f"{bound} {bound.cost.name}" for bound in self.bounds)

    @property
    def key(self) -> list[Any]:
        """JSON values by which budgets are told apart: the ends in Multi-Adds, and each further bound in words."""
        return [
            self.low,
            self.high,
            *(f"{one.low:,} to {one.high:,} {' '.join(one.cost.key).strip()}" for one in self.others),
        ]

    def to_dict(self) -> dict[str, Any]:
        """JSON values, of which ``low`` and ``high`` are Multi-Adds."""
        found: dict[str, Any] = {"low": self.low, "high": self.high}
        if self.others:
            found |= {"by_macs": self.by_macs, "others": [bound.to_dict() for bound in self.others]}
        return found

    @classmethod
    def from_dict(cls, found: Mapping[str, Any], profile: BlockTimes | None = None) -> Budget:
        """The budget that :meth:`to_dict` wrote; the values have been checked.

        Raises:
            BudgetError: as :meth:`parse`.
        """
        others = tuple(_bound(one, profile) for one in found.get("others", ()))
        if len({bound.cost for bound in (Bound(costs.MACS, 0, 0), *others)}) <= len(others):
            raise BudgetError("a cost is bounded twice")
        return cls(found["low"], found["high"], others, by_macs=found.get("by_macs", True))


def split(text: str) -> list[str]:
    """The bounds that a budget is written with; a comma within a number divides nothing."""
    return re.split(r"(?<!\d),|,(?!\d{3}(?!\d))", text)


def write_short(found: Mapping[str, Any]) -> str:
    """The first bound that :meth:`Budget.to_dict` wrote, and how many more there are: ``600.0K +2``."""
    others = found.get("others", ())
    if found.get("by_macs", True):
        first, more = costs.MACS.write(found["high"]), len(others)
    else:
        first, more = f"{costs.writes(others[0]['cost'])(others[0]['high'])} {others[0]['cost']}", len(others) - 1
    return f"{first} +{more}" if more else first


def _bound(found: Mapping[str, Any], profile: BlockTimes | None) -> Bound:
    return Bound(costs.named(found["cost"], profile), found["low"], found["high"])


def _parse_bound(text: str, costliest: Callable[[Cost], int], profile: BlockTimes | None) -> Bound:
    amounts, name = costs.split(text)
    if not name and re.search(r"b$", amounts, re.IGNORECASE):
        raise BudgetError(f"'{text.strip()}' is a size of what? write '{amounts} memory' or '{amounts} weights'")
    cost = costs.named(name, profile)
    ends: Sequence[int] = [_parse_end(part, cost, costliest) for part in amounts.split(":", 1)]
    return Bound(cost, ends[0] if len(ends) > 1 else 0, ends[-1])


def _parse_end(text: str, cost: Cost, costliest: Callable[[Cost], int]) -> int:
    if not text.strip().endswith("%"):
        return cost.parse(text)
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*%\s*", text)
    share = Fraction(match[1]) if match else Fraction(0)
    if not 0 < share <= 100:
        raise BudgetError(f"a share of the costliest architecture lies above 0% and up to 100%, got '{text}'")
    return int(costliest(cost) * share / 100)
