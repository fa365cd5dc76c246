import os
import platform
import re
import shutil
import subprocess
import sys
import types
from datetime import UTC, datetime, timedelta
from importlib import metadata

import pytest

import seesaw_nas
from seesaw_nas import __version__
from seesaw_nas.core import conditions as module
from seesaw_nas.core.conditions import conditions

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
    monkeypatch.setattr(seesaw_nas, "__file__", str(package / "__init__.py"))
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
    monkeypatch.setattr(seesaw_nas, "__file__", str(tmp_path / "seesaw_nas" / "__init__.py"))
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
    code = "import sys, seesaw_nas.core.conditions as c; c.conditions(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


NVIDIA_VERSION = """\
NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.124.06  Release Build  (root@builder)
GCC version:  gcc version 13.3.0
"""


class Gpu:
    """What conditions ask torch about its GPUs."""

    def __init__(self, names, cudnn=91002):
        sizes = {0: 80 * 2**30, 1: 141.5 * 2**30}
        self.cuda = types.SimpleNamespace(
            is_available=lambda: bool(names),
            device_count=lambda: len(names),
            get_device_name=lambda index: names[index],
            get_device_properties=lambda index: types.SimpleNamespace(total_memory=sizes[index]),
        )
        self.version = types.SimpleNamespace(cuda="13.0" if names else None)
        self.backends = types.SimpleNamespace(cudnn=types.SimpleNamespace(version=lambda: cudnn))


@pytest.fixture
def two_gpus(monkeypatch, tmp_path):
    """A torch with two GPUs, and a folder on PATH for programs of the test's own, alone there."""
    monkeypatch.setitem(sys.modules, "torch", Gpu(["NVIDIA H100", "NVIDIA H200"]))
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("device", "gpu"),
    [
        ("NVIDIA H200", "NVIDIA H200, 141.5 GiB"),
        ("cuda:1", "NVIDIA H200, 141.5 GiB"),
        ("cuda", "NVIDIA H100, 80.0 GiB"),
    ],
)
def test_figures_of_a_gpu_say_its_memory_and_what_drives_it(two_gpus, device, gpu):
    program = two_gpus / "nvidia-smi"
    program.write_text('#!/bin/sh\necho "$*" | /bin/grep -q driver_version && echo 580.65.06 && echo 580.65.06\n')
    program.chmod(0o755)
    found = conditions(device)
    assert {name: found[name] for name in ("gpu", "driver", "cuda", "cudnn")} == {
        "gpu": gpu, "driver": "580.65.06", "cuda": "13.0", "cudnn": "9.10.2",
    }  # fmt: skip


@pytest.mark.parametrize("device", ["cpu", "CPU, 2 threads", "another"])
def test_figures_of_the_cpu_say_nothing_of_a_gpu_that_is_there(two_gpus, device):
    assert not {"gpu", "driver", "cuda", "cudnn"} & set(conditions(device))


def test_the_driver_is_what_the_kernel_says_where_nvidia_smi_is_absent_or_fails(two_gpus, monkeypatch):
    told = two_gpus / "version"
    monkeypatch.setattr(module, "Path", lambda path: told if path == "/proc/driver/nvidia/version" else two_gpus)
    assert module._driver() == "unknown"
    told.write_text(NVIDIA_VERSION)
    assert module._driver() == "570.124.06"
    (two_gpus / "nvidia-smi").write_text("#!/bin/sh\nexit 9\n")
    (two_gpus / "nvidia-smi").chmod(0o755)
    assert module._driver() == "570.124.06"


@pytest.mark.parametrize(("number", "text"), [(91002, "9.10.2"), (90100, "9.1.0"), (8902, "8.9.2"), (None, "none")])
def test_versions_of_cudnn_are_written_out(number, text):
    assert module._cudnn(Gpu(["any"], number)) == text


def test_a_cudnn_that_does_not_fit_is_unknown():
    def refuse():
        raise RuntimeError("cuDNN version incompatibility")

    broken = Gpu(["any"])
    broken.backends.cudnn.version = refuse
    assert module._cudnn(broken) == "unknown"
