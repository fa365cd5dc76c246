"""What a search's history says, read from the outside; another process may be writing it."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import optuna
from optuna.trial import FrozenTrial, TrialState

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import RunError
from seesaw_nas.search.history.journal import read_storage
from seesaw_nas.search.records import State, TrialRecord
from seesaw_nas.training.epoch import Epoch

StudyTrials = Sequence[FrozenTrial]  # as Optuna has them, with genes and values


def read_records(journal: Path) -> list[TrialRecord]:
    """Every proposal in a run's journal; raises what :func:`read_trials` does."""
    return as_records(read_trials(journal))


def read_trials(journal: Path) -> list[FrozenTrial]:
    """Optuna's trials in a run's journal, which is left as it is; another process may be writing it.

    Raises:
        RunError: the file is not such a journal.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            storage = read_storage(journal)
            names = optuna.get_all_study_names(storage)
            if not names and b"\n" not in journal.read_bytes():
                return []  # another process has just made the file
            (name,) = names
            return optuna.load_study(storage=storage, study_name=name).get_trials(deepcopy=False)
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            raise RunError(f"{journal} is not a readable Optuna journal: {type(error).__name__}: {error}") from None


def as_records(trials: Iterable[FrozenTrial]) -> list[TrialRecord]:
    """What these trials of a study say; those in which nothing was proposed yet are left out."""
    found = (trial for trial in trials if "proposal" in trial.user_attrs)
    return [as_record(trial, trial.user_attrs.get("result", {}).get("seed", 0)) for trial in found]


def as_record(trial: FrozenTrial, seed: int) -> TrialRecord:
    """What a trial of the study says; ``seed`` is that of its training."""
    proposal, result = trial.user_attrs["proposal"], trial.user_attrs.get("result", {})
    spec = proposal.get("architecture")
    lost = trial.state == TrialState.FAIL and not result
    state: State = "lost" if lost else result.get("state", "running")
    assert state in get_args(State), f"a trial is in the unknown state {state}"
    return TrialRecord(
        number=trial.number,
        state=state,
        architecture=Architecture.from_dict(spec) if spec else None,
        macs=proposal.get("macs"),
        params=proposal.get("params"),
        top1=result.get("top1"),
        split=result.get("split", "validation"),
        seed=result.get("seed", seed),
        seconds=result.get("seconds", 0.0),
        curve=_curve(result.get("curve", [])),
        reason=result.get("reason", ""),
        origin=proposal.get("origin", ""),
        worker=result.get("worker", ""),
        started=trial.datetime_start.timestamp() if trial.datetime_start else 0.0,
        ended=trial.datetime_complete.timestamp() if trial.datetime_complete else 0.0,
    )


def _curve(entries: Iterable[Mapping[str, Any]]) -> tuple[Epoch, ...]:
    return tuple(Epoch(**entry) for entry in entries)
