"""Where the history of a run is: a journal in its folder, or a database that the run's settings name."""

from __future__ import annotations

from optuna.storages import BaseStorage

from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search.history import shared
from seesaw_nas.search.history.journal import read_storage
from seesaw_nas.search.history.reading import read_records
from seesaw_nas.search.records import TrialRecord


def records_of(folder: RunFolder) -> list[TrialRecord]:
    """Every proposal of a search, from its journal or its database; none before anything was proposed.

    Raises:
        RunError: the history cannot be read.
        OptionError: the database cannot be reached.
    """
    about = folder.read()
    if url := about["settings"].get("storage"):
        return shared.read_records(url, about["study"])
    return read_records(folder.journal) if folder.journal.exists() else []


def storage_of(folder: RunFolder) -> BaseStorage:
    """Where a search's history is, as Optuna reads it.

    Raises:
        OptionError: the database cannot be reached.
    """
    if url := folder.read()["settings"].get("storage"):
        return shared.open_storage(url)
    return read_storage(folder.journal)
