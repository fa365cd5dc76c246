"""How objectives are written: ``front``, ``top1``, or ``top1,COST``. Loads without numpy, as ``--help`` does."""

from __future__ import annotations

from seesaw_nas.architecture.cost_names import NAMES, full_name
from seesaw_nas.core.errors import BudgetError, OptionError, known

FRONT, TOP1 = "front", "top1"
PREFIX = f"{TOP1},"  # before the cost of another front than that of Multi-Adds


def read(text: str) -> str:
    """Objectives in the form that is kept: ``top1,macs`` is ``front``, and a cost has its own name.

    Raises:
        OptionError: they are none of those that there are.
    """
    written = text.strip().lower()
    if written in (FRONT, TOP1):
        return written
    first, comma, name = written.partition(",")
    if first.strip() != TOP1 or not comma:
        raise OptionError(known("objectives", text, (FRONT, TOP1, f"{PREFIX}COST")))
    name = name.strip()
    if "," in name:
        raise OptionError(f"--objectives {text}: a front is of {TOP1} and one cost; write {PREFIX}{name.split(',')[0]}")
    try:
        found = full_name(name) if name else ""
    except BudgetError:
        found = ""
    if not found:
        raise OptionError(f"--objectives {text}: {known('cost', name, NAMES)}")
    return FRONT if found == "macs" else PREFIX + found
