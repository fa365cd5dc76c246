import os
import platform
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from importlib import metadata

import pytest

from seesaw_nas import __version__
from seesaw_nas import conditions as module
from seesaw_nas.conditions import conditions

SOURCE = "import pathlib"
needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(folder, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def clone(tmp_path, monkeypatch):
    """A repository with one commit, as if the package ran from it."""
    package = tmp_path / "seesaw_nas"
    package.mkdir()
    (package / "conditions.py").write_text(SOURCE)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    monkeypatch.setattr(module, "__file__", str(package / "conditions.py"))
    return package / "conditions.py"


def test_conditions_are_texts_and_name_what_a_reader_needs():
    found = conditions("NVIDIA H200")
    where = {"created", "device", "processor", "cores", "system"}
    assert set(found) == where | {"python", "seesaw_nas", "commit", "torch", "optuna", "numpy"}
    assert all(isinstance(value, str) and value for value in found.values())
    assert found["device"] == "NVIDIA H200"
    assert found["python"] == platform.python_version()
    assert found["seesaw_nas"] == __version__
    assert found["torch"] == metadata.version("torch")
    assert 1 <= int(found["cores"]) <= os.cpu_count()


def test_further_packages_are_named_when_asked_for():
    found = conditions("cpu", "pytest", "no-such-package-here")
    assert found["pytest"] == metadata.version("pytest")
    assert found["no-such-package-here"] == "not installed"


def test_time_is_now_in_utc():
    created = datetime.fromisoformat(conditions()["created"])
    assert created.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - created) < timedelta(minutes=1)


def test_missing_package_is_said_to_be_missing(monkeypatch):
    monkeypatch.setattr(module, "PACKAGES", ("no-such-package-here",))
    assert conditions()["no-such-package-here"] == "not installed"


@needs_git
def test_commit_of_a_clean_clone_is_given(tmp_path, monkeypatch):
    clone(tmp_path, monkeypatch)
    assert re.fullmatch(r"[0-9a-f]{12}", conditions()["commit"])


@needs_git
def test_changed_files_are_marked_and_new_ones_are_not(tmp_path, monkeypatch):
    source = clone(tmp_path, monkeypatch)
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "note").write_text("")
    assert conditions()["commit"].endswith("+changes") is False
    source.write_text(SOURCE + ", sys")
    assert re.fullmatch(r"[0-9a-f]{12}\+changes", conditions()["commit"])


def test_no_commit_outside_a_clone_or_without_git(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "__file__", str(tmp_path / "seesaw_nas" / "conditions.py"))
    assert conditions()["commit"] == "none"
    (tmp_path / ".git").mkdir()  # not a repository, so git fails
    assert conditions()["commit"] == "none"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert conditions()["commit"] == "none"


def test_processor_that_the_system_does_not_tell_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "Path", lambda *_: tmp_path / "absent")
    monkeypatch.setattr(platform, "processor", lambda: "")
    assert conditions()["processor"] == "unknown"


def test_conditions_load_none_of_the_packages_that_they_name():
    code = "import sys, seesaw_nas.conditions as c; c.conditions(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
