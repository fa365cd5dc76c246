"""The trial history of a run: an Optuna study in a journal file, read and written as :class:`TrialRecord`.

The study has two objectives, top1 (maximised) and macs (minimised), so that any tool for Optuna shows the front. A
trial's parameters are the architecture's genes; the user attribute ``proposal`` holds the architecture itself, and
``result`` what became of it. A trial is told last, so a process may be killed at any point: what was told is kept, and
a trial that was only begun is still to be done.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import FrozenTrial, TrialState

from seesaw_nas import cost
from seesaw_nas.errors import RunError
from seesaw_nas.files import cut_torn_line
from seesaw_nas.records import Epoch, State, TrialRecord
from seesaw_nas.space import Budget, Genotype, Space, encode, genes
from seesaw_nas.spec import Architecture

DIRECTIONS: list[Literal["minimize", "maximize"]] = ["maximize", "minimize"]  # top1, macs
ILLEGAL = "no_such_architecture"  # the constraint that a combination outside the space violates
LOCK_GRACE_SECONDS = 3  # the least Optuna takes without a warning; a killed process leaves its lock behind

_TOLD = {
    "complete": TrialState.COMPLETE,
    "duplicate": TrialState.COMPLETE,
    "failed": TrialState.FAIL,
    "infeasible": TrialState.PRUNED,
}


def open_study(journal: Path, name: str) -> optuna.Study:
    """The study in this journal file, made if it is not there; a line that a crash cut short is set aside.

    Args:
        name: of a new study; one that is there keeps its own, so that a run folder may be renamed.

    Raises:
        RunError: the file is not such a journal.
    """
    _mend(journal)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        try:
            lock = JournalFileSymlinkLock(str(journal), grace_period=LOCK_GRACE_SECONDS)
            storage = JournalStorage(JournalFileBackend(str(journal), lock_obj=lock))
            found = optuna.get_all_study_names(storage)
            study = (
                optuna.load_study(storage=storage, study_name=found[0])
                if found
                else optuna.create_study(storage=storage, study_name=name, directions=DIRECTIONS)
            )
        except (ValueError, KeyError, TypeError, AssertionError) as error:  # Optuna asserts that it knows an operation
            raise RunError(f"{journal} is not a readable Optuna journal: {type(error).__name__}: {error}") from None
    if (directions := [direction.name.lower() for direction in study.directions]) != DIRECTIONS:
        raise RunError(f"{journal} is another program's study: objectives {directions}, wanted {DIRECTIONS}")
    return study


def _mend(journal: Path) -> None:
    """Cut off a last line without its end, which a full disk or a lost machine leaves, and keep it in a file beside.

    Optuna would append the next record to the fragment and could then read neither. It also passes over a last line
    that is none of its own and writes on behind it, so every line is looked at first.

    Raises:
        RunError: a line that has its end is none of a journal.
    """
    if not journal.exists():
        return
    lines = journal.read_bytes().splitlines(keepends=True)
    for number, line in enumerate(lines, start=1):
        if line.endswith(b"\n") and not _is_operation(line):
            raise RunError(f"{journal} is not a readable Optuna journal: line {number} is no operation of a study")
    if lines and not lines[-1].endswith(b"\n"):
        with journal.with_suffix(".torn").open("ab") as torn:
            torn.write(lines[-1] + b"\n")
        cut_torn_line(journal)


def _is_operation(line: bytes) -> bool:
    try:
        value = json.loads(line)
    except ValueError:
        return False
    return isinstance(value, dict) and "op_code" in value


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """The genes of a space as Optuna's categorical parameters."""
    return {name: CategoricalDistribution(choices) for name, choices in genes(space).items()}


def violations(macs: int, budget: Budget) -> dict[str, float]:
    """By how many Multi-Adds a budget is missed, at its upper and lower end; positive is a miss."""
    return {"above_budget": float(macs - budget.high), "below_budget": float(budget.low - macs)}


class History:
    """The trials of one search, in the order in which they were proposed."""

    def __init__(self, study: optuna.Study, space: Space, budget: Budget) -> None:
        self.study = study
        self.space = space
        self.budget = budget
        self._distributions = distributions(space)

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        return dict(self._distributions)

    def __len__(self) -> int:
        """Proposals so far; a trial that was cut off while its genes were being chosen is none."""
        return sum(map(self._is_whole, self._trials()))

    def _is_whole(self, trial: FrozenTrial) -> bool:
        return trial.params.keys() >= self._distributions.keys()

    def _trials(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False)

    def add(self, architecture: Architecture) -> optuna.Trial:
        """A trial of this architecture, begun, with all of its genes, in a single write."""
        genotype: Genotype = encode(self.space, architecture)
        self.study.add_trial(
            optuna.trial.create_trial(
                state=TrialState.RUNNING,
                params=dict(genotype),
                distributions=self._distributions,
                constraints=violations(cost.macs(architecture), self.budget),
            )
        )
        return self._trial(self._trials()[-1])

    def ask(self) -> optuna.Trial:
        """A trial whose genes the study's sampler chose; one that was cut off in between gets those that it lacks."""
        for frozen in self._trials():
            if frozen.state == TrialState.RUNNING and not self._is_whole(frozen):
                trial = self._trial(frozen)
                for name, choices in genes(self.space).items():
                    trial.suggest_categorical(name, choices)
                return trial
        return self.study.ask(self._distributions)

    def pending(self) -> list[optuna.Trial]:
        """Proposals that were begun and not told: what a killed process left."""
        running = [trial for trial in self._trials() if trial.state == TrialState.RUNNING]
        return [self._trial(trial) for trial in running if self._is_whole(trial)]

    def _trial(self, frozen: FrozenTrial) -> optuna.Trial:
        return optuna.Trial(self.study, frozen._trial_id)

    def begin(self, trial: optuna.Trial, record: TrialRecord) -> None:
        """Note what was proposed, and that its training begins once more."""
        proposal: dict[str, Any] = {"seed": record.seed, "attempts": self.attempts(trial) + 1}
        if record.architecture is not None:
            proposal["architecture"] = record.architecture.to_dict()
            proposal |= {"digest": record.digest, "params": record.params, "macs": record.macs}
            for name, by in violations(record.macs or 0, self.budget).items():
                if name not in trial.constraints:
                    trial.set_constraint(name, by)
        elif ILLEGAL not in trial.constraints:
            trial.set_constraint(ILLEGAL, 1.0)
        trial.set_user_attr("proposal", proposal)

    @staticmethod
    def attempts(trial: optuna.Trial) -> int:
        """How often the trial's training began."""
        return int(trial.user_attrs.get("proposal", {}).get("attempts", 0))

    def excuse(self, trial: optuna.Trial) -> None:
        """Take back that its training began: a person stopped it, the training did no harm."""
        proposal = trial.user_attrs["proposal"]
        trial.set_user_attr("proposal", proposal | {"attempts": proposal["attempts"] - 1})

    def finish(self, trial: optuna.Trial, record: TrialRecord) -> None:
        """Note what became of it; afterwards the trial is durable."""
        result = {
            "state": record.state,
            "top1": record.top1,
            "split": record.split,
            "seconds": record.seconds,
            "reason": record.reason,
            "curve": [asdict(epoch) for epoch in record.curve],
        }
        trial.set_user_attr("result", result)
        self.tell(trial, record)

    def tell(self, trial: optuna.Trial, record: TrialRecord) -> None:
        """Close a trial whose result is already noted."""
        state = _TOLD[record.state]
        values = [float(record.top1 or 0.0), float(record.macs or 0)] if state == TrialState.COMPLETE else None
        self.study.tell(trial, values, state=state)

    def record(self, trial: optuna.Trial) -> TrialRecord | None:
        """What is noted of one trial."""
        return as_record(self._trials()[trial.number])

    def records(self) -> list[TrialRecord]:
        """Every proposal; a trial that was cut off while its genes were being chosen is none."""
        return [record for trial in self._trials() if (record := as_record(trial)) is not None]


def as_record(trial: FrozenTrial) -> TrialRecord | None:
    """What a trial of the study says, or ``None`` when nothing was proposed in it."""
    proposal, result = trial.user_attrs.get("proposal"), trial.user_attrs.get("result", {})
    if proposal is None:
        return None
    spec = proposal.get("architecture")
    state: State = result.get("state", "running")
    return TrialRecord(
        number=trial.number,
        state=state,
        architecture=Architecture.from_dict(spec) if spec else None,
        macs=proposal.get("macs"),
        params=proposal.get("params"),
        top1=result.get("top1"),
        split=result.get("split", "validation"),
        seed=proposal["seed"],
        seconds=result.get("seconds", 0.0),
        curve=_curve(result.get("curve", [])),
        reason=result.get("reason", ""),
    )


def _curve(entries: Iterable[Mapping[str, Any]]) -> tuple[Epoch, ...]:
    return tuple(Epoch(**entry) for entry in entries)
