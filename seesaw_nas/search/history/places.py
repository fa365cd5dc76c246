"""Where the history of a run is: a journal in its folder, or a database that the run's settings name."""

from __future__ import annotations

from optuna.storages import BaseStorage

from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search.history import database, shared
from seesaw_nas.search.history.addresses import permit
from seesaw_nas.search.history.journal import read_storage
from seesaw_nas.search.history.reading import StudyTrials, as_records, read_records, read_trials
from seesaw_nas.search.records import TrialRecord


def url_of(folder: RunFolder, storage: str = "") -> str:
    """The URL of the database that has a run's history; empty where the folder has it.

    Args:
        storage: the user's own URL; without, the folder's own is opened only where the environment allows it.

    Raises:
        OptionError: the user is to name the database.
    """
    kept = folder.description.get("settings", {}).get("storage")
    return permit(str(kept), storage, str(folder.path)) if kept else ""


def records_of(folder: RunFolder, storage: str = "") -> list[TrialRecord]:
    """Every proposal of a search, from its journal or its database; none before anything was proposed.

    Args:
        storage: as of :func:`url_of`.

    Raises:
        RunError: the history cannot be read.
        OptionError: the database cannot be reached.
    """
    if url := url_of(folder, storage):
        return shared.read_records(url, folder.description["study"])
    return read_records(folder.journal) if folder.journal.exists() else []


def read_study(folder: RunFolder, storage: str = "") -> tuple[StudyTrials | None, list[TrialRecord]]:
    """The trials in a search's journal as Optuna has them, and every proposal; one reading of the file gives both.

    Without a journal in the folder there are no trials to give, and the proposals are those of :func:`records_of`.

    Raises:
        RunError, OptionError: as of :func:`records_of`.
    """
    if folder.description["settings"].get("storage") or not folder.journal.exists():
        return None, records_of(folder, storage)
    trials = read_trials(folder.journal)
    return trials, as_records(trials)


def storage_of(folder: RunFolder, storage: str = "") -> BaseStorage:
    """Where a search's history is, as Optuna reads it.

    Raises:
        OptionError: the database cannot be reached.
    """
    if url := url_of(folder, storage):
        return database.open_storage(url)
    return read_storage(folder.journal)
