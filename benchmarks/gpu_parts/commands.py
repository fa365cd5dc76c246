"""The command line in processes of its own, and the card's memory and load meanwhile."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from gpu_parts.setting import Setting

ROOT = Path(__file__).resolve().parents[2]
SHORTEST = 10.0  # seconds that a command gets in any case


@dataclass(frozen=True)
class Ended:
    """What a command did: its seconds, its standard output, and the end of its errors if it failed."""

    seconds: float
    said: str
    error: str


def run(setting: Setting, *words: object, seconds: float) -> Ended:
    """``seesaw-nas`` with these words, in the setting's folder for runs, for at most so long."""
    begun = time.perf_counter()
    paths = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).strip(os.pathsep)
    command = [sys.executable, "-m", "seesaw_nas", *map(str, words)]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=max(SHORTEST, seconds),
            cwd=setting.work,
            env=os.environ | {"PYTHONPATH": paths},
        )
    except subprocess.TimeoutExpired as error:
        said = error.stdout.decode() if isinstance(error.stdout, bytes) else error.stdout or ""
        return Ended(time.perf_counter() - begun, said, "ran out of time")
    return Ended(time.perf_counter() - begun, done.stdout, done.stderr[-1500:] if done.returncode else "")


class Card:
    """Watches memory and load of the GPUs in the body, twice a second; empty where nvidia-smi is not there."""

    def __enter__(self) -> Card:
        self.memory_mib: list[float] = []
        self.load_percent: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def _watch(self) -> None:
        command = ["nvidia-smi", "--query-gpu=memory.used,utilization.gpu", "--format=csv,noheader,nounits"]
        while not self._stop.wait(0.5):
            try:
                said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout
                rows = [[float(value) for value in line.split(",")] for line in said.splitlines()]
            except (OSError, subprocess.SubprocessError, ValueError):
                return
            self.memory_mib.append(sum(memory for memory, _ in rows))
            self.load_percent.append(max(load for _, load in rows))

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def figures(self) -> dict[str, float]:
        if not self.memory_mib:
            return {}
        return {
            "most_memory_GiB": max(self.memory_mib) / 1024,
            "median_load_percent": statistics.median(self.load_percent),
        }
