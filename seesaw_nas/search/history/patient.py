"""A database as a history uses it: calls are repeated while it does not answer, and results are kept meanwhile."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import optuna
import sqlalchemy
from optuna.exceptions import StorageInternalError, UpdateFinishedTrialError
from optuna.storages import BaseStorage, RDBStorage
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError, PendingRollbackError, SQLAlchemyError

from seesaw_nas.core.errors import StorageError
from seesaw_nas.core.units import format_duration
from seesaw_nas.search.history import optuna_private
from seesaw_nas.search.history.addresses import hide_password, without_password
from seesaw_nas.search.history.undelivered import Undelivered

RETRY_SECONDS = 1.0  # between two tries while a database does not answer
RESULT = "result"  # user attribute of a trial: what became of it
BECAME_A_COPY = "25006"  # SQLSTATE of a server that takes no writes while another takes its place

log = logging.getLogger(__name__)
Found = TypeVar("Found")


def _patient(name: str) -> Any:
    """A method of a storage that is repeated as :meth:`PatientStorage.patiently` says."""

    def call(self: PatientStorage, *args: Any, **more: Any) -> Any:
        return self.patiently(lambda: getattr(self._cached, name)(*args, **more))

    return call


class PatientStorage(BaseStorage):
    """A database behind Optuna's cache; while it does not answer, each call is repeated for some minutes.

    A call that is repeated may have been carried out before: an attribute is then written twice, a second trial of
    one architecture is closed as a duplicate, and a trial that is closed already counts as closed.

    Args:
        database: as Optuna opens it, with a grace period in seconds.
        url: with its password, which no message shows.
        wait: seconds after which a call gives up.
        undelivered: where results are kept until the database confirms that their trial is closed; ``None`` where
            nothing is trained.
    """

    def __init__(self, database: RDBStorage, url: str, wait: float, undelivered: Undelivered | None = None) -> None:
        self.undelivered = undelivered
        self._database, self._url, self._wait = database, url, wait
        self._cached = optuna_private.cached(database)
        self._gave_up = self._announced = False
        self._failed = -float("inf")  # time of the last try that did not get through

    def patiently(self, work: Callable[[], Found]) -> Found:
        """What ``work`` returns, repeated while the database is away; after giving up once, it is tried only once.

        Raises:
            StorageError: the database stayed away, or refused.
        """
        begun = time.monotonic()
        while True:
            try:
                found = work()
            except (StorageInternalError, SQLAlchemyError) as error:
                if not _is_outage(error):
                    raise StorageError(f"the storage {self._shown} refuses: {explain(error, self._url)}") from None
                if self._gave_up or time.monotonic() - begun >= self._wait:
                    self._gave_up = True
                    raise StorageError(self._farewell(time.monotonic() - begun, error)) from None
                self._note_outage(error)
                time.sleep(RETRY_SECONDS)
            else:
                self._note_answer()
                return found

    @property
    def _shown(self) -> str:
        return without_password(self._url)

    def _note_outage(self, error: Exception) -> None:
        self._failed = time.monotonic()
        if not self._announced:
            self._announced, wait = True, format_duration(self._wait)
            reason = explain(error, self._url)
            log.warning("the storage %s does not answer (%s); it is tried again for %s", self._shown, reason, wait)

    def _note_answer(self) -> None:
        self._gave_up = False
        if self._announced:
            self._announced = False
            log.warning("the storage %s answers again", self._shown)

    def _farewell(self, seconds: float, error: Exception) -> str:
        kept = self.undelivered is not None and self.undelivered.results()
        return (
            f"the storage {self._shown} has not answered for {format_duration(seconds)} ({explain(error, self._url)}); "
            + (f"what was trained is kept in {self.undelivered.folder}; " if kept and self.undelivered else "")
            + "when it is back, go on by `seesaw-nas resume RUN --storage URL`"
        )

    def is_steady(self) -> bool:
        """Whether the server and the way to it were there for as long as a process may be without a sign of life.

        Before that, signs of life are missing of processes that live.
        """
        grace = self._database.grace_period or 0
        if time.monotonic() - self._failed < grace:
            return False
        return self.patiently(lambda: uptime(self._database.engine)) > grace

    def end_silent(self, study: optuna.Study) -> list[FrozenTrial]:
        """Close the trials of processes that show no sign of life; returns those that this process closed."""
        if not self.is_steady():
            return []
        study_id, found = self.get_study_id_from_name(study.study_name), []
        for trial_id in self.patiently(lambda: optuna_private.silent_trials(self._database, study_id)):
            with contextlib.suppress(UpdateFinishedTrialError):  # another process was first
                if self.set_trial_state_values(trial_id, TrialState.FAIL):
                    found.append(self.get_trial(trial_id))
        return found

    def record_heartbeat(self, trial_id: int) -> bool:
        """Show a sign of life, in a single try; whether it came through."""
        try:
            self._database.record_heartbeat(trial_id)
        except (StorageInternalError, SQLAlchemyError) as error:
            self._note_outage(error)
            return False
        return True

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Note an attribute; a result is kept in a file until the trial is closed."""
        if key == RESULT and self.undelivered is not None:
            self.undelivered.keep(trial_id, value)
        with self._dropping(trial_id):
            self.patiently(lambda: self._cached.set_trial_user_attr(trial_id, key, value))

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Any = None) -> bool:
        """Close a trial; if an earlier try of this call has closed it, that is no error."""
        tries: list[int] = []

        def close() -> bool:
            tries.append(trial_id)
            return self._cached.set_trial_state_values(trial_id, state, values)

        with self._dropping(trial_id):
            try:
                closed = self.patiently(close)
            except UpdateFinishedTrialError:
                if len(tries) == 1 or self.get_trial(trial_id).state != state:
                    raise
                closed = True
        if state.is_finished() and self.undelivered is not None:
            self.undelivered.drop(trial_id)
        return closed

    @contextlib.contextmanager
    def _dropping(self, trial_id: int) -> Iterator[None]:
        """Context in which the result of a trial that others have closed is forgotten."""
        try:
            yield
        except UpdateFinishedTrialError:
            if self.undelivered is not None:
                self.undelivered.drop(trial_id)
            raise

    create_new_study = _patient("create_new_study")
    delete_study = _patient("delete_study")
    set_study_user_attr = _patient("set_study_user_attr")
    set_study_system_attr = _patient("set_study_system_attr")
    get_study_id_from_name = _patient("get_study_id_from_name")
    get_study_name_from_id = _patient("get_study_name_from_id")
    get_study_directions = _patient("get_study_directions")
    get_study_user_attrs = _patient("get_study_user_attrs")
    get_study_system_attrs = _patient("get_study_system_attrs")
    get_all_studies = _patient("get_all_studies")
    create_new_trial = _patient("create_new_trial")
    set_trial_param = _patient("set_trial_param")
    get_trial_id_from_study_id_trial_number = _patient("get_trial_id_from_study_id_trial_number")
    set_trial_intermediate_value = _patient("set_trial_intermediate_value")
    set_trial_system_attr = _patient("set_trial_system_attr")
    get_trial = _patient("get_trial")
    get_all_trials = _patient("get_all_trials")
    get_best_trial = _patient("get_best_trial")
    remove_session = _patient("remove_session")


def uptime(engine: sqlalchemy.Engine) -> float:
    """Seconds since the database's server was started; infinite where it does not say."""
    if engine.dialect.name != "postgresql":
        return float("inf")
    asked = sqlalchemy.text("select extract(epoch from now() - pg_postmaster_start_time())")
    try:
        with engine.connect() as connection:
            return float(connection.execute(asked).scalar_one())
    except sqlalchemy.exc.ProgrammingError:  # another server that speaks PostgreSQL's protocol
        return float("inf")


def explain(error: BaseException, url: str) -> str:
    """What the driver said, on one line and without the secrets of the URL."""
    cause = error.__cause__ or error
    text = str(getattr(cause, "orig", None) or cause)
    return " ".join(hide_password(text, url).split())[:200]


def _is_outage(error: BaseException) -> bool:
    """Whether the database is away, and not in disagreement; of a file, whether others keep it locked."""
    cause = error.__cause__ if isinstance(error, StorageInternalError) else error
    if isinstance(cause, sqlalchemy.exc.TimeoutError | PendingRollbackError):
        return True  # the latter: Optuna went on in a transaction whose connection was lost before
    if not isinstance(cause, DBAPIError):
        return False
    if type(cause.orig).__module__.startswith("sqlite3"):
        return "locked" in str(cause.orig)
    if getattr(cause.orig, "sqlstate", None) == BECAME_A_COPY:
        return True
    return cause.connection_invalidated or isinstance(cause, OperationalError | InterfaceError)
