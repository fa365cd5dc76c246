"""optuna-dashboard for a run."""

from __future__ import annotations

import sys
from pathlib import Path

from seesaw_nas.core import optional
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search.history.places import storage_of
from seesaw_nas.workflows.status import read_status


def dashboard(run: Path | str, *, port: int = 8080, storage: str = "") -> None:
    """Serve optuna-dashboard for a run on 127.0.0.1 until Ctrl-C.

    Args:
        storage: URL of the database that has its history; needed where the folder has none.

    Raises:
        OptionError: it is not installed.
        RunError: it is no folder of a search.
    """
    read_status(run, storage)  # whether there is anything to show
    with optional.require("optuna_dashboard"):
        import optuna_dashboard
    history = storage_of(RunFolder.open(Path(run), storage))
    print(f"http://127.0.0.1:{port}/ shows {run}; Ctrl-C ends it", file=sys.stderr)
    optuna_dashboard.run_server(history, host="127.0.0.1", port=port)
