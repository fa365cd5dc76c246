"""Where the history of a run is: a journal in its folder, or a database that the run's settings name."""

from __future__ import annotations

from optuna.storages import BaseStorage

from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search.history import database, shared
from seesaw_nas.search.history.addresses import permit
from seesaw_nas.search.history.journal import read_storage
from seesaw_nas.search.history.reading import StudyTrials, as_records, read_records, read_trials
from seesaw_nas.search.records import TrialRecord


def url_of(folder: RunFolder) -> str:
    """The URL of the database that has a run's history; empty where the folder has it.

    It is the user's own; where the user named none, it is the folder's if the environment allows that.

    Raises:
        OptionError: the user is to name the database.
    """
    kept = folder.description.get("settings", {}).get("storage")
    return permit(str(kept), folder.storage, str(folder.path)) if kept else ""


def records_of(folder: RunFolder) -> list[TrialRecord]:
    """Every proposal of a search, from its journal or its database; none before anything was proposed.

    Raises:
        RunError: the history cannot be read.
        OptionError: the database cannot be reached.
    """
    if url := url_of(folder):
        return shared.read_records(url, folder.description["study"])
    return read_records(folder.journal) if folder.journal.exists() else []


def read_study(folder: RunFolder) -> tuple[StudyTrials | None, list[TrialRecord]]:
    """The trials in a search's journal as Optuna has them, and every proposal; one reading of the file gives both.

    Without a journal in the folder there are no trials to give, and the proposals are those of :func:`records_of`.

    Raises:
        RunError, OptionError: as of :func:`records_of`.
    """
    if folder.description["settings"].get("storage") or not folder.journal.exists():
        return None, records_of(folder)
    trials = read_trials(folder.journal)
    return trials, as_records(trials)


def storage_of(folder: RunFolder) -> BaseStorage:
    """Where a search's history is, as Optuna reads it.

    Raises:
        OptionError: the database cannot be reached.
    """
    if url := url_of(folder):
        return database.open_storage(url)
    return read_storage(folder.journal)
