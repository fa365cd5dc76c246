"""optuna-dashboard for a run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from seesaw_nas.core import optional
from seesaw_nas.core.errors import RunError
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search.history import with_optuna


def study(run: Path | str, storage: str = "") -> Any:
    """The trials of a search as they stand, as a study of Optuna's: in memory, or in the search's database.

    Args:
        storage: URL of the database that has its history; needed where the folder has none.

    Raises:
        RunError: it is no folder of a search, or its history cannot be read.
        OptionError: its database cannot be reached.
    """
    return with_optuna.study_of(_open(run, storage))


def _open(run: Path | str, storage: str) -> RunFolder:
    folder = RunFolder.open(Path(run), storage)
    if "trials" not in folder.description.get("settings", {}):
        raise RunError(f"{folder.path} is no search, whose trials Optuna could show")
    return folder


def dashboard(run: Path | str, *, port: int = 8080, storage: str = "") -> None:
    """Serve optuna-dashboard for a run on 127.0.0.1 until Ctrl-C.

    Args:
        storage: URL of the database that has its history; needed where the folder has none.

    Raises:
        OptionError: it is not installed.
        RunError: it is no folder of a search.
    """
    folder = _open(run, storage)
    with optional.require("optuna_dashboard"):
        import optuna_dashboard
    history = with_optuna.storage_of(folder)
    print(f"http://127.0.0.1:{port}/ shows {run}; Ctrl-C ends it", file=sys.stderr)
    optuna_dashboard.run_server(history, host="127.0.0.1", port=port)
