"""The structure of the package, read from its files: python tests/structure/house.py [ROOT]

Prints the entries under ``seesaw_nas/``, the floors that their imports make, the arrows between them, circles, imports
of our own modules inside functions, and functions over the limits. Imports inside functions and for types only count
like any other.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

PACKAGE = "seesaw_nas"
MOST_LINES, MOST_PARAMETERS = 45, 12


@dataclass(frozen=True)
class Module:
    """A file of the package.

    Attributes:
        name: in full, ``seesaw_nas.core.units``; of a package without ``__init__``.
    """

    name: str
    path: Path

    @property
    def entry(self) -> str:
        """What it belongs to directly under the package; of the package itself ``__init__``."""
        return self.name.split(".")[1] if "." in self.name else "__init__"

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(encoding="utf-8"))

    @cached_property
    def functions(self) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]

    @cached_property
    def imports(self) -> list[tuple[str, bool]]:
        """Full names of what it imports, whatever they are, and whether inside a function."""
        inside = {id(node) for function in self.functions for node in ast.walk(function)}
        return [(name, id(node) in inside) for node in ast.walk(self.tree) for name in _names(node)]


def _names(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        assert node.level == 0, "a relative import hides where it leads"
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


@dataclass(frozen=True)
class House:
    """All files of the package, and how they import each other."""

    root: Path
    modules: dict[str, Module] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path in sorted((self.root / PACKAGE).rglob("*.py")):
            parts = path.relative_to(self.root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            self.modules[name] = Module(name, path)

    def home_of(self, name: str) -> str:
        """The module that a full name is in; empty outside the package."""
        while name and name not in self.modules:
            name = name.rpartition(".")[0]
        return name

    @cached_property
    def arrows(self) -> dict[str, set[str]]:
        """The modules that each module imports."""
        found = {module.name: {self.home_of(name) for name, _ in module.imports} for module in self.modules.values()}
        return {name: targets - {"", PACKAGE, name} for name, targets in found.items()}

    @cached_property
    def entries(self) -> dict[str, set[str]]:
        """The entries that each entry imports."""
        found: dict[str, set[str]] = {module.entry: set() for module in self.modules.values()}
        for name, targets in self.arrows.items():
            here = self.modules[name].entry
            found[here] |= {self.modules[target].entry for target in targets} - {here}
        return found

    @cached_property
    def circles(self) -> list[list[str]]:
        """Modules that import each other, directly or by way of others."""
        reached = {name: _reach(self.arrows, name) for name in self.modules}
        groups = {frozenset(m for m in reached[name] if name in reached[m]) for name in self.modules}
        return sorted(sorted(group) for group in groups if group)

    def job_of(self, entry: str) -> str:
        """The first line of an entry's docstring."""
        return (ast.get_docstring(self.modules[f"{PACKAGE}.{entry}"].tree) or "").partition("\n")[0].rstrip(".")

    def below(self, entry: str) -> set[str]:
        """Every entry that an entry imports, directly or by way of others."""
        return _reach(self.entries, entry)

    def floor_of(self, entry: str) -> int:
        """Entries on the longest way down from this one, itself included; circles end the way."""
        return self._height(entry, ())

    def _height(self, entry: str, above: tuple[str, ...]) -> int:
        below = self.entries[entry] - set(above)
        return 1 + max((self._height(other, (*above, entry)) for other in below), default=0)

    @cached_property
    def classes(self) -> dict[str, list[str]]:
        """The files that define each class, but for private ones, at any depth of nesting."""
        homes: dict[str, list[str]] = {}
        for module in self.modules.values():
            for node in ast.walk(module.tree):
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    homes.setdefault(node.name, []).append(module.path.relative_to(self.root).as_posix())
        return homes

    @cached_property
    def floors(self) -> int:
        """The floor of the highest entry."""
        return max(self.floor_of(entry) for entry in self.entries if not entry.startswith("__"))

    @cached_property
    def inside_functions(self) -> list[str]:
        """Imports of our own modules inside functions, as ``where: what``."""
        return [
            f"{module.name}: {name}"
            for module in self.modules.values()
            for name, inside in module.imports
            if inside and self.home_of(name)
        ]

    @cached_property
    def oversized(self) -> list[str]:
        """Functions over the limits, as ``module.function``."""
        return [
            f"{module.name}.{function.name}"
            for module in self.modules.values()
            for function in module.functions
            if lines_of(function) > MOST_LINES or parameters_of(function) > MOST_PARAMETERS
        ]


def _reach(graph: dict[str, set[str]], start: str) -> set[str]:
    """All that can be reached from a node; itself only by a circle."""
    reached: set[str] = set()
    left = [start]
    while left:
        new = graph[left.pop()] - reached
        reached |= new
        left += new
    return reached


def lines_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from the first to the last of the body, without the docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def parameters_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    arguments = function.args
    named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return len([argument for argument in named if argument.arg not in ("self", "cls")])


def main() -> None:
    """Print the structure of the package in a folder."""
    house = House(Path(sys.argv[1]) if sys.argv[1:] else Path(__file__).resolve().parents[2])
    entries = sorted(entry for entry in house.entries if not entry.startswith("__"))
    functions = sum(len(module.functions) for module in house.modules.values())
    print(f"entries             {len(entries)}: {', '.join(entries)}")
    print(f"files, functions    {len(house.modules)}, {functions}")
    print(f"floors              {house.floors}")
    print(f"arrows              {sum(map(len, house.entries.values()))} between entries")
    print(f"circles             {len(house.circles)}")
    print(f"function-level      {len(house.inside_functions)} imports of our own modules")
    print(f"over the limits     {len(house.oversized)} functions of more than {MOST_LINES} lines or "
          f"{MOST_PARAMETERS} parameters")  # fmt: skip
    for title, lines in (("circle", map(" - ".join, house.circles)), ("function-level", house.inside_functions),
                         ("over the limits", house.oversized)):  # fmt: skip
        for line in lines:
            print(f"    {title}: {line}")


if __name__ == "__main__":
    main()
