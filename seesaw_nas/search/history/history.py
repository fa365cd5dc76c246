"""The trial history of a run: an Optuna study in a journal file, read and written as :class:`TrialRecord`.

The study has the objectives top1 (maximised) and, unless top-1 alone is wanted, macs (minimised), so that any tool for
Optuna shows the front. A trial's parameters are the architecture's genes; the user attribute ``proposal`` holds the
architecture itself, and ``result`` what became of it. A trial is told last, so a process may be killed at any point:
what was told is kept, and a trial that was only begun is still to be done.

One process owns the history. It reads the file once, and knows from then on what it wrote.
"""

from __future__ import annotations

import time
from bisect import insort
from dataclasses import asdict, replace
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial, TrialState

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import SpecError
from seesaw_nas.search.history import optuna_private
from seesaw_nas.search.history.reading import as_record
from seesaw_nas.search.records import CompleteTrial, TrialRecord, as_complete
from seesaw_nas.space import Budget, Space, decode, encode, genes

ILLEGAL = "no_such_architecture"  # the constraint that a combination outside the space violates
SAMPLER = "sampler"  # the origin of what Optuna's sampler chose
_GENERATION = optuna_private.generation_key()

_TOLD = {
    "complete": TrialState.COMPLETE,
    "duplicate": TrialState.COMPLETE,
    "failed": TrialState.FAIL,
    "infeasible": TrialState.PRUNED,
    "stopped": TrialState.PRUNED,
}


def trial_seed(seed: int, number: int) -> int:
    """The seed of one trial's training, from the search's seed and the trial's number alone."""
    return int(np.random.SeedSequence([seed, number, 1]).generate_state(1)[0] >> 1)


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """The genes of a space as Optuna's categorical parameters."""
    return {name: CategoricalDistribution(choices) for name, choices in genes(space).items()}


def violations(macs: int, budget: Budget) -> dict[str, float]:
    """By how many Multi-Adds a budget is missed, at its upper and lower end; positive is a miss."""
    return {"above_budget": float(macs - budget.high), "below_budget": float(budget.low - macs)}


class History:
    """The trials of one search, in the order in which they were proposed.

    Args:
        seed: of the search; a trial's own follows from it and from the trial's number.

    Attributes:
        complete: the trials that were trained to their end, by number.
    """

    shared = False  # whether other processes write it, too

    def __init__(self, study: optuna.Study, space: Space, budget: Budget, seed: int = 0) -> None:
        self.study = study
        self.space = space
        self.budget = budget
        self.seed = seed
        self._storage = optuna_private.storage(study)
        self._distributions = distributions(space)
        self._ids: dict[int, int] = {}
        self._records: dict[int, TrialRecord] = {}
        self.complete: list[CompleteTrial] = []
        self._attempts: dict[int, int] = {}
        self._behind: dict[int, int] = {}  # of these, the attempts that came to a pause
        for trial in study.get_trials(deepcopy=False):
            if self._is_whole(trial):
                self._read(trial)

    def _is_whole(self, trial: FrozenTrial) -> bool:
        """Whether the trial has all its genes; one that a crash cut off before has proposed nothing."""
        return trial.params.keys() >= self._distributions.keys()

    def _read(self, trial: FrozenTrial) -> None:
        number = trial.number
        self._ids[number] = optuna_private.trial_id(trial)
        if "architecture" in trial.user_attrs.get("proposal", {}) or "result" in trial.user_attrs:
            self._records[number] = as_record(trial, trial_seed(self.seed, number))
            self._attempts[number] = int(trial.user_attrs["proposal"].get("attempts", 0))
            self._behind[number] = int(trial.user_attrs.get("result", {}).get("attempts", 0))
            if (done := as_complete(self._records[number])) is not None:
                self.complete.append(done)
        else:
            self._propose(trial, attempts=0)

    def __len__(self) -> int:
        return len(self._records)

    def __getitem__(self, number: int) -> TrialRecord:
        """The record of one trial."""
        return self._records[number]

    def records(self) -> list[TrialRecord]:
        """Every proposal."""
        return list(self._records.values())

    def genotype(self, number: int) -> dict[str, str]:
        """The genes of one trial."""
        return dict(self._storage.get_trial(self._ids[number]).params)

    def add(self, architecture: Architecture, origin: str = "", attempts: int = 1) -> int:
        """Begin a trial of this architecture, in a single write; returns its number.

        Args:
            origin: where the architecture is from, in words.
            attempts: 0 for one whose training does not begin yet.
        """
        trial_id = self._storage.create_new_trial(
            self._storage.get_study_id_from_name(self.study.study_name),
            template_trial=optuna.trial.create_trial(
                state=TrialState.RUNNING,
                params=dict(encode(self.space, architecture)),
                distributions=self._distributions,
                constraints=violations(cost.macs(architecture), self.budget),
                user_attrs={"proposal": _proposal(architecture, origin) | {"attempts": attempts}},
                system_attrs={_GENERATION: 0},
            ),
        )
        number = self._storage.get_trial_number_from_id(trial_id)
        self._note(number, trial_id, architecture, origin, attempts)
        return number

    def ask(self) -> int:
        """Begin a trial whose genes the study's sampler chooses; one that was cut off in between gets the rest.

        What they describe may be no architecture at all: then the record has none, and says why.
        """
        whole = self._ids.keys()
        for frozen in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if frozen.number not in whole:
                trial = optuna.Trial(self.study, optuna_private.trial_id(frozen))
                for name, choices in genes(self.space).items():
                    trial.suggest_categorical(name, choices)
                break
        else:
            trial = self.study.ask(self._distributions)
        return self._propose(self._storage.get_trial(optuna_private.trial_id(trial)), attempts=1)

    def _propose(self, trial: FrozenTrial, attempts: int) -> int:
        """Note what the genes of a trial describe."""
        number, trial_id = trial.number, optuna_private.trial_id(trial)
        architecture, reason = None, ""
        try:
            architecture = decode(self.space, trial.params)
            constraints = violations(cost.macs(architecture), self.budget)
        except SpecError as error:
            constraints, reason = {ILLEGAL: 1.0}, str(error)
        handle = optuna.Trial(self.study, trial_id)
        for name, by in constraints.items():
            if name not in trial.constraints:
                handle.set_constraint(name, by)
        proposal = _proposal(architecture, SAMPLER) | {"attempts": attempts}
        self._storage.set_trial_user_attr(trial_id, "proposal", proposal)
        self._note(number, trial_id, architecture, SAMPLER, attempts, reason)
        return number

    def _note(
        self,
        number: int,
        trial_id: int,
        architecture: Architecture | None,
        origin: str,
        attempts: int,
        why: str = "",
    ) -> None:
        seed = trial_seed(self.seed, number)
        record = TrialRecord(number, "running", seed=seed, origin=origin, reason=why, started=time.time())
        if architecture is not None:
            found, params = cost.macs(architecture), cost.params(architecture)
            record = replace(record, architecture=architecture, macs=found, params=params)
        self._ids[number], self._records[number] = trial_id, record
        self._attempts[number], self._behind[number] = attempts, 0

    def refresh(self) -> list[TrialRecord]:
        """The records that other processes changed: none, where one process owns the history."""
        return []

    def take_over_lost(self) -> list[int]:
        """Trials of lost processes that this one is to begin once more; each is named once."""
        return []

    def open(self) -> list[int]:
        """Trials that were begun and neither told nor paused: in a history just read, what a killed process left."""
        return [number for number, record in self._records.items() if record.state == "running"]

    def unreported(self) -> list[int]:
        """Trials whose result is noted but not told, which a process leaves that is killed in between."""
        running = self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        ended = {number for number, record in self._records.items() if record.state in _TOLD}
        return [trial.number for trial in running if trial.number in ended]

    def attempts(self, number: int) -> int:
        """How often the trial's training began without coming to an end or a pause."""
        return self._attempts[number] - self._behind[number]

    def attempt(self, number: int) -> None:
        """Note that a trial's training begins."""
        self._set_attempts(number, self._attempts[number] + 1)

    def forgive_attempt(self, number: int) -> None:
        """Take that back: a person stopped it, the training did no harm."""
        self._set_attempts(number, self._attempts[number] - 1)
        if (record := self._records[number]).curve:
            self._records[number] = replace(record, state="paused")

    def _set_attempts(self, number: int, count: int) -> None:
        record = self._records[number]
        self._attempts[number] = count
        proposal = _proposal(record.architecture, record.origin) | {"attempts": count}
        self._storage.set_trial_user_attr(self._ids[number], "proposal", proposal)

    def pause(self, number: int, record: TrialRecord) -> None:
        """Note how far a trial has been trained; afterwards that is durable."""
        self._behind[number] = self._attempts[number]
        self._write(number, replace(record, state="paused"))

    def go_on(self, number: int) -> None:
        """A paused trial is being trained on; to another process it is paused until that ends."""
        self._records[number] = replace(self._records[number], state="running")

    def finish(self, number: int, record: TrialRecord) -> None:
        """Note what became of a trial; afterwards that is durable."""
        self._write(number, replace(record, ended=time.time()))
        self.tell(number)

    def take_over(self, number: int, known: CompleteTrial, reason: str) -> None:
        """Close a trial with the figures of another run's, which was trained under the same conditions."""
        record = replace(
            self[number],
            state="complete",
            top1=known.top1,
            split=known.split,
            seed=known.seed,
            seconds=known.seconds,
            curve=known.curve,
            reason=reason,
            worker=known.worker,
        )
        self.finish(number, record)

    def _write(self, number: int, record: TrialRecord) -> None:
        result = {
            "state": record.state,
            "top1": record.top1,
            "split": record.split,
            "seed": record.seed,
            "seconds": record.seconds,
            "reason": record.reason,
            "attempts": self._behind[number],
            "worker": record.worker,
            "curve": [asdict(epoch) for epoch in record.curve],
        }
        self._storage.set_trial_user_attr(self._ids[number], "result", result)
        self._records[number] = record
        if (done := as_complete(record)) is not None:
            insort(self.complete, done, key=lambda trial: trial.number)

    def tell(self, number: int) -> None:
        """Close a trial whose result is noted."""
        record = self._records[number]
        state, values = _TOLD[record.state], None
        if state == TrialState.COMPLETE:
            if record.top1 is not None and record.macs is not None:
                values = [record.top1, float(record.macs)][: len(self.study.directions)]
            else:
                state = TrialState.PRUNED  # a duplicate of one that has no figures
        self.study.tell(number, values, state=state)


def _proposal(architecture: Architecture | None, origin: str) -> dict[str, Any]:
    found: dict[str, Any] = {"origin": origin}
    if architecture is not None:
        found |= {"architecture": architecture.to_dict(), "digest": architecture.digest}
        found |= {"params": cost.params(architecture), "macs": cost.macs(architecture)}
    return found
