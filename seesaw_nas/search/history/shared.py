"""The trial history in a database, where processes on several machines work on one search.

Each process proposes for itself and sees what the others do. That no architecture is trained twice follows from the
order in which the database numbers the trials: of two alike, the one with the lower number is trained. A process says
every few seconds that it is alive; a trial of one that does not is begun once more by another.
"""

from __future__ import annotations

import contextlib
import re
import threading
import warnings
import weakref
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import optuna
import sqlalchemy
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core import optional
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.core.run_folder import check_description
from seesaw_nas.search.history import optuna_private
from seesaw_nas.search.history.history import DIRECTIONS
from seesaw_nas.search.history.reading import as_records
from seesaw_nas.search.history.study_history import StudyHistory
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.space import Budget, Space

BEAT_SECONDS = 10  # between two signs of life
GRACE_SECONDS = 60  # without one, after which a trial's process counts as lost
_DESCRIPTION = "run"  # attribute of the study: what the run is, as in run.json


def open_storage(url: str) -> RDBStorage:
    """The database behind this URL, such as ``postgresql://user@host/name``; its tables are made where they lack.

    Raises:
        OptionError: it cannot be reached, or its driver is not installed.
    """
    shown = without_password(url)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            storage = RDBStorage(
                url.replace("postgresql://", "postgresql+psycopg://", 1),  # whatever SQLAlchemy's own default is
                engine_kwargs={"pool_pre_ping": True},
                heartbeat_interval=BEAT_SECONDS,
                grace_period=GRACE_SECONDS,
                heartbeat_stale_trial_callback=_lost,
            )
            weakref.finalize(storage, storage.engine.dispose)  # its connections are closed when nothing needs them
            return storage
    except ImportError as error:
        raise OptionError(f"no driver for {shown}: {optional.explain_error(error) or error}") from None
    except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        reason = " ".join(str(error.__cause__ or error).split())[:200]
        raise OptionError(f"cannot reach the storage {shown}: {reason}") from None


def without_password(url: str) -> str:
    """The URL as it may be shown and kept; the driver takes the password from where it always does, as PGPASSWORD.

    Raises:
        OptionError: it is no URL of a database.
    """
    try:
        parsed = sqlalchemy.engine.make_url(url).difference_update_query(["password"])
        return parsed._replace(password=None).render_as_string()  # its `set` leaves out what is None
    except (sqlalchemy.exc.ArgumentError, ValueError):  # a port that is no number
        raise OptionError(
            f"--storage wants the URL of a database, such as postgresql://user@host/name, got "
            f"'{re.sub(r':[^:/@]*@', '@', url)}'"
        ) from None


def create(url: str, name: str, objectives: str, description: Mapping[str, Any]) -> optuna.Study:
    """A new study of this name, with the description of the run, as in ``run.json``.

    Raises:
        RunError: there is one already.
        OptionError: the database cannot be reached.
    """
    storage = open_storage(url)
    try:
        study = optuna.create_study(storage=storage, study_name=name, directions=DIRECTIONS[objectives])
    except optuna.exceptions.DuplicatedStudyError:
        raise RunError(
            f"the storage has a search called '{name}' already; join it by --join {name}, or choose another name"
        ) from None
    study.set_user_attr(_DESCRIPTION, dict(description))
    return study


def join(url: str, name: str) -> tuple[optuna.Study, dict[str, Any]]:
    """The study of this name, and the description of its run.

    Raises:
        RunError: there is none, or a newer release made it.
        OptionError: the database cannot be reached.
    """
    storage = open_storage(url)
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
    study, _ = join(url, name)
    return as_records(study.get_trials(deepcopy=False), f"the search '{name}' in the storage")


class SharedHistory(StudyHistory):
    """A history that other processes write, too; :meth:`refresh` takes in what they did."""

    shared = True

    def __init__(self, study: optuna.Study, space: Space, budget: Budget, seed: int = 0) -> None:
        """Read what there is, and begin to show signs of life."""
        self._database: Any = optuna_private.storage(study)  # its cache passes signs of life on
        super().__init__(study, space, budget, seed)
        self._mine: set[int] = set()
        self._again: list[tuple[Architecture, str, int]] = []
        self._taken_up: list[int] = []
        _LISTENING[id(study)] = self._take_up
        self._end = threading.Event()
        self._beating = threading.Thread(target=self._beat, daemon=True)
        self._beating.start()

    def close(self) -> None:
        """Show no further signs of life."""
        self._end.set()
        self._beating.join()
        _LISTENING.pop(id(self.study), None)

    def _beat(self) -> None:
        while not self._end.wait(BEAT_SECONDS):
            for number in list(self._mine):
                with contextlib.suppress(optuna.exceptions.StorageInternalError):  # the next one may come through
                    self._database.record_heartbeat(self._ids[number])

    def _read(self, trial: FrozenTrial) -> None:
        if not (trial.user_attrs.get("proposal", {}).get("architecture") or "result" in trial.user_attrs):
            return  # another process is still choosing its genes, or about to close what they do not describe
        first = trial.number not in self._records
        super()._read(trial)
        if first and not trial.state.is_finished():  # its process may have died before its own first sign of life
            self._database.record_heartbeat(optuna_private.trial_id(trial))

    def refresh(self) -> list[TrialRecord]:
        """Take in what other processes did, begin anew what a lost one left, and return the records that changed."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            optuna.storages.fail_stale_trials(self.study)
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
        for architecture, origin, attempts in self._again:
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
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Heartbeat of storage", UserWarning)  # we show the signs of life
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
        if "result" not in trial.user_attrs and proposal.get("architecture") and proposal["attempts"] < 2:
            architecture = Architecture.from_dict(proposal["architecture"])
            self._again.append((architecture, f"again: trial {trial.number} was lost", int(proposal["attempts"])))


_LISTENING: dict[int, Callable[[FrozenTrial], None]] = {}  # by the study's identity


def _lost(study: optuna.Study, trial: FrozenTrial) -> None:
    """What Optuna calls in the one process that found a trial without a sign of life."""
    if (take_up := _LISTENING.get(id(study))) is not None:
        take_up(trial)
