"""The figures so far, on disk after every one, and the time that is left."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from seesaw_nas.core.files import write_json

BEGUN = time.perf_counter()


class Deadline:
    """A moment that a part does not exceed, as far as it can be asked."""

    def __init__(self, seconds: float) -> None:
        self._end = time.perf_counter() + seconds

    @property
    def left(self) -> float:
        """Seconds, below 0 when it is past."""
        return self._end - time.perf_counter()

    @property
    def over(self) -> bool:
        return self.left <= 0


class Results:
    """Values by part and key, in ``gpu.json`` of a folder; a value may have a line for people."""

    def __init__(self, folder: Path) -> None:
        self._file, self._lines = folder / "gpu.json", list[str]()
        self.found: dict[str, dict[str, Any]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def keep(self, part: str, key: str, value: Any, line: str = "") -> None:
        """Add a value and write all of them; print its line."""
        self.found.setdefault(part, {})[key] = value
        write_json(self._file, self.found)
        if line:
            self._lines.append(f"{part:<9} {line}")
            print(f"[{time.perf_counter() - BEGUN:6.1f} s] {self._lines[-1]}", flush=True)

    def fail(self, part: str, key: str, error: Exception | str, trace: str = "") -> None:
        """Keep what went wrong; the other figures go on."""
        told = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        short = " ".join(told.split())[:200]
        self.keep(part, key, {"failed": told[-1500:], "trace": trace[-3000:]}, f"{key} FAILED: {short}")

    @property
    def summary(self) -> str:
        """All lines again."""
        return "\n".join(self._lines)
