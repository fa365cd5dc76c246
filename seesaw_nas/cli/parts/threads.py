"""The CPU threads of a command that trains: settled before anything computes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seesaw_nas.core import threads
from seesaw_nas.core.run_folder import RunFolder, is_run


def settle_threads(device: str, wanted: int, begun: Mapping[str, Any] | None = None) -> None:
    """Compute with as many threads as the user, the beginning of the work, or a measurement says; not for a GPU.

    Args:
        device: its name, as given.
        wanted: by ``--threads``; 0 for no number.
        begun: what the folder says that is gone on with; ``None`` where something begins.
    """
    if threads.matter(device):
        threads.settle(wanted, threads.recorded(begun or {}))


def begun_in(path: Path | None) -> Mapping[str, Any] | None:
    """What the folder of a run says of itself; ``None`` where there is none, which the work itself then says."""
    return RunFolder.open(path).description if path is not None and is_run(path) else None
