"""Where the history of a run is: a file in its folder, or a database that the run's settings name.

Optuna is loaded only for a database, and for a run of an earlier version.
"""

from __future__ import annotations

from collections.abc import Sequence

from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search.history import trials_file
from seesaw_nas.search.history.lines import Entry, Genotypes
from seesaw_nas.search.records import CompleteTrial, TrialRecord, as_complete


class Watched:
    """The trials of a search, to be looked at again and again while another process works on it."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._reader = trials_file.TrialsReader(folder.journal)
        self._records: list[TrialRecord] = []

    def look(self) -> tuple[Sequence[Entry] | Sequence[TrialRecord], bool]:
        """The trials that changed since the last look, and whether these are all of them, to be counted afresh.

        Of a file in the folder only what was appended is read.

        Raises:
            RunError, OptionError: as of :func:`records_of`.
        """
        if not _in_file(self._folder):
            self._records = records_of(self._folder)
            return self._records, True
        before = self._reader.content
        changed = self._reader.read().changed
        found = list(changed.values())
        changed.clear()
        return found, self._reader.content is not before

    def complete_trial(self, number: int) -> CompleteTrial | None:
        """One of the trials that were last looked at, with its architecture; ``None`` unless it is complete.

        Raises:
            RunError: what the history has of it is no architecture.
        """
        if _in_file(self._folder):
            return as_complete(self._reader.record(number))
        return next((as_complete(record) for record in self._records if record.number == number), None)


def _in_file(folder: RunFolder) -> bool:
    return not folder.description.get("settings", {}).get("storage") and folder.journal.exists()


def records_of(folder: RunFolder) -> list[TrialRecord]:
    """Every proposal of a search, from its file or its database; none before anything was proposed.

    Raises:
        RunError: the history cannot be read.
        OptionError: the database cannot be reached.
    """
    return read_with_genotypes(folder)[1]


def read_with_genotypes(folder: RunFolder) -> tuple[Genotypes | None, list[TrialRecord]]:
    """The genes of a search's trials, and every proposal; of a history in a database, no genes.

    Raises:
        RunError, OptionError: as of :func:`records_of`.
    """
    if _in_file(folder):
        reader = trials_file.TrialsReader(folder.journal)
        return reader.read().genotypes, reader.records()
    if not folder.description.get("settings", {}).get("storage") and not folder.old_journal.exists():
        return None, []
    from seesaw_nas.search.history import with_optuna  # which takes as long to load as a short file to read

    return with_optuna.read_with_genotypes(folder)
