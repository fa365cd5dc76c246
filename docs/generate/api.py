"""The reference for programs: what mkdocstrings is to show, from the modules' own lists of what they offer."""

from __future__ import annotations

import importlib

MODULES = (  # in the order of the page, each with what it is for
    ("seesaw_nas.api", "Every command as a function, and the `Tuner` for loops of your own."),
    ("seesaw_nas.space", "Search spaces: exact counts, draws, mutation and crossover within a budget."),
    ("seesaw_nas.evaluators", "How good an architecture is."),
)
PARTS = (  # modules that offer everything whose name has no underscore
    ("seesaw_nas.architecture.spec", "An architecture, piece by piece; an invalid one cannot exist."),
    ("seesaw_nas.architecture.cost", "Exact Multi-Adds and Params, by arithmetic."),
)


def page() -> str:
    """A section for each module, with an entry for each name that it offers."""
    parts = []
    for module, what in MODULES:
        own = importlib.import_module(module)
        names = [name for name in own.__all__ if callable(getattr(own, name))]  # constants have no page
        parts += [f"## {module}", "", what, "", *(f"::: {module}.{name}\n" for name in sorted(names, key=_order))]
    for module, what in PARTS:
        own = importlib.import_module(module)
        names = [name for name, value in vars(own).items() if getattr(value, "__module__", "") == module]
        parts += [f"## {module}", "", what, "", *(f"::: {module}.{name}\n" for name in names if name[0] != "_")]
    return "\n".join(parts)


def _order(name: str) -> tuple[bool, str]:
    """Functions before classes, each by name."""
    return not name.islower(), name
