"""What ``tabulate`` shows while it works, and at the end."""

from __future__ import annotations

import json
from pathlib import Path

from rich.progress import Progress

from seesaw_nas import api
from seesaw_nas.api import SearchSettings
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.cli import terminal
from seesaw_nas.core.units import format_count
from seesaw_nas.search.listener import Listener


def tabulate(settings: SearchSettings, out: Path, *, seeds: int, as_json: bool) -> None:
    """Record trainings under a progress bar, and say what is in the file."""
    console = terminal.console(stderr=as_json)
    with terminal.progress(console) as progress:
        table = api.tabulate(settings, out, seeds=seeds, listener=_Shown(progress, settings.trials * seeds))
    trainings = sum(len(entry.curves) for entry in table.entries)
    found = {"table": str(out), "architectures": len(table.entries), "trainings": trainings, "epochs": table.epochs}
    if as_json:
        print(json.dumps(found | {"failed": table.about["failed"]}, indent=2))
        return
    failed = f"; {table.about['failed']} failed" if table.about["failed"] else ""
    console.print(f"{len(table.entries)} architectures, {trainings} trainings of {table.epochs} epochs{failed}: {out}")


class _Shown(Listener):
    """One bar over all trainings."""

    def __init__(self, progress: Progress, trainings: int) -> None:
        self._progress = progress
        self._task = progress.add_task("trainings", total=trainings)

    def begun(self, number: int, architecture: Architecture, macs: int) -> None:
        """Show the number of those before it."""
        self._progress.update(self._task, completed=number, description=f"training {number}, {format_count(macs)}")
