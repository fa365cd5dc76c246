"""Opens the history of a search where its settings say that it is: in the run's own file, or in a database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.search.history import file_history, old_journal, shared
from seesaw_nas.search.history.history import History
from seesaw_nas.search.history.with_optuna import study_name
from seesaw_nas.workflows.problem import Problem

UNDELIVERED = "undelivered"  # folder of results that a database has not confirmed yet


@contextmanager
def open_history(folder: RunFolder, problem: Problem) -> Iterator[History]:
    """The history of a run, in its own file or in a database."""
    settings = problem.settings
    if not settings.placement.storage:
        yield _open_file(folder, problem)
        return
    keep = folder.path / UNDELIVERED
    study, _ = shared.join(settings.placement.storage, study_name(folder), keep=keep)
    found = shared.SharedHistory(study, problem.space, problem.budget, settings.training.seed, problem.cost)
    try:
        yield found
    finally:
        found.close()


def _open_file(folder: RunFolder, problem: Problem) -> History:
    """The history in a run's own file; that of an earlier version is converted first, and left as it is."""
    objectives, seed = problem.settings.proposals.objectives, problem.settings.training.seed
    if folder.old_journal.exists() and not folder.journal.exists():
        old_journal.convert(
            folder.old_journal, folder.journal, problem.space, problem.budget, seed, objectives=objectives
        )
    return file_history.FileHistory(
        folder.journal,
        problem.space,
        problem.budget,
        seed,
        objectives=objectives,
        name=folder.name,
        cost=problem.cost,
    )
