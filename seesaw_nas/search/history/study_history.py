"""A trial history that is an Optuna study in a database, read and written as :class:`TrialRecord`.

A trial's parameters are the architecture's genes; the user attribute ``proposal`` holds the architecture itself, and
``result`` what became of it. A trial is told last.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from seesaw_nas.architecture import cost as arithmetic
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import SpecError
from seesaw_nas.search.history import memory_study, optuna_private
from seesaw_nas.search.history.history import ILLEGAL, SAMPLER, History, trial_seed, violations
from seesaw_nas.search.history.memory_study import GENERATION
from seesaw_nas.search.history.reading import as_record
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.space import Budget, Space, decode, encode, genes
from seesaw_nas.space.costs import MACS, Cost


class StudyHistory(History):
    """The trials of a study, whose storage keeps them.

    A trial is known to the storage by a number of its own.
    """

    def __init__(self, study: optuna.Study, space: Space, budget: Budget, seed: int = 0, cost: Cost = MACS) -> None:
        super().__init__(space, budget, seed, cost)
        self._study = study
        self._storage = optuna_private.storage(study)
        self._distributions = memory_study.distributions(genes(space))
        self._ids: dict[int, int] = {}
        for trial in study.get_trials(deepcopy=False):
            if self._is_whole(trial):
                self._read(trial)

    @property
    def study(self) -> optuna.Study:
        """The trials as Optuna's samplers see them."""
        return self._study

    @property
    def notes(self) -> Mapping[str, Any]:
        """What :meth:`note` noted, by name."""
        return self._study.user_attrs

    def note(self, name: str, value: Any) -> None:
        """Note something of the whole search, in JSON values; afterwards that is durable."""
        self._study.set_user_attr(name, value)

    def _is_whole(self, trial: FrozenTrial) -> bool:
        """Whether the trial has all its genes; one that a crash cut off before has proposed nothing."""
        return trial.params.keys() >= self._distributions.keys()

    def _read(self, trial: FrozenTrial) -> None:
        number = trial.number
        self._ids[number] = optuna_private.trial_id(trial)
        if "architecture" in trial.user_attrs.get("proposal", {}) or "result" in trial.user_attrs:
            record = as_record(trial, trial_seed(self.seed, number))
            attempts = int(trial.user_attrs["proposal"].get("attempts", 0))
            self._register(record, attempts, int(trial.user_attrs.get("result", {}).get("attempts", 0)))
        else:
            self._propose(trial, attempts=0)

    def genotype(self, number: int) -> dict[str, str]:
        """The genes of one trial."""
        return dict(self._storage.get_trial(self._ids[number]).params)

    def add(self, architecture: Architecture, origin: str = "", attempts: int = 1) -> int:
        """Begin a trial of this architecture, in a single write; returns its number."""
        trial_id = self._storage.create_new_trial(
            self._storage.get_study_id_from_name(self.study.study_name),
            template_trial=optuna.trial.create_trial(
                state=TrialState.RUNNING,
                params=dict(encode(self.space, architecture)),
                distributions=self._distributions,
                constraints=violations(arithmetic.macs(architecture), self.budget, architecture),
                user_attrs={"proposal": _proposal(architecture, origin, attempts, self.schedule)},
                system_attrs={GENERATION: 0},
            ),
        )
        number = self._storage.get_trial_number_from_id(trial_id)
        self._note(number, trial_id, architecture, origin, attempts)
        return number

    def ask(self) -> int:
        """Begin a trial whose genes the study's sampler chooses; returns its number."""
        trial = self.study.ask(self._distributions)
        return self._propose(self._storage.get_trial(optuna_private.trial_id(trial)), attempts=1)

    def _propose(self, trial: FrozenTrial, attempts: int) -> int:
        """Note what the genes of a trial describe."""
        number, trial_id = trial.number, optuna_private.trial_id(trial)
        architecture, reason = None, ""
        try:
            architecture = decode(self.space, trial.params)
            constraints = violations(arithmetic.macs(architecture), self.budget, architecture)
        except SpecError as error:
            constraints, reason = {ILLEGAL: 1.0}, str(error)
        handle = optuna.Trial(self.study, trial_id)
        for name, by in constraints.items():
            if name not in trial.constraints:
                handle.set_constraint(name, by)
        told = _proposal(architecture, SAMPLER, attempts, self.schedule)
        self._storage.set_trial_user_attr(trial_id, "proposal", told)
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
        self._ids[number] = trial_id
        self._register(self._new_record(number, architecture, origin, why), attempts, 0)

    def _save_attempts(self, number: int, count: int) -> None:
        record = self._records[number]
        proposal = _proposal(record.architecture, record.origin, count, record.schedule)
        self._storage.set_trial_user_attr(self._ids[number], "proposal", proposal)

    def _save_result(self, number: int, record: TrialRecord) -> None:
        result = memory_study.result(record, self._behind[number])
        self._storage.set_trial_user_attr(self._ids[number], "result", result)

    def finish(self, number: int, record: TrialRecord) -> None:
        """Note what became of a trial, then close it; afterwards that is durable."""
        super().finish(number, record)
        self.tell(number)

    def tell(self, number: int) -> None:
        """Close a trial whose result is noted."""
        memory_study.tell(self.study, self._records[number], self.cost)


def _proposal(architecture: Architecture | None, origin: str, attempts: int, schedule: int) -> dict[str, Any]:
    found: dict[str, Any] = {"origin": origin, "attempts": attempts}
    found |= {"schedule": schedule} if schedule else {}
    if architecture is not None:
        found |= {"architecture": architecture.to_dict(), "digest": architecture.digest}
        found |= {"params": arithmetic.params(architecture), "macs": arithmetic.macs(architecture)}
    return found
