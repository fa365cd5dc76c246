"""The trial history in a database, where processes on several machines work on one search.

Each process proposes for itself and sees what the others do. That no architecture is trained twice follows from the
order in which the database numbers the trials: of two alike, the one with the lower number is trained. A process says
every few seconds that it is alive; a trial of one that does not is begun once more by another.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from optuna.trial import FrozenTrial

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.errors import RunError
from seesaw_nas.core.run_folder import NameTaken, check_description
from seesaw_nas.search import objectives
from seesaw_nas.search.history import database, optuna_private
from seesaw_nas.search.history.patient import RESULT, RETRY_SECONDS
from seesaw_nas.search.history.reading import as_records
from seesaw_nas.search.history.study_history import StudyHistory
from seesaw_nas.search.history.undelivered import Undelivered
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.space import Budget, Space
from seesaw_nas.space.costs import MACS, Cost

_DESCRIPTION = "run"  # attribute of the study: what the run is, as in run.json


def create(url: str, name: str, sought: str, description: Mapping[str, Any], *, again: bool = False) -> optuna.Study:
    """A new study of this name, with the description of the run, as in ``run.json``.

    Args:
        sought: the objectives.
        again: a process may have been killed over making it: then one of this run that has no trial yet is taken.

    Raises:
        NameTaken: there is one already.
        OptionError: the database cannot be reached.
    """
    storage = database.open_storage(url, create=True)
    try:
        study = optuna.create_study(storage=storage, study_name=name, directions=objectives.directions(sought))
    except optuna.exceptions.DuplicatedStudyError:
        study = optuna.load_study(storage=storage, study_name=name)
        if not again or study.user_attrs.get(_DESCRIPTION, description) != description or study.get_trials():
            raise StudyTaken(name) from None
    study.set_user_attr(_DESCRIPTION, dict(description))
    return study


class StudyTaken(NameTaken):
    """The database has a study of this name already."""

    def __init__(self, name: str) -> None:
        RunError.__init__(
            self, f"the storage has a search called '{name}' already; join it by --join {name}, or choose another name"
        )


def join(
    url: str, name: str, *, keep: Path | None = None, read_only: bool = False
) -> tuple[optuna.Study, dict[str, Any]]:
    """The study of this name, and the description of its run.

    Args:
        keep: folder for results until the database has them; ``None`` where nothing is trained.
        read_only: whether nothing will be written.

    Raises:
        RunError: there is none, or a newer release made it.
        OptionError: the database cannot be reached.
    """
    undelivered = Undelivered(keep, name) if keep else None
    storage = database.open_storage(url, read_only=read_only, undelivered=undelivered)
    try:
        study = optuna.load_study(storage=storage, study_name=name)
    except KeyError:
        names = sorted(optuna.get_all_study_names(storage))
        raise RunError(f"the storage has no search called '{name}' (it has: {', '.join(names) or 'none'})") from None
    description = study.user_attrs.get(_DESCRIPTION)
    if not isinstance(description, dict):
        raise RunError(f"the study '{name}' in the storage is another program's")
    return study, check_description(description, f"the search '{name}' in the storage")


def read_records(url: str, name: str) -> list[TrialRecord]:
    """Every proposal of a search in a database.

    Raises:
        RunError: there is no such search.
        OptionError: the database cannot be reached.
    """
    study, _ = join(url, name, read_only=True)
    return as_records(study.get_trials(deepcopy=False), f"the search '{name}' in the storage")


class SharedHistory(StudyHistory):
    """A history that other processes write, too; :meth:`refresh` takes in what they did."""

    shared = True

    def __init__(self, study: optuna.Study, space: Space, budget: Budget, seed: int = 0, cost: Cost = MACS) -> None:
        """Read what there is, and begin to show signs of life."""
        self._database: Any = optuna_private.storage(study)
        delivered = self._deliver(study)
        super().__init__(study, space, budget, seed, cost)
        self._mine: set[int] = set()
        self._again: list[tuple[Architecture, str, int, int]] = []  # with origin, attempts and schedule
        self._taken_up: list[int] = []
        for number in [number for number, trial_id in self._ids.items() if trial_id in delivered]:
            self.tell(number)
        self._end = threading.Event()
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()

    def close(self) -> None:
        """Show no further signs of life."""
        self._end.set()
        self._beating.join(database.CONNECT_SECONDS)  # it may be waiting for a server that is away

    def _beat(self) -> None:
        pause: float = database.BEAT_SECONDS
        while not self._end.wait(pause):
            came_through = [self._database.record_heartbeat(self._ids[number]) for number in list(self._mine)]
            pause = database.BEAT_SECONDS if all(came_through) else RETRY_SECONDS

    def _deliver(self, study: optuna.Study) -> set[int]:
        """Hand over results that an earlier process could not; the trials that took them, by the storage's numbers.

        The result of a trial that others have taken over is dropped, one of a trial that is not in the database stays.
        """
        kept = self._database.undelivered.results() if self._database.undelivered else {}
        there = {optuna_private.trial_id(trial) for trial in study.get_trials(deepcopy=False)} if kept else set()
        delivered = set()
        for trial_id in sorted(kept.keys() & there):
            with contextlib.suppress(optuna.exceptions.UpdateFinishedTrialError):
                self._database.set_trial_user_attr(trial_id, RESULT, kept[trial_id])
                delivered.add(trial_id)
        return delivered

    def _read(self, trial: FrozenTrial) -> None:
        if not (trial.user_attrs.get("proposal", {}).get("architecture") or "result" in trial.user_attrs):
            return  # another process is still choosing its genes, or about to close what they do not describe
        first = trial.number not in self._records
        super()._read(trial)
        if first and not trial.state.is_finished():  # its process may have died before its own first sign of life
            self._database.record_heartbeat(optuna_private.trial_id(trial))

    def refresh(self) -> list[TrialRecord]:
        """Take in what other processes did, begin anew what a lost one left, and return the records that changed."""
        for lost in self._database.end_silent(self.study):
            self._take_up(lost)
        changed = []
        for trial in self.study.get_trials(deepcopy=False):
            known = self._records.get(trial.number)
            is_mine = trial.number in self._mine and not trial.state.is_finished()  # only others end a trial of mine
            if is_mine or (known is not None and known.state != "running"):
                continue
            if self._is_whole(trial):
                self._read(trial)
            if (found := self._records.get(trial.number)) is not None and found != known:
                changed.append(found)
        self.complete.sort(key=lambda record: record.number)
        for architecture, origin, attempts, schedule in self._again:
            with self.scheduled(schedule):
                self._taken_up.append(self.add(architecture, origin, attempts))
        self._again.clear()
        return changed

    def take_over_lost(self) -> list[int]:
        """Trials of lost processes that this one is to begin once more; each is named once."""
        found, self._taken_up = self._taken_up, []
        return found

    def records(self) -> list[TrialRecord]:
        """Every proposal, by number."""
        return [self._records[number] for number in sorted(self._records)]

    def open(self) -> list[int]:
        """None to begin with: what runs belongs to other processes, until it counts as lost."""
        return []

    def ask(self) -> int:
        """Begin a trial whose genes the study's sampler chooses."""
        trial = self.study.ask(self._distributions)
        return self._propose(self._storage.get_trial(optuna_private.trial_id(trial)), attempts=1)

    def _note(self, number: int, trial_id: int, *rest: Any, **more: Any) -> None:
        super()._note(number, trial_id, *rest, **more)
        self._mine.add(number)
        self._database.record_heartbeat(trial_id)

    def _write(self, number: int, record: TrialRecord) -> None:
        try:
            super()._write(number, record)
        except optuna.exceptions.UpdateFinishedTrialError:
            reason = "no sign of life came from its process, so that another took it over"
            self._records[number] = replace(self._records[number], state="lost", reason=reason)

    def _set_attempts(self, number: int, count: int) -> None:
        with contextlib.suppress(optuna.exceptions.UpdateFinishedTrialError):  # of a lost one they no longer matter
            super()._set_attempts(number, count)

    def tell(self, number: int) -> None:
        """Close a trial whose result is noted, unless it is lost."""
        if self._records[number].state != "lost":
            super().tell(number)
        self._mine.discard(number)

    def _take_up(self, trial: FrozenTrial) -> None:
        """Note that the trial of a lost process is to be begun once more."""
        proposal = trial.user_attrs.get("proposal", {})
        if "result" not in trial.user_attrs and proposal.get("architecture"):
            architecture = Architecture.from_dict(proposal["architecture"])
            origin, schedule = f"again: trial {trial.number} was lost", int(proposal.get("schedule", 0))
            self._again.append((architecture, origin, int(proposal["attempts"]), schedule))
