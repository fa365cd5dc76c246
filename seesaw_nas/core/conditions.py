"""The conditions of a measurement: hardware, versions, commit."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import seesaw_nas

PACKAGES = ("torch", "optuna", "numpy")


def conditions(device: str = "cpu", *packages: str) -> dict[str, str]:
    """Hardware, versions, commit and time, as texts; imports none of the packages whose versions it reports.

    For a GPU, if torch is loaded and knows it: also its memory, its driver, and torch's versions of CUDA and cuDNN.

    Args:
        device: where figures are computed: the GPU's name, ``cuda`` or ``cuda:1``, or a description such as the CPU's.
        packages: packages to report the versions of, beside :data:`PACKAGES`.
    """
    texts = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": device,
        "processor": _processor(),
        "cores": str(cores()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "seesaw_nas": seesaw_nas.__version__,
        "commit": _commit(),
    }
    return texts | {package: _version(package) for package in (*PACKAGES, *packages)} | _gpu(device)


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _version(package: str) -> str:
    from importlib import metadata  # takes as long to load as every option of the command line

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown"


def _gpu(device: str) -> dict[str, str]:
    torch = sys.modules.get("torch")  # not imported here: code that computes on a GPU has imported it already
    if torch is None or not torch.cuda.is_available():
        return {}
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    kind, _, index = device.partition(":")
    if device not in names and kind != "cuda":
        return {}
    number = names.index(device) if device in names else int(index or 0)
    memory = torch.cuda.get_device_properties(number).total_memory / 2**30
    return {
        "gpu": f"{names[number]}, {memory:.1f} GiB",
        "driver": _driver(),
        "cuda": str(torch.version.cuda or "none"),
        "cudnn": _cudnn(torch),
    }


def _driver() -> str:
    """The version of NVIDIA's kernel driver."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout
        if output.strip():
            return output.split()[0]
    except (OSError, subprocess.SubprocessError):
        pass
    try:
        version = re.search(r"Module.*?\s(\d+(?:\.\d+)+)", Path("/proc/driver/nvidia/version").read_text())
    except OSError:
        version = None
    return version[1] if version else "unknown"


def _cudnn(torch: Any) -> str:
    """Version of the cuDNN library that torch has loaded; torch reports 9.10.2 as 91002 and 8.9.2 as 8902."""
    try:
        number = torch.backends.cudnn.version()
    except RuntimeError:  # the library does not match torch or the GPU
        return "unknown"
    if number is None:
        return "none"
    thousands = 10_000 if number >= 90_000 else 1_000
    return f"{number // thousands}.{number % thousands // 100}.{number % 100}"


def _commit() -> str:
    """Commit of the clone that this package runs from, with ``+changes`` if files differ from it; else ``none``."""
    clone = Path(seesaw_nas.__file__).resolve().parents[1]
    if not (clone / ".git").exists():
        return "none"
    try:
        head = _git(clone, "rev-parse", "--short=12", "HEAD")
        return head + ("+changes" if _git(clone, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return "none"


def _git(clone: Path, *arguments: str) -> str:
    command = ["git", "-C", str(clone), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
