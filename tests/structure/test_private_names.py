"""Private names of Optuna stand in one file."""

import ast
from pathlib import Path

import pytest
from house import House

import seesaw_nas

HOUSE = House(Path(seesaw_nas.__file__).parents[1])
HOME = "seesaw_nas.search.history.optuna_private"
OWN = ("self", "cls", "super()")  # whose private names are the file's own
PUBLIC = ("_replace", "_asdict", "_fields", "_exit")  # of named tuples, and of the module os


def private_names(tree):
    """What a file takes of other objects and modules by a name with an underscore before it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) not in OWN and node.attr not in PUBLIC:
            names = [node.attr]
        elif isinstance(node, ast.ImportFrom):
            names = [*node.module.split("."), *(alias.name for alias in node.names)]
        elif isinstance(node, ast.Import):
            names = [part for alias in node.names for part in alias.name.split(".")]
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "setattr", "hasattr"):
            names = [node.args[1].value] if isinstance(node.args[1], ast.Constant) else []
        else:
            continue
        yield from (name for name in names if name.startswith("_") and not name.startswith("__"))


def handles_optuna(module):
    """Whether it imports Optuna, or belongs to the package that does and may be handed its objects."""
    return module.entry == "search" or any(name.split(".")[0] == "optuna" for name, _ in module.imports)


@pytest.mark.parametrize(
    "module", [module for module in HOUSE.modules.values() if handles_optuna(module)], ids=lambda module: module.name
)
def test_no_other_file_uses_a_private_name(module):
    found = sorted(set(private_names(module.tree)))
    assert module.name == HOME or not found, f"{module.name} uses {found}; give each a function in {HOME}"


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("study._storage.get_trial(0)", ["_storage"]),
        ("self.study._storage", ["_storage"]),
        ("self._storage", []),
        ("from optuna.study._tell import tell", ["_tell"]),
        ("import optuna._imports", ["_imports"]),
        ("getattr(trial, '_trial_id')", ["_trial_id"]),
        ("trial.number, __name__", []),
    ],
)
def test_private_names_are_seen(line, names):
    assert list(private_names(ast.parse(line))) == names
