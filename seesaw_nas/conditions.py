"""What a figure was measured on: hardware, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from seesaw_nas import __version__

PACKAGES = ("torch", "optuna", "numpy")


def conditions(device: str = "cpu", *packages: str) -> dict[str, str]:
    """Hardware, versions, commit and time, as texts; loads none of the packages it names.

    Args:
        packages: whose versions matter beside those of :data:`PACKAGES`.
    """
    found = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": device,
        "processor": _processor(),
        "cores": str(cores()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "seesaw_nas": __version__,
        "commit": _commit(),
    }
    return found | {package: _version(package) for package in (*PACKAGES, *packages)}


def cores() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _version(package: str) -> str:
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


def _commit() -> str:
    """The commit of the clone that this package runs from, with a mark if files differ from it; else ``none``."""
    clone = Path(__file__).resolve().parent.parent
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
