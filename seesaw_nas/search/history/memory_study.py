"""Trials as an Optuna study in memory, for its samplers and its dashboard."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import TrialState

from seesaw_nas.search import objectives
from seesaw_nas.search.history import optuna_private
from seesaw_nas.search.history.history import ILLEGAL, SAMPLER, violations
from seesaw_nas.search.history.lines import Content, record_of
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.space import Budget
from seesaw_nas.space.costs import MACS, Cost

GENERATION = optuna_private.generation_key()
STATES = {
    "complete": TrialState.COMPLETE,
    "duplicate": TrialState.COMPLETE,
    "failed": TrialState.FAIL,
    "lost": TrialState.FAIL,
    "infeasible": TrialState.PRUNED,
    "stopped": TrialState.PRUNED,
    "short": TrialState.PRUNED,
}  # of trials that have ended

Choices = Mapping[str, tuple[str, ...]]


def distributions(choices: Choices) -> dict[str, BaseDistribution]:
    """The genes of a space as Optuna's categorical parameters."""
    return {name: CategoricalDistribution(values) for name, values in choices.items()}


def create_study(name: str, sought: str) -> optuna.Study:
    """An empty study in memory."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(study_name=name, directions=objectives.directions(sought))


def study_of(content: Content, cost: Cost = MACS) -> optuna.Study:
    """The study of what a trials file says.

    Args:
        cost: what it sets top-1 against.

    Raises:
        ValueError: an architecture in it is none.
    """
    header, genotypes = content.header, content.genotypes
    found = MemoryStudy(header["study"], header["objectives"], genotypes.choices, Budget(*header["budget"]), cost)
    for trial in content.trials:
        genotype = genotypes[trial.number]
        found.add(record_of(trial), genotype, trial.attributes, trial.attempts, trial.behind)
    found.note(content.attributes, content.notes)
    return found.study


class MemoryStudy:
    """A study in memory that is told what happens to a history.

    Attributes:
        study: has the objectives top1 (maximised) and, unless top-1 alone is wanted, a cost (minimised).
    """

    def __init__(self, name: str, sought: str, choices: Choices, budget: Budget, cost: Cost = MACS) -> None:
        self.study, self._cost = create_study(name, sought), cost
        self._distributions = distributions(choices)
        self._budget = budget

    def note(self, attributes: Mapping[str, Any], notes: Mapping[str, Any]) -> None:
        """Take in what samplers and the search noted of the study."""
        for name, value in attributes.items():
            optuna_private.set_study_attribute(self.study, name, value)
        for name, value in notes.items():
            self.study.set_user_attr(name, value)

    @property
    def attributes(self) -> dict[str, Any]:
        """What samplers noted of the study."""
        return optuna_private.study_attributes(self.study)

    def add(
        self,
        record: TrialRecord,
        genotype: Mapping[str, str],
        attributes: Mapping[str, Any],
        attempts: int,
        behind: int,
    ) -> None:
        """Add a trial that a sampler did not choose here.

        Args:
            genotype: its genes.
            attributes: what a sampler noted of it; empty for what no sampler chose.
            attempts, behind: trainings that were begun, and those of them that came to an end or a pause.
        """
        state, values = outcome(record, len(self.study.directions), self._cost)
        told = {"proposal": proposal(record, attempts)}
        if record.state not in ("running", "lost"):
            told["result"] = result(record, behind)
        frozen = optuna.trial.create_trial(
            state=state,
            values=values,
            params=dict(genotype),
            distributions=self._distributions,
            constraints=constraints(record, self._budget),
            user_attrs=told,
            system_attrs=({} if record.origin == SAMPLER else {GENERATION: 0}) | dict(attributes),
        )
        frozen.datetime_start = datetime.fromtimestamp(record.started)
        frozen.datetime_complete = datetime.fromtimestamp(record.ended) if state.is_finished() else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            self.study.add_trial(frozen)

    def ask(self) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Begin a trial whose genes the sampler chooses: its number, its genes, and what the sampler noted of it."""
        asked = self.study.ask(self._distributions)
        return asked.number, dict(asked.params), optuna_private.attributes(self.study, asked.number)

    def complete_proposal(self, record: TrialRecord) -> None:
        """Add to a trial that was asked for what became of its genes."""
        trial = optuna_private.open_trial(self.study, record.number)
        for name, by in constraints(record, self._budget).items():
            trial.set_constraint(name, by)
        trial.set_user_attr("proposal", proposal(record, 1))

    def tell(self, record: TrialRecord, behind: int) -> dict[str, Any]:
        """Say how a trial stands, paused or at its end; returns what a sampler noted of it then."""
        optuna_private.open_trial(self.study, record.number).set_user_attr("result", result(record, behind))
        if record.state == "paused":
            return {}
        before = optuna_private.attributes(self.study, record.number)
        tell(self.study, record, self._cost)
        now = optuna_private.attributes(self.study, record.number)
        return {name: value for name, value in now.items() if before.get(name) != value}


def constraints(record: TrialRecord, budget: Budget) -> dict[str, float]:
    """By how much a trial misses the budget, or that it is no architecture."""
    if record.macs is None or record.architecture is None:
        return {ILLEGAL: 1.0}
    return violations(record.macs, budget, record.architecture)


def outcome(record: TrialRecord, count: int, cost: Cost = MACS) -> tuple[TrialState, list[float] | None]:
    """The state of a trial in a study, and its values, where it has some: the first ``count`` of top1 and the cost."""
    state = STATES.get(record.state, TrialState.RUNNING)
    if state != TrialState.COMPLETE:
        return state, None
    spent = objectives.amount_of_record(cost, record)
    if record.top1 is not None and spent is not None:
        return state, [record.top1, float(spent)][:count]
    return TrialState.PRUNED, None  # a duplicate of one that has no figures


def tell(study: optuna.Study, record: TrialRecord, cost: Cost = MACS) -> None:
    """Close a trial of a study."""
    state, values = outcome(record, len(study.directions), cost)
    study.tell(record.number, values, state=state)


def proposal(record: TrialRecord, attempts: int) -> dict[str, Any]:
    """What a trial's attribute ``proposal`` says."""
    found: dict[str, Any] = {"origin": record.origin, "attempts": attempts}
    found |= {"schedule": record.schedule} if record.schedule else {}
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
