"""What needs Optuna of a run's history: a database, a journal of an earlier version, and the study of any run."""

from __future__ import annotations

from optuna import Study as Study  # also for those who may not import Optuna
from optuna.storages import BaseStorage

from seesaw_nas.core.errors import RunError
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search.history import database, memory_study, old_journal, optuna_private, shared
from seesaw_nas.search.history.addresses import permit
from seesaw_nas.search.history.lines import Genotypes
from seesaw_nas.search.history.trials_file import TrialsReader
from seesaw_nas.search.recorded import recorded_cost
from seesaw_nas.search.records import TrialRecord


def url_of(folder: RunFolder) -> str:
    """The URL of the database that has a run's history; empty where the folder has it.

    It is the user's own; where the user named none, it is the folder's if the environment allows that.

    Raises:
        OptionError: the user is to name the database.
    """
    kept = folder.description.get("settings", {}).get("storage")
    return permit(str(kept), folder.storage, str(folder.path)) if kept else ""


def study_name(folder: RunFolder) -> str:
    """The name of a run's study in its database."""
    return str(folder.description.get("study", folder.name))


def read_with_genotypes(folder: RunFolder) -> tuple[Genotypes | None, list[TrialRecord]]:
    """The trials of a history in a database, or of one of an earlier version, as of ``places.read_with_genotypes``."""
    if url := url_of(folder):
        return None, shared.read_records(url, study_name(folder))
    return old_journal.read_with_genotypes(folder.old_journal)


def storage_of(folder: RunFolder) -> BaseStorage:
    """A search's history as a storage of Optuna's: of a database this itself, else the trials as they stand, in memory.

    Raises:
        RunError: the history cannot be read.
        OptionError: the database cannot be reached.
    """
    if url := url_of(folder):
        return database.open_storage(url)
    return optuna_private.storage(study_of(folder))


def study_of(folder: RunFolder) -> Study:
    """A search's history as a study: in memory, as it stands, or that of its database; raises as :func:`storage_of`."""
    if url := url_of(folder):
        return shared.join(url, study_name(folder))[0]
    if folder.journal.exists() and (content := TrialsReader(folder.journal).read()).header:
        try:
            return memory_study.study_of(content, recorded_cost(folder.description))
        except ValueError as error:
            raise RunError(f"{folder.journal} is damaged: {error}") from None
    study = old_journal.read_study(folder.old_journal) if folder.old_journal.exists() else None
    return study or memory_study.create_study(folder.name, "front")
