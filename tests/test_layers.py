"""Imports run downwards only, and the heavy libraries stay where they are needed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import seesaw_nas

PACKAGE = Path(seesaw_nas.__file__).parent

# From the bottom to the top. A module may import those of lower rows and those to its left.
ROWS = (
    ("errors", "optional", "units", "files", "fields"),
    ("spec", "pareto", "kendall", "preprocessing"),
    ("cost", "space"),
    ("ops", "wiring", "tiling"),
    (
        "reference",
        "specfile",
        "models",
        "flat",
        "tally",
        "baselines",
        "comparison",
        "witness",
        "allocator",
        "deploy",
        "fast",
    ),
    (
        "conditions",
        "device",
        "parallel",
        "graphs",
        "recipes",
        "execution",
        "kernels",
        "basis",
        "differences",
        "memory",
        "data",
        "records",
        "checkpoints",
    ),
    (
        "signals",
        "accuracy",
        "recalibration",
        "averaging",
        "parameters",
        "losses",
        "batches",
        "sgd",
        "rehearsal",
        "preparation",
        "training",
        "timing",
    ),
    ("supernet", "proxies", "evaluate", "events", "final"),
    ("export", "predict", "latency", "scoring"),
    ("search",),
    ("audit",),
    ("report",),
    (
        "confirmation",
        "progress",
        "problem",
        "plan",
        "supernets",
        "stages",
        "results",
        "tabulate",
        "bench",
        "auditing",
        "tuner",
        "searches",
    ),
    ("api", "cli", "__main__"),
)
ORDER = [name for row in ROWS for name in row]

# Where each library may be imported; those that are not named here may be wherever torch is.
HOMES = {
    "optuna": ("search/",),
    "optuna_dashboard": ("cli/watching.py",),
    "pandas": ("report/",),
    "plotly": ("report/",),
    "fvcore": ("witness.py",),
    "thop": ("witness.py",),
    "ray": ("search/engines/ray_tune.py",),
    "typer": ("cli/",),
    "sklearn": ("data/", "search/predictor.py"),
    "pooch": ("data/",),
    "PIL": ("data/", "export/example.py"),
    "onnxruntime": ("export/",),
    "tensorboardX": ("events.py",),
    "pyarrow": ("evaluate/table.py",),
}
FILES = sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Full names of what a file imports anywhere in it, also inside functions and for types only."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name} imports relatively, which hides the layer"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def unit(path: Path) -> str:
    """The module or folder of the package that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def own(path: Path) -> set[str]:
    names = (name.split(".") for name in imported(path) if name.startswith("seesaw_nas."))
    return {parts[1] for parts in names if parts[1] in ORDER}  # that all are is a test of its own


def test_every_module_has_its_place():
    assert {unit(path) for path in FILES} - {"__init__"} == set(ORDER), "put a new module into ROWS"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards(path):
    here = unit(path)
    if here == "__init__":
        assert not own(path), "the package itself imports nothing, so that any part of it loads alone"
        return
    above = {name for name in own(path) if ORDER.index(name) > ORDER.index(here)}
    assert not above, f"{path.relative_to(PACKAGE)} imports {above} from above it"


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_at_its_home_only(library):
    users = {
        path.relative_to(PACKAGE).as_posix() for path in FILES if library in {n.split(".")[0] for n in imported(path)}
    }
    assert all(user.startswith(HOMES[library]) for user in users), f"{library} is imported by {users}"
    assert bool(users) == bool(HOMES[library]), f"nothing imports {library}"


LIGHT = """
import sys
import seesaw_nas
from seesaw_nas.training import basis, differences, recipes
from seesaw_nas.core import conditions, errors
from seesaw_nas.architecture import cost, reference
from seesaw_nas import evaluators, pareto
from seesaw_nas.search import records
from seesaw_nas import space
from seesaw_nas.architecture import spec
from seesaw_nas.deploy import export
from seesaw_nas.architecture import specfile
from seesaw_nas.core import units
from seesaw_nas.cli import main
sys.argv = ["seesaw-nas", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
heavy = {"torch", "optuna", "pandas", "plotly", "ray", "fvcore", "thop", "sklearn", "PIL", "pooch", "onnxruntime"}
print("loaded:", sorted(heavy & set(sys.modules)))
"""


@pytest.mark.parametrize("arguments", [["--help"], ["show", "seesaw-shuffle-0.5d"], ["show", "igcv3-0.5d", "--json"]])
def test_values_and_show_load_nothing_heavy(arguments):
    ended = subprocess.run(
        [sys.executable, "-c", LIGHT, *arguments],
        capture_output=True, text=True, check=False, timeout=60, cwd=PACKAGE.parent,
    )  # fmt: skip
    assert ended.stderr == ""
    assert ended.stdout.endswith("loaded: []\n")
    assert len(ended.stdout.splitlines()) > 10  # it did print what was asked for
