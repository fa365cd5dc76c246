"""What ``status`` and ``dashboard`` show."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.live import Live
from rich.text import Text

from seesaw_nas.cli import terminal
from seesaw_nas.core import optional
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.core.units import format_duration, format_top1
from seesaw_nas.workflows.status import Status, read_status

SECONDS = 2.0  # between two looks


def status(run: Path, *, watch: bool, as_json: bool) -> None:
    """Print how a run stands, once or until it has ended."""
    found = read_status(run)
    if as_json:
        print(json.dumps(_as_json(found), indent=2))
        return
    console = terminal.console()
    if not watch:
        console.print(_text(found))
        return
    with Live(Text(_text(found)), console=console, auto_refresh=False) as live:
        while found.working:
            time.sleep(SECONDS)
            found = read_status(run)
            live.update(Text(_text(found)), refresh=True)


def _text(found: Status) -> str:
    counts = ", ".join(f"{count} {state}" for state, count in found.counts.items()) or "nothing proposed yet"
    lines = [
        f"run     {found.name}: {'a process is at work' if found.working else 'no process works on it'}",
        f"trials  {found.begun} of {found.trials} begun: {counts}",
    ]
    if found.best is not None:
        best = found.best
        lines.append(f"best    top-1 {format_top1(best.top1)} at {best.macs:,} Multi-Adds, trial {best.number}")
    if found.working and found.seconds_left is not None:
        lines.append(f"left    about {format_duration(found.seconds_left)}")
    if found.workers:
        ended = ", ".join(f"{name} {count}" for name, count in sorted(found.workers.items()))
        lines.append(f"workers {found.running} busy; trials ended: {ended}")
    return "\n".join(lines)


def _as_json(found: Status) -> dict[str, Any]:
    best = found.best
    shown = (
        None if best is None else {"trial": best.number, "digest": best.digest, "top1": best.top1, "macs": best.macs}
    )
    plain = {name: value for name, value in asdict(found).items() if name != "best"}
    return plain | {"begun": found.begun, "running": found.running, "best": shown}


def dashboard(run: Path, *, port: int) -> None:
    """Serve optuna-dashboard for a run on 127.0.0.1 until Ctrl-C.

    Raises:
        OptionError: it is not installed.
        RunError: it is no folder of a search.
    """
    read_status(run)  # whether there is anything to show
    with optional.require("optuna_dashboard"):
        import optuna_dashboard
    from seesaw_nas.search.history.places import storage_of

    storage = storage_of(RunFolder.open(run))
    print(f"http://127.0.0.1:{port}/ shows {run}; Ctrl-C ends it", file=sys.stderr)
    optuna_dashboard.run_server(storage, host="127.0.0.1", port=port)
