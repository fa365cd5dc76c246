"""What the trials of an Optuna study say, in a database or in a journal of earlier versions: checked and as records."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import RunError, SpecError
from seesaw_nas.search.history.checks import (
    COUNT,
    LIST,
    NUMBER,
    NUMBER_OR_NULL,
    OBJECT,
    SCORE,
    SECONDS,
    STATE,
    TEXT,
    Fields,
    check_fields,
)
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.training.epoch import Epoch

PROPOSAL: Fields = {
    "architecture": OBJECT, "digest": TEXT, "macs": COUNT, "params": COUNT, "origin": TEXT,
    "attempts": COUNT, "schedule": COUNT,
}  # fmt: skip
RESULT: Fields = {
    "state": STATE, "top1": SCORE, "split": TEXT, "seed": COUNT, "seconds": SECONDS,
    "reason": TEXT, "attempts": COUNT, "worker": TEXT, "curve": LIST,
}  # fmt: skip


EPOCH: Fields = {
    "epoch": COUNT, "train_loss": NUMBER, "loss": NUMBER_OR_NULL, "top1": SCORE, "seconds": SECONDS,
}  # fmt: skip


def as_records(trials: Iterable[FrozenTrial], where: str) -> list[TrialRecord]:
    """What these trials of a study say; those in which nothing was proposed yet are left out.

    Args:
        where: the study is, for messages.

    Raises:
        RunError: a field of a trial is of the wrong type or out of range.
    """
    return [as_record(trial, 0, where) for trial in trials if "proposal" in trial.user_attrs]


def as_record(trial: FrozenTrial, seed: int, where: str = "the study") -> TrialRecord:
    """What a trial of the study says; ``seed`` is that of its training, where it does not say so itself.

    Raises:
        RunError: as of :func:`as_records`.
    """
    try:
        return _as_record(trial, seed)
    except (ValueError, TypeError, OverflowError, SpecError) as error:
        raise RunError(f"{where} is damaged: trial {trial.number}: {error}") from None


def _as_record(trial: FrozenTrial, seed: int) -> TrialRecord:
    proposal, result = trial.user_attrs["proposal"], trial.user_attrs.get("result", {})
    for found, fields in ((proposal, PROPOSAL), (result, RESULT)):
        if type(found) is not dict:
            raise ValueError(f"an object is wanted, got {repr(found)[:60]}")
        check_fields(found, fields)
    spec = proposal.get("architecture")
    lost = trial.state == TrialState.FAIL and not result
    return TrialRecord(
        number=trial.number,
        state="lost" if lost else result.get("state", "running"),
        architecture=Architecture.from_dict(spec) if spec else None,
        macs=proposal.get("macs"),
        params=proposal.get("params"),
        top1=result.get("top1"),
        split=result.get("split", "validation"),
        seed=result.get("seed", seed),
        seconds=result.get("seconds", 0.0),
        curve=tuple(_epoch(entry) for entry in result.get("curve", [])),
        reason=result.get("reason", ""),
        origin=proposal.get("origin", ""),
        worker=result.get("worker", ""),
        schedule=proposal.get("schedule", 0),
        started=trial.datetime_start.timestamp() if trial.datetime_start else 0.0,
        ended=trial.datetime_complete.timestamp() if trial.datetime_complete else 0.0,
    )


def _epoch(entry: Any) -> Epoch:
    if type(entry) is not dict:
        raise ValueError(f"an epoch of a curve is an object, got {repr(entry)[:60]}")
    check_fields(entry, EPOCH, EPOCH)
    return Epoch(**entry)


def counts(trial: FrozenTrial) -> tuple[int, int]:
    """How often the trial's training began, and how many of these came to an end or a pause."""
    proposal, result = trial.user_attrs.get("proposal", {}), trial.user_attrs.get("result", {})
    return int(proposal.get("attempts", 0)), int(result.get("attempts", 0))
