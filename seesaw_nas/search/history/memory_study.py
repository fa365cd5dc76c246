"""Trials as an Optuna study in memory, for its samplers, its importances and its dashboard."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from seesaw_nas.search.history import optuna_private
from seesaw_nas.search.history.history import DIRECTIONS, ILLEGAL, SAMPLER, violations
from seesaw_nas.search.history.lines import Content, record_of
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.space import Budget

GENERATION = optuna_private.generation_key()
STATES = {
    "complete": TrialState.COMPLETE,
    "duplicate": TrialState.COMPLETE,
    "failed": TrialState.FAIL,
    "lost": TrialState.FAIL,
    "infeasible": TrialState.PRUNED,
    "stopped": TrialState.PRUNED,
}  # of trials that have ended

Choices = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Proposed:
    """A trial with what only a study tells of it.

    Attributes:
        genotype: its genes.
        attributes: what Optuna's sampler noted of it; empty for what no sampler chose.
        attempts, behind: trainings that were begun, and those of them that came to an end or a pause.
    """

    record: TrialRecord
    genotype: Mapping[str, str]
    attributes: Mapping[str, Any]
    attempts: int
    behind: int


def distributions(choices: Choices) -> dict[str, BaseDistribution]:
    """The genes of a space as Optuna's categorical parameters."""
    return {name: CategoricalDistribution(values) for name, values in choices.items()}


def create_study(name: str, objectives: str) -> optuna.Study:
    """An empty study in memory."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(study_name=name, directions=DIRECTIONS[objectives])


def study_of(content: Content) -> optuna.Study:
    """The study of what a trials file says.

    Raises:
        ValueError: an architecture in it is none.
    """
    header, genotypes = content.header, content.genotypes
    trials = (
        Proposed(record_of(trial), genotypes[trial.number], trial.attributes, trial.attempts, trial.behind)
        for trial in content.trials
    )
    study = create_study(header["study"], header["objectives"])
    add_trials(study, trials, genotypes.choices, Budget(*header["budget"]))
    add_attributes(study, content.attributes, content.notes)
    return study


def add_attributes(study: optuna.Study, attributes: Mapping[str, Any], notes: Mapping[str, Any]) -> None:
    """What a sampler and a search noted of the study."""
    for name, value in attributes.items():
        optuna_private.set_study_attribute(study, name, value)
    for name, value in notes.items():
        study.set_user_attr(name, value)


def add_trials(study: optuna.Study, trials: Iterable[Proposed], choices: Choices, budget: Budget) -> None:
    """Add trials to a study that has those before them."""
    own = distributions(choices)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        for trial in trials:
            study.add_trial(_frozen(trial, own, budget, len(study.directions)))


def _frozen(trial: Proposed, own: dict[str, BaseDistribution], budget: Budget, objectives: int) -> FrozenTrial:
    record = trial.record
    state, values = outcome(record, objectives)
    attributes = {"proposal": proposal(record, trial.attempts)}
    if record.state not in ("running", "lost"):
        attributes["result"] = result(record, trial.behind)
    frozen = optuna.trial.create_trial(
        state=state,
        values=values,
        params=dict(trial.genotype),
        distributions=own,
        constraints=constraints(record, budget),
        user_attrs=attributes,
        system_attrs=({} if record.origin == SAMPLER else {GENERATION: 0}) | dict(trial.attributes),
    )
    frozen.datetime_start = datetime.fromtimestamp(record.started)
    frozen.datetime_complete = datetime.fromtimestamp(record.ended) if state.is_finished() else None
    return frozen


def constraints(record: TrialRecord, budget: Budget) -> dict[str, float]:
    """By how much a trial misses the budget, or that it is no architecture."""
    return {ILLEGAL: 1.0} if record.macs is None else violations(record.macs, budget)


def outcome(record: TrialRecord, objectives: int) -> tuple[TrialState, list[float] | None]:
    """The state of a trial in a study, and its values, where it has some."""
    state = STATES.get(record.state, TrialState.RUNNING)
    if state != TrialState.COMPLETE:
        return state, None
    if record.top1 is not None and record.macs is not None:
        return state, [record.top1, float(record.macs)][:objectives]
    return TrialState.PRUNED, None  # a duplicate of one that has no figures


def tell(study: optuna.Study, record: TrialRecord) -> None:
    """Close a trial of a study."""
    state, values = outcome(record, len(study.directions))
    study.tell(record.number, values, state=state)


def proposal(record: TrialRecord, attempts: int) -> dict[str, Any]:
    """What a trial's attribute ``proposal`` says."""
    found: dict[str, Any] = {"origin": record.origin, "attempts": attempts}
    if (architecture := record.architecture) is not None:
        found |= {"architecture": architecture.to_dict(), "digest": architecture.digest}
        found |= {"params": record.params, "macs": record.macs}
    return found


def result(record: TrialRecord, behind: int) -> dict[str, Any]:
    """What a trial's attribute ``result`` says."""
    return {
        "state": record.state,
        "top1": record.top1,
        "split": record.split,
        "seed": record.seed,
        "seconds": record.seconds,
        "reason": record.reason,
        "attempts": behind,
        "worker": record.worker,
        "curve": [asdict(epoch) for epoch in record.curve],
    }
