"""The examples of docs/guide/extending.md: each file is installed, its line registered, its program run."""

import contextlib
import importlib
import io
import re
import sys
import textwrap
import types
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

import seesaw_nas
from seesaw_nas import data, space
from seesaw_nas.cli.parts.verbs import app, load_verbs
from seesaw_nas.core.errors import DataError, OptionError, SpaceError
from seesaw_nas.core.options import option, options_of
from seesaw_nas.data.catalog import DATA_SETS
from seesaw_nas.evaluators import EVALUATORS
from seesaw_nas.evaluators.basis import Basis
from seesaw_nas.search import STRATEGIES, SearchSettings
from seesaw_nas.workflows.audit import names

ROOT = Path(seesaw_nas.__file__).parents[1]
PAGE = (ROOT / "docs" / "guide" / "extending.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Example:
    """What a section shows.

    Attributes:
        file: where the new file goes, from the root.
        code: what stands in it.
        registry: the file with the registry.
        table: the registry's name there.
        line: of the new one.
        use: a program that uses it.
    """

    file: Path
    code: str
    registry: Path
    table: str
    line: str
    use: str

    @classmethod
    def of(cls, title):
        _, section = re.split(rf"^## {title}\n", PAGE, flags=re.MULTILINE)
        code, line, use = re.findall(r"^```python\n(.*?)^```$", section.split("\n## ")[0], re.MULTILINE | re.DOTALL)
        (file,) = re.findall(r"\A# (\S+\.py)\n", code)
        ((registry, table),) = re.findall(r"\A# (\S+\.py), in (\w+)\n", line)
        return cls(Path(file), code, Path(registry), table, line, use)


def module_of(path):
    """The name under which a file of the package is imported."""
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Puts an example where its package finds it and its line into the registry; returns what its program prints."""
    monkeypatch.chdir(tmp_path)
    names = []

    def install(title):
        example = Example.of(title)
        assert not (ROOT / example.file).exists(), "the example would hide a file of the package"
        assert (ROOT / example.registry).is_file()
        package = importlib.import_module(module_of(example.file.parent / "__init__.py"))
        folder = tmp_path / "package"
        folder.mkdir()
        (folder / example.file.name).write_text(example.code, encoding="utf-8")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
        importlib.invalidate_caches()
        names.append((package, example.file.stem))
        module = importlib.import_module(module_of(example.registry))
        for name, entry in eval("{" + example.line + "}", dict(vars(module))).items():
            assert name not in getattr(module, example.table)
            monkeypatch.setitem(getattr(module, example.table), name, entry)
        assert f"{package.__name__}.{example.file.stem}" not in sys.modules, "it is loaded only when it is used"
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            exec(compile(example.use, "docs/guide/extending.md", "exec"), used := {})
        return used["result"], printed.getvalue()

    yield install
    for package, name in names:
        sys.modules.pop(f"{package.__name__}.{name}", None)
        vars(package).pop(name, None)


def test_a_strategy_is_one_file_and_one_line(installed):
    result, printed = installed("A strategy")
    assert [trial.origin for trial in result.trials] == ["cheapest of nine draws"] * 4
    assert len({trial.digest for trial in result.trials}) == 4
    assert printed.splitlines() == [f"{t.number} {t.macs} cheapest of nine draws" for t in result.trials]
    assert all(trial.macs <= 300_000 for trial in result.trials)
    with pytest.raises(OptionError, match="did you mean 'cheapest'"):
        SearchSettings.of(strategy="cheapst")


def test_an_evaluator_is_one_file_and_one_line(installed):
    result, printed = installed("An evaluator")
    assert [trial.state for trial in result.trials] == ["complete"] * 3
    assert all(0.3 < trial.top1 <= 1 for trial in result.trials), "by chance it would be 0.1"
    assert printed == f"{result.best.top1} linear probe, untrained\n"
    best = result.best
    assert result.problem.evaluator.evaluate(best.architecture, seed=best.seed).top1 == best.top1
    # what other parts of the package make of it, without having been told of it
    assert names.choose_evaluators(["probe"], [], "") == ["probe"]
    assert names.describe("probe") == "fits a linear classifier to the outputs of an untrained network"
    assert Basis.of(result.folder.description, "a").recipe == {}
    with pytest.raises(OptionError, match="did you mean 'probe'"):
        SearchSettings.of(evaluator="prope")


def test_a_data_set_is_one_file_and_one_line(installed):
    result, printed = installed("A data set")
    assert result.problem.subject.name == "stripes"
    assert (result.problem.subject.input, result.problem.subject.classes) == ((1, 16, 16), 4)
    assert result.problem.space.name == "seesaw-digits"
    assert printed == f"{result.best.top1} on 80 validation images\n"
    images, test = data.load("stripes"), data.load_test("stripes")
    assert [len(part) for part in (images.train, images.validation, test)] == [240, 80, 80]
    assert Basis.of(result.folder.description, "a").is_fixed
    with pytest.raises(DataError, match="stripes are 16 x 16 pixels, got image size 8; leave it out"):
        data.load("stripes", image_size=8)
    with pytest.raises(DataError, match="stripes needs no --cache-dir"):
        data.load("stripes", cache_dir=Path())


def blocks_of(title):
    """The Python blocks of a section, each with the file that its first line names."""
    _, section = re.split(rf"^## {title}\n", PAGE, flags=re.MULTILINE)
    code = re.findall(r"^```python\n(.*?)^```$", section.split("\n## ")[0], re.MULTILINE | re.DOTALL)
    return [(re.match(r"# (\S+\.py)", block)[1], block) for block in code]


def test_an_option_is_one_field():
    ((file, code),) = blocks_of("An option")
    topic = importlib.import_module(module_of(Path(file))).Scheduling
    source = "class Later(Scheduling):\n" + textwrap.indent(code, "    ")
    exec(source, names := {"Scheduling": topic, "option": option})
    later = dataclass(frozen=True, slots=True)(names["Later"])
    (added,) = [one for one in options_of(later) if one.field not in {one.field for one in options_of(topic)}]
    assert (added.name, added.type, added.default, added.option.changeable) == ("patience", int, 0, True)
    assert later(patience=3).patience == 3
    with pytest.raises(OptionError, match=r"^--patience must be at least 0, got -1$"):
        later(patience=-1)


def test_a_command_is_one_file_its_function_and_one_import(monkeypatch):
    load_verbs()
    (function, work), (verb, parsing), (line, imported) = blocks_of("A command")
    assert line == "seesaw_nas/api.py"
    for file, code in ((function, work), (verb, parsing)):
        assert not (ROOT / file).exists(), "the example would hide a file of the package"
        module = types.ModuleType(module_of(Path(file)))
        monkeypatch.setitem(sys.modules, module.__name__, module)
        package, _, name = module.__name__.rpartition(".")
        monkeypatch.setattr(importlib.import_module(package), name, module, raising=False)
        monkeypatch.setattr(app, "registered_commands", [*app.registered_commands])
        exec(compile(code, file, "exec"), vars(module))
    exec(imported, used := {})
    assert used["count"]("seesaw-digits", "100%") == space.load("seesaw-digits").size
    done = CliRunner().invoke(app, ["count", "seesaw-digits"])
    assert (done.exit_code, done.output) == (0, f"{space.load('seesaw-digits').size:,}\n")
    assert "Count the architectures of a space that fit a budget." in CliRunner().invoke(app, ["--help"]).output
    wrong = CliRunner().invoke(app, ["count", "seesaw-digit"])
    assert isinstance(wrong.exception, SpaceError)


@pytest.mark.parametrize(("registry", "folder"), [
    (STRATEGIES, "search/strategies"), (EVALUATORS, "evaluators"), (DATA_SETS, "data"),
])  # fmt: skip
def test_every_line_has_its_file_and_says_what_it_is(registry, folder):
    for name, entry in registry.items():
        text = (ROOT / "seesaw_nas" / folder / f"{entry.module}.py").read_text(encoding="utf-8")
        assert re.search(r"^(def make\(|make = )", text, re.MULTILINE), f"the file of {name} has no function make"
        assert entry.what


def test_the_page_is_linked():
    assert "docs/guide/extending.md" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "(extending.md)" in (ROOT / "docs" / "guide" / "index.md").read_text(encoding="utf-8")
