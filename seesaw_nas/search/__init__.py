"""Which architecture next (strategies), and where and how it is tried (the loop over a run's trial history).

The settings know all that a search may be asked for; they are loaded when they are first asked for, so that looking at
a history costs its own files alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from seesaw_nas.search.settings import SearchSettings
    from seesaw_nas.search.strategies import DEFAULT_STRATEGY, STRATEGIES

__all__ = ["DEFAULT_STRATEGY", "STRATEGIES", "SearchSettings"]

_FILES = {"SearchSettings": "settings", "DEFAULT_STRATEGY": "strategies", "STRATEGIES": "strategies"}


def __getattr__(name: str) -> Any:
    if name not in _FILES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_FILES[name]}"), name)
