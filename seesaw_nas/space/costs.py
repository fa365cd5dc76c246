"""What a budget can bound: Multi-Adds, parameters, bytes of weights, peak memory of activations, measured latency.

Each is a whole number that follows from a network's blocks, each at its place, and from its stem and head: a sum over
them, or, of peak memory, the maximum. So a dynamic programme over the blocks keeps to any of them.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from seesaw_nas.architecture import cost, memory
from seesaw_nas.architecture.cost_names import NAMES as NAMES
from seesaw_nas.architecture.cost_names import full_name, typed
from seesaw_nas.architecture.elements import ElementType, element_bytes
from seesaw_nas.architecture.spec import Architecture, Block
from seesaw_nas.core.errors import BudgetError
from seesaw_nas.core.units import (
    format_bytes,
    format_count,
    format_nanoseconds,
    parse_bytes,
    parse_count,
    parse_nanoseconds,
    write_bytes,
    write_count,
    write_nanoseconds,
)
from seesaw_nas.space.stages import Ends, Slot

NO_PROFILE = (
    "a budget of latency needs measured times: give --latency-profile FILE, which `seesaw-nas profile SPACE` writes"
)


class BlockTimes(Protocol):
    """Measured times that add up, in nanoseconds: a latency profile (:mod:`seesaw_nas.space.profile`)."""

    @property
    def digest(self) -> str:
        """What tells it from others."""

    def block(self, slot: Slot, block: Block) -> int:
        """Of a block in a slot."""

    def ends(self, ends: Ends) -> int:
        """Of all but the blocks."""

    def of(self, architecture: Architecture) -> int:
        """Of a whole network."""


class Cost(ABC):
    """One respect in which networks cost something; its amounts are whole numbers of one unit.

    Attributes:
        name: as a user writes it, such as ``params`` or ``int8 memory``.
        unit: of its amounts, in words.
        measure: of the numbers in a table's column, such as ``bytes``; empty for what is counted.
        is_peak: whether a network costs the most of its parts instead of their sum.
        parse, spell: an amount from what a user writes, and as a user writes it, to three digits.
        write: an amount for people to read.
    """

    name: str
    unit: str
    measure = ""
    is_peak = False
    parse: Callable[[str], int]
    spell: Callable[[int], str]
    write: Callable[[int], str]

    @abstractmethod
    def block(self, slot: Slot, block: Block) -> int:
        """What a block that fits costs in a slot."""

    @abstractmethod
    def ends(self, ends: Ends) -> int:
        """What stem, head and classifier cost."""

    @abstractmethod
    def of(self, architecture: Architecture) -> int:
        """What a whole network costs."""

    @property
    def column(self) -> str:
        """Its name in tables, with the measure of the numbers there, such as ``int8_memory_bytes``."""
        return "_".join(filter(None, (*self.name.split(), self.measure)))

    def number(self, amount: int) -> float:
        """An amount as a table has it."""
        return amount

    def tell(self, amount: int) -> str:
        """An amount exactly, with its unit."""
        return f"{amount:,} {self.unit}"

    def join(self, amounts: Iterable[int]) -> int:
        """What parts of these amounts cost together."""
        return max(amounts, default=0) if self.is_peak else sum(amounts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cost) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from other costs: its name, and the digest of a profile that it is read from."""
        return self.name, ""

    @property
    def source(self) -> str:
        """What its amounts were measured on, in words; empty of those that are arithmetic."""
        return ""


class _Macs(Cost):
    name, unit = "macs", "Multi-Adds"
    parse, spell, write = staticmethod(parse_count), staticmethod(write_count), staticmethod(format_count)

    def block(self, slot: Slot, block: Block) -> int:
        return slot.macs(block)

    def ends(self, ends: Ends) -> int:
        stem = cost.stem_macs(ends.input_channels, ends.stem, ends.stem_size)
        return stem + cost.head_macs(ends.c_in, ends.head, ends.classes, ends.size)

    def of(self, architecture: Architecture) -> int:
        return cost.macs(architecture)


class _Params(Cost):
    name, unit = "params", "parameters"
    parse = staticmethod(partial(parse_count, of="parameters"))
    spell, write = staticmethod(write_count), staticmethod(format_count)

    def block(self, slot: Slot, block: Block) -> int:
        return cost.block_params(block, slot.c_in, slot.c_out)

    def ends(self, ends: Ends) -> int:
        stem = cost.stem_params(ends.input_channels, ends.stem)
        return stem + cost.head_params(ends.c_in, ends.head, ends.classes)

    def of(self, architecture: Architecture) -> int:
        return cost.params(architecture)


class _Weights(Cost):
    """Bytes of the deployed network's weights, for one type of element."""

    unit, measure = "bytes of weights", "bytes"
    parse, spell, write = staticmethod(parse_bytes), staticmethod(write_bytes), staticmethod(format_bytes)

    def __init__(self, element: ElementType) -> None:
        self.name, self._element = typed("weights", element), element

    def block(self, slot: Slot, block: Block) -> int:
        return cost.block_weight_bytes(block, slot.c_in, slot.c_out, self._element)

    def ends(self, ends: Ends) -> int:
        stem = cost.stem_weight_bytes(ends.input_channels, ends.stem, self._element)
        return stem + cost.head_weight_bytes(ends.c_in, ends.head, ends.classes, self._element)

    def of(self, architecture: Architecture) -> int:
        return cost.weight_bytes(architecture, self._element)


class _Memory(Cost):
    """Bytes of the activations that are alive at once, for one type of element."""

    unit, measure, is_peak = "bytes of activations at once", "bytes", True
    parse, spell, write = staticmethod(parse_bytes), staticmethod(write_bytes), staticmethod(format_bytes)

    def __init__(self, element: ElementType) -> None:
        self.name, self._element = typed("memory", element), element
        self._bytes = element_bytes(element)

    def block(self, slot: Slot, block: Block) -> int:
        elements = memory.block_elements(block, slot.c_in, slot.c_out, slot.size_in, slot.size_out, slot.stride)
        return elements * self._bytes

    def ends(self, ends: Ends) -> int:
        stem = memory.stem_elements(ends.input_channels, ends.input_size, ends.stem, ends.stem_size)
        head = memory.head_elements(ends.c_in, ends.head, ends.classes, ends.size)
        return max(stem, head) * self._bytes

    def of(self, architecture: Architecture) -> int:
        return memory.peak_bytes(architecture, self._element)


class _Latency(Cost):
    """Nanoseconds for one call, by a profile of a device."""

    name, unit, measure = "latency", "ns", "ms"
    parse = staticmethod(parse_nanoseconds)
    spell, write = staticmethod(write_nanoseconds), staticmethod(format_nanoseconds)

    def __init__(self, profile: BlockTimes) -> None:
        self._profile = profile

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self._profile.digest

    def number(self, amount: int) -> float:
        """Milliseconds, to the nanosecond."""
        return amount / 10**6

    def tell(self, amount: int) -> str:
        """In milliseconds, to the microsecond."""
        return f"{amount / 10**6:,.3f} ms"

    @property
    def source(self) -> str:
        return str(self._profile)

    def block(self, slot: Slot, block: Block) -> int:
        return self._profile.block(slot, block)

    def ends(self, ends: Ends) -> int:
        return self._profile.ends(ends)

    def of(self, architecture: Architecture) -> int:
        return self._profile.of(architecture)


MACS: Cost = _Macs()
PLAIN: tuple[Cost, ...] = (
    MACS, _Params(), _Weights("float32"), _Weights("int8"), _Memory("float32"), _Memory("int8")
)  # fmt: skip


def named(name: str, profile: BlockTimes | None = None) -> Cost:
    """The cost of a name; ``int8 memory`` and ``memory int8`` are one.

    Raises:
        BudgetError: there is no such cost, or it is ``latency`` and there is no profile.
    """
    found = full_name(name)
    if found == "latency":
        if profile is None:
            raise BudgetError(NO_PROFILE)
        return _Latency(profile)
    return next(one for one in PLAIN if one.name == found)


def writes(name: str) -> Callable[[int], str]:
    """How amounts of a cost are written for people; there is one of this name."""
    found: Callable[[int], str] = next((one.write for one in PLAIN if one.name == name), _Latency.write)
    return found


def every(profile: BlockTimes | None = None) -> tuple[Cost, ...]:
    """All costs that can be told: latency where there is a profile."""
    return PLAIN if profile is None else (*PLAIN, _Latency(profile))


_AMOUNT = r"\d[\d.,_]*\s*(?:%|(?:[kmg]i?b|b|[kmg]|[nuµμm]?s)(?![a-z]))?"
_BOUND = re.compile(rf"\s*({_AMOUNT}(?:\s*:\s*{_AMOUNT})?)(|\s+[a-z][a-z\d -]*)\s*", re.IGNORECASE | re.ASCII)
_MISPLACED = re.compile(r"\b(macs|multi-adds|params|parameters|weights|memory|latency)\b", re.IGNORECASE)


def split(text: str) -> tuple[str, str]:
    """What a user writes of one bound, such as ``256KB int8 memory``, as its amounts and the name of its cost.

    The name is empty where none is written; a time alone is of latency.

    Raises:
        BudgetError: there is a cost, but not in this order.
    """
    if match := _BOUND.fullmatch(text):
        amounts, name = match[1].strip(), match[2].strip()
        return amounts, name or ("latency" if re.search(r"\d\s*[nuµμm]?s$", amounts, re.I) else "")
    if _MISPLACED.search(text):
        raise BudgetError(
            f"cannot read the bound '{text.strip()}'; write an amount and then what it bounds, as in 256KB int8 memory"
        )
    return text.strip(), ""
