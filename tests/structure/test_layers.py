"""The structure of the package: which entries there are, what each may import, and where the heavy libraries are."""

import subprocess
import sys
from pathlib import Path

import pytest
from house import House, Module

import seesaw_nas

ROOT = Path(seesaw_nas.__file__).parents[1]
HOUSE = House(ROOT)
MODULES = list(HOUSE.modules.values())

# From the bottom to the top: each entry imports those before it alone.
ENTRIES = (
    "core", "pareto", "architecture", "space", "data", "network", "training", "evaluators", "deploy", "search",
    "report", "workflows", "api", "cli",
)  # fmt: skip
OUTSIDE = ("__init__", "__main__")  # the version; the command line as a module

# Where each library may be imported; those that are not named here may be wherever torch is.
HOMES = {
    "optuna": ("search/",),
    "optuna_dashboard": ("workflows/dashboard.py",),
    "pandas": ("report/",),
    "plotly": ("report/",),
    "fvcore": ("network/counters/fvcore.py",),
    "thop": ("network/counters/thop.py",),
    "ptflops": ("network/counters/ptflops.py",),
    "torchinfo": ("network/counters/torchinfo.py",),
    "torchprofile": ("network/counters/torchprofile.py",),
    "calflops": ("network/counters/calflops.py",),
    "onnx_tool": ("network/counters/onnx_tool.py",),
    "ray": ("search/engines/ray_tune/",),
    "typer": ("cli/",),
    "sklearn": ("data/", "search/estimates/predictor.py", "deploy/profiling/fit.py"),
    "pooch": ("data/",),
    "PIL": ("data/", "deploy/export/example.py"),
    "onnxruntime": (
        "deploy/runtimes/onnxruntime.py",
        "deploy/profiling/time_networks.py",
        "deploy/quantization/onnxruntime.py",
    ),
    "openvino": ("deploy/runtimes/openvino.py", "deploy/quantization/openvino.py"),
    "nncf": "deploy/quantization/openvino.py",
    "ncnn": ("deploy/runtimes/ncnn.py",),
    "pnnx": ("deploy/runtimes/ncnn.py",),
    "MNN": ("deploy/runtimes/mnn.py",),
    "litert_torch": ("deploy/runtimes/litert.py",),
    "ai_edge_litert": ("deploy/runtimes/litert.py",),
    "executorch": ("deploy/runtimes/executorch.py",),
    "tensorboardX": ("training/events.py",),
    "pyarrow": ("evaluators/table.py",),
}
MOST_INSIDE_FUNCTIONS = 30
# Functions above 45 lines or 12 parameters, each with the reason.
OVERSIZED = {
    "seesaw_nas.cli.report.report": "what a caller may choose of a page, its files, or one figure for a paper",
    "seesaw_nas.training.loop.train": "what a caller may choose or watch of a training",
    "seesaw_nas.workflows.train.train": "what a caller may choose or watch of a training",
}
# Names of files that say one thing each; any of them stands at most once in the whole package.
ONE_FILE_EACH = ("training", "progress", "agreement", "parallel", "reading", "scoring", "settings", "step")
TEST_FOLDERS = {"structure", "docs", "benchmarks", "gpu", "pretend_gpu"}  # of tests that belong to no single entry


def within(module: Module) -> str:
    return module.path.relative_to(ROOT / "seesaw_nas").as_posix()


def test_the_package_has_exactly_these_entries():
    assert set(HOUSE.entries) - set(OUTSIDE) == set(ENTRIES)


@pytest.mark.parametrize("module", MODULES, ids=within)
def test_imports_run_downwards(module):
    targets = {HOUSE.modules[name].entry for name in HOUSE.arrows[module.name]}
    if module.entry == "__init__":
        assert not targets, "the package itself imports nothing, so that any part of it loads alone"
    elif module.entry in ENTRIES:
        above = {entry for entry in targets if ENTRIES.index(entry) > ENTRIES.index(module.entry)}
        assert not above, f"{within(module)} imports {above} from above it"


def test_no_modules_import_each_other():
    assert HOUSE.circles == []


def test_few_imports_of_our_own_stand_inside_functions():
    assert len(HOUSE.inside_functions) <= MOST_INSIDE_FUNCTIONS, "\n".join(HOUSE.inside_functions)


def test_functions_are_short_and_exceptions_have_a_reason():
    assert set(HOUSE.oversized) == set(OVERSIZED)


def test_a_class_name_means_one_class():
    twice = {name: homes for name, homes in HOUSE.classes.items() if len(homes) > 1}
    assert not twice, f"give each of these classes its own name: {twice}"
    assert len(HOUSE.classes) > 100  # they were read


@pytest.mark.parametrize("stem", ONE_FILE_EACH)
def test_a_file_name_means_one_file(stem):
    files = [within(module) for module in MODULES if module.path.stem == stem]
    assert len(files) <= 1, f"{stem}.py stands at {files}; name each by what it does"


@pytest.mark.parametrize("library", HOMES)
def test_a_library_is_imported_at_its_home_only(library):
    users = {within(module) for module in MODULES if library in {name.split(".")[0] for name, _ in module.imports}}
    assert all(user.startswith(HOMES[library]) for user in users), f"{library} is imported by {users}"
    assert users, f"nothing imports {library}"


def test_tests_mirror_the_packages():
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and list(path.rglob("*.py"))}
    assert folders == {entry for entry in ENTRIES if entry != "api"} | TEST_FOLDERS
    assert sorted(path.name for path in (ROOT / "tests").glob("test_*.py")) == ["test_api.py"]


def test_the_readme_s_map_names_every_entry():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    missing = [entry for entry in ENTRIES if f"{entry}/" not in text and f"{entry}.py" not in text]
    assert not missing


def test_each_verb_has_its_file_and_its_function_in_api():
    from seesaw_nas import api
    from seesaw_nas.cli.parts.verbs import app, load_verbs

    load_verbs()
    registered = [command.name or command.callback.__name__ for command in app.registered_commands]
    files = {path.stem for path in (ROOT / "seesaw_nas" / "cli").glob("*.py")} - {"__init__", "main"}
    assert set(registered) == files
    assert len(registered) == len(files)
    assert [name for name in registered if name not in api.__all__ or not callable(getattr(api, name))] == []


LIGHT = """
import sys
sys.argv = ["seesaw-nas", *sys.argv[2:]] if (what := sys.argv[1]) == "cli" else sys.argv
if what == "cli":
    from seesaw_nas.cli import main
    try:
        main()
    except SystemExit as end:
        assert not end.code, end.code
else:
    import importlib
    for name in sys.argv[2:]:
        importlib.import_module(name)
heavy = {"torch", "optuna", "pandas", "plotly", "ray", "fvcore", "thop", "sklearn", "PIL", "pooch", "onnxruntime",
         "openvino", "ncnn", "MNN", "litert_torch", "executorch"}
print("loaded:", sorted((heavy | {"numpy", "pydantic"}) & set(sys.modules)))
"""


def loaded_by(*arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", LIGHT, *arguments],
        capture_output=True, text=True, check=False, timeout=60, cwd=ROOT,
    )  # fmt: skip
    assert ended.stderr == ""
    return ended.stdout


@pytest.mark.parametrize(
    ("arguments", "loaded"),
    [
        (["--help"], []),
        (["search", "--help"], []),
        (["show", "seesaw-shuffle-0.5d"], []),
        (["show", "igcv3-0.5d", "--json"], []),
    ],
)
def test_help_and_show_load_nothing_heavy(arguments, loaded):
    said = loaded_by("cli", *arguments)
    assert said.endswith(f"loaded: {loaded}\n")
    assert len(said.splitlines()) > 10  # it did print what was asked for


def test_status_loads_nothing_heavy(tmp_path):
    (tmp_path / "run.json").write_text('{"settings": {"trials": 3}}')
    (tmp_path / "trials.jsonl").write_text(
        '{"schema_version":1,"study":"a","objectives":"front","budget":[0,9],"genes":{}}\n'
        '{"propose":0,"genes":"","origin":"","attempts":1,"seed":1}\n'
    )
    said = loaded_by("cli", "status", str(tmp_path))
    assert "trials  1 of 3 begun: 1 running\n" in said
    assert said.endswith("goes on with it\nloaded: []\n")


TORCH = {"seesaw_nas.core.device"}  # what needs torch among the packages below data
WITHOUT_TORCH = [
    module.name
    for module in MODULES
    if module.entry in ("core", "pareto", "architecture", "space") and module.name not in TORCH
]
SETTINGS = [
    "seesaw_nas.training.recipes", "seesaw_nas.training.options", "seesaw_nas.evaluators.basis",
    "seesaw_nas.evaluators.differences", "seesaw_nas.search.settings", "seesaw_nas.search.records",
    "seesaw_nas.evaluators", "seesaw_nas.data", "seesaw_nas.search.strategies",
]  # fmt: skip


def test_values_load_without_torch():
    assert loaded_by("import", *WITHOUT_TORCH, *SETTINGS).strip() in ("loaded: ['numpy']", "loaded: []")


def test_an_architecture_and_its_cost_load_without_numpy():
    names = [module.name for module in MODULES if module.entry == "architecture"]
    assert loaded_by("import", *names) == "loaded: []\n"
