"""Which process uses which GPU and sends tensors to others: a line each in a file that all of them write to."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

FILE = "PRETEND_GPU_USES"  # environment variable with the file's name
_noted: set[str] = set()


class Use(NamedTuple):
    """What a process did: ``uses cuda:0`` where it first made a tensor there, or ``sends (3, 4)``."""

    process: int
    what: str


def note(what: str) -> None:
    """Write a line unless this process has written it before."""
    if what in _noted:
        return
    _noted.add(what)
    if path := os.environ.get(FILE):
        with open(path, "a", encoding="utf-8") as file:
            file.write(f"{os.getpid()} {what}\n")


def read(path: Path) -> list[Use]:
    """What was written, in order."""
    lines = (line.split(" ", 1) for line in path.read_text(encoding="utf-8").splitlines())
    return [Use(int(process), what) for process, what in lines]
