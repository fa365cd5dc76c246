"""Every script under benchmarks/ still fits the package: what it imports is there, and it says what it is for."""

import ast
import importlib
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import seesaw_nas

FOLDER = Path(seesaw_nas.__file__).parent.parent / "benchmarks"
SCRIPTS = sorted(FOLDER.glob("*.py"))
FILES = sorted(FOLDER.rglob("*.py"))
pytestmark = [
    pytest.mark.skipif(not SCRIPTS, reason="benchmarks/ is in a clone alone"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of libraries, when they are imported
]


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """Modules of the package and the names taken from them, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("seesaw_nas"):
            yield from ((str(node.module), alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name.startswith("seesaw_nas"))


def is_there(module: str, name: str) -> bool:
    try:
        if not name or hasattr(importlib.import_module(module), name):
            return bool(importlib.import_module(module))
        return bool(importlib.import_module(f"{module}.{name}"))
    except ModuleNotFoundError:
        return False


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_all_that_a_script_takes_from_the_package_is_there(path):
    assert not [f"{module}: {name}" for module, name in imported(path) if not is_there(module, name)]


def test_what_is_gone_is_noticed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "def late():\n    from seesaw_nas.absent.rank import tau_b\n    from seesaw_nas import space, absent\n"
    )
    assert [pair for pair in imported(script) if not is_there(*pair)] == [
        ("seesaw_nas.absent.rank", "tau_b"),
        ("seesaw_nas", "absent"),
    ]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_says_what_it_is_for(path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(path), "--help"])
    monkeypatch.syspath_prepend(str(path.parent))
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(path), run_name="__main__")
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert said.startswith(f"usage: {path.name}")
    assert "options:" in said
