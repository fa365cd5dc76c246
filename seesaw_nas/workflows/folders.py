"""The folder of a new search: its name, and its study where the history is in a database."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from seesaw_nas.core import names
from seesaw_nas.core.errors import SeesawError
from seesaw_nas.core.run_folder import NameTaken, RunFolder
from seesaw_nas.search.history import shared
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.space import Budget

UNSHARED = "unshared"  # file, with .json behind, of a run whose study is not made in its database yet


def default_name(dataset: str, budget: Budget) -> str:
    """The name of a run that was given none: of data set (of a search without one, the space), budget and time."""
    stem = Path(os.path.abspath(dataset.removeprefix("folder:"))).name
    return names.derive_name(stem, re.sub("[: ,]+", "-", str(budget)), f"{datetime.now():%Y%m%d-%H%M%S}")


def make_first(parent: Path, name: str, make: Callable[[Path], RunFolder]) -> RunFolder:
    """The run folder of this name, or of the first of ``NAME-2`` and on that no other run has.

    Raises:
        RunError: it cannot be made.
    """
    for candidate in names.number_names(name):
        try:
            return make(parent / candidate)
        except NameTaken as error:
            taken = error
    raise taken


def make(settings: SearchSettings, about: Mapping[str, Any], path: Path) -> RunFolder:
    """The folder of a new search, and its study where that is in a database."""
    if not settings.placement.storage:
        return RunFolder.create(path, about)
    folder = RunFolder.create(path, {**about, "study": path.name}, **{UNSHARED: {}})
    try:
        _share(folder, settings)
    except SeesawError:
        folder.discard()
        raise
    return folder


def finish(folder: RunFolder, settings: SearchSettings) -> None:
    """Make what a search lacks that was killed while it began."""
    if _unshared(folder).exists():
        _share(folder, settings, again=True)


def _share(folder: RunFolder, settings: SearchSettings, *, again: bool = False) -> None:
    """Make the study in the database; ``again`` where a killed process may have made it."""
    study, objectives = folder.description["study"], settings.proposals.objectives
    shared.create(settings.placement.storage, study, objectives, folder.description, again=again)
    _unshared(folder).unlink()


def _unshared(folder: RunFolder) -> Path:
    return folder.path / f"{UNSHARED}.json"
