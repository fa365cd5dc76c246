"""The names of Optuna that its documentation does not promise; no other file uses one.

Optuna's public calls write a trial in several steps, each of which another process may see. A history writes one in a
single step, through the study's storage, which knows trials by its own number for them.
"""

from __future__ import annotations

from typing import Any

import optuna
from optuna.samplers import NSGAIISampler
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import FrozenTrial

from seesaw_nas.core.errors import RunError


def storage(study: optuna.Study) -> BaseStorage:
    """Where a study keeps its trials; of a database, Optuna's cache around it."""
    found: BaseStorage = _private(study, "_storage")
    return found


def trial_id(trial: optuna.Trial | FrozenTrial) -> int:
    """The number by which the storage knows a trial; in a database it is not the trial's own."""
    found: int = _private(trial, "_trial_id")
    return found


def cached(database: RDBStorage) -> BaseStorage:
    """The same storage behind Optuna's cache, which spares reading ended trials again."""
    found: BaseStorage = _private(optuna.storages, "_CachedStorage")(database)
    return found


def silent_trials(database: RDBStorage, study_id: int) -> list[int]:
    """Running trials of a study without a sign of life for the storage's grace period, by the storage's numbers."""
    found: list[int] = _private(database, "_get_stale_trial_ids")(study_id)
    return found


def generation_key() -> str:
    """The system attribute that says in which generation a trial is; without it NSGA-II takes none for a parent."""
    found: str = _private(NSGAIISampler, "_get_generation_key")()
    return found


def attributes(study: optuna.Study, number: int) -> dict[str, Any]:
    """What samplers noted of a trial of a study in memory, such as NSGA-II its generation."""
    return dict(study.get_trials(deepcopy=False)[number].system_attrs)


def open_trial(study: optuna.Study, number: int) -> optuna.Trial:
    """A trial of a study in memory that was begun and not told."""
    return optuna.Trial(study, trial_id(study.get_trials(deepcopy=False)[number]))


def study_attributes(study: optuna.Study) -> dict[str, Any]:
    """What samplers noted of a study, such as NSGA-II the parents of a generation."""
    return storage(study).get_study_system_attrs(_private(study, "_study_id"))


def set_study_attribute(study: optuna.Study, name: str, value: Any) -> None:
    """Note what a sampler noted of a study."""
    storage(study).set_study_system_attr(_private(study, "_study_id"), name, value)


def _private(owner: Any, name: str) -> Any:
    """An attribute that Optuna may take away in any release.

    Raises:
        RunError: it is gone.
    """
    try:
        return getattr(owner, name)
    except AttributeError:
        kind = owner if isinstance(owner, type) else type(owner)
        raise RunError(
            f"Optuna {optuna.__version__} has no {kind.__name__}.{name}, which the history of a search needs; "
            f"install the release that constraints.txt names"
        ) from None
