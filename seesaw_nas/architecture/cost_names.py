"""The names of what networks cost, and how users write them. Loads without numpy."""

from __future__ import annotations

from seesaw_nas.architecture.elements import ELEMENT_TYPES
from seesaw_nas.core.errors import BudgetError, known

NAMES = ("macs", "params", "weights", "int8 weights", "memory", "int8 memory", "latency")
"""The names of all costs, as a budget has them."""

_ALIASES = {
    "": "macs", "mac": "macs", "madds": "macs", "multi-adds": "macs", "param": "params", "parameters": "params",
    "weight": "weights", "flash": "weights", "ram": "memory", "sram": "memory",
}  # fmt: skip


def full_name(name: str) -> str:
    """The name of a cost as :data:`NAMES` has it, from one that a user writes.

    Raises:
        BudgetError: there is no such cost.
    """
    words = name.lower().split()
    types = [word for word in words if word in ELEMENT_TYPES]
    rest = " ".join(word for word in words if word not in types)
    if types and not rest:
        raise BudgetError(f"'{name}' is the type of what? write '{types[0]} memory' or '{types[0]} weights'")
    found = typed(_ALIASES.get(rest, rest), types[0] if types else "float32")
    if found not in NAMES:
        raise BudgetError(known("cost", name, NAMES))
    return found


def typed(word: str, element: str) -> str:
    """The name of a cost that goes by the type of elements."""
    return word if element == "float32" else f"{element} {word}"
