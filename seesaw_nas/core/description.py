"""Types of what a run's ``run.json`` and a table's metadata say; a record of an earlier release has fewer fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seesaw_nas.core.errors import SpecError
from seesaw_nas.core.fields import at_path, check_int, take_fields
from seesaw_nas.core.typed import conform

_FIELDS: dict[str, Any] = {  # others are left as they are: a later release may add some
    "kind": str,
    "given": tuple[str, ...],
    "settings": Mapping[str, Any],
    "budget": Mapping[str, Any],
    "latency_profile": Mapping[str, Any],
    "space": str,
    "space_digest": str,
    "space_file": str,
    "recipe": Mapping[str, Any],
    "images": Mapping[str, Any],
    "evaluator_file": str,
    "conditions": Mapping[str, str],
    "sampling": str,
    "epochs": int,
    "seeds": int,
    "digest": str,
}
_PLAIN = str | int | float | bool | None


def check_fields(description: Mapping[str, Any]) -> None:
    """Hold the fields that are there against their types.

    Raises:
        SpecError: one has another type; the path names it.
    """
    for name, kind in _FIELDS.items():
        if name in description:
            conform(name, kind, description[name])
    settings = description.get("settings", {})
    for name, value in settings.items():
        with at_path("settings"):
            for entry in value if isinstance(value, list) else [value]:
                if not isinstance(entry, _PLAIN):
                    raise SpecError("a text, a number or a list of them is wanted", name)
    with at_path("settings"):
        if "trials" in settings:
            check_int("trials", settings["trials"], 1)
    if "budget" in description:
        _check_budget(description["budget"])


def _check_budget(budget: Mapping[str, Any]) -> None:
    found = take_fields(budget, ["low", "high"], optional=["by_macs", "others"])
    with at_path("budget"):
        _check_ends(found)
        conform("by_macs", bool, found.get("by_macs", True))
        conform("others", tuple[Mapping[str, Any], ...], found.get("others", []))
        for number, other in enumerate(found.get("others", [])):
            with at_path(f"others[{number}]"):
                conform("cost", str, take_fields(other, ["cost", "low", "high"])["cost"])
                _check_ends(other)
                if not other["high"]:
                    raise SpecError("a number above 0 is wanted, got 0", "high")


def _check_ends(bound: Mapping[str, Any]) -> None:
    low, high = bound["low"], bound["high"]
    for name in ("low", "high"):
        conform(name, int, bound[name])
    if not 0 <= low <= high:
        raise SpecError(f"its low end must lie between 0 and its high one, got {low} and {high}")
