"""The wheel: what a user without a clone gets."""

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SPACES = {"seesaw-cifar", "seesaw-cifar-tiny", "seesaw-digits", "seesaw-imagenet"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The wheel, unpacked where nothing else of the clone is."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([sys.executable, "-m", "pip", *build], check=True, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(installed, cwd, *arguments):
    code = "import sys; sys.argv[0] = 'seesaw-nas'; from seesaw_nas.cli import main; main()"
    environment = os.environ | {"PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_it_carries_the_spaces_the_schema_and_the_types_marker(installed):
    package = installed / "seesaw_nas"
    assert {path.stem for path in (package / "search_spaces").glob("*.toml")} == SPACES
    assert json.loads((package / "architecture.schema.json").read_text())["$schema"]
    assert (package / "py.typed").exists()
    assert (package / "deploy" / "export" / "example.py").exists()
    assert not (installed / "tests").exists()
    (metadata,) = installed.glob("seesaw_nas-*.dist-info/METADATA")
    fields, _, readme = metadata.read_text(encoding="utf-8").partition("\n\n")
    assert "Project-URL: " in fields
    assert readme.startswith("# seesaw-nas\n")
    assert re.findall(r"\]\((?!https?:|#)", readme) == [], "links that lead nowhere on an index page"


@pytest.mark.thorough
def test_it_works_from_an_empty_folder(installed, tmp_path):
    rows = json.loads(run(installed, tmp_path, "spaces", "--budget", "60%", "--json"))["spaces"]
    assert {row["name"] for row in rows} == SPACES
    assert all(0 < row["fitting"] < row["architectures"] for row in rows)
    shown = json.loads(run(installed, tmp_path, "show", "seesaw-shuffle-0.5d@cifar10", "--json"))
    assert shown["macs"] == 108_212_736
    assert list(tmp_path.iterdir()) == []
