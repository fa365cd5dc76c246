"""optuna-dashboard for a run."""

from __future__ import annotations

import sys
from pathlib import Path

from seesaw_nas.core import optional
from seesaw_nas.core.errors import RunError
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search.history.with_optuna import storage_of


def dashboard(run: Path | str, *, port: int = 8080) -> None:
    """Serve optuna-dashboard for a run on 127.0.0.1 until Ctrl-C.

    Raises:
        OptionError: it is not installed.
        RunError: it is no folder of a search.
    """
    folder = RunFolder.open(Path(run))
    if "trials" not in folder.description.get("settings", {}):
        raise RunError(f"{folder.path} is no search, whose trials a dashboard could show")
    with optional.require("optuna_dashboard"):
        import optuna_dashboard
    storage = storage_of(folder)
    print(f"http://127.0.0.1:{port}/ shows {run}; Ctrl-C ends it", file=sys.stderr)
    optuna_dashboard.run_server(storage, host="127.0.0.1", port=port)
