"""Databases that keep a history: their URLs as they may be shown, and how they are opened."""

from __future__ import annotations

import re
import warnings
import weakref
from collections.abc import Callable

import optuna
import sqlalchemy
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial

from seesaw_nas.core import optional
from seesaw_nas.core.errors import OptionError

BEAT_SECONDS = 10  # between two signs of life
GRACE_SECONDS = 60  # without one, after which a trial's process counts as lost
_LISTENING: dict[int, Callable[[FrozenTrial], None]] = {}  # by the study's identity


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


def on_lost(study: optuna.Study, take_up: Callable[[FrozenTrial], None] | None) -> None:
    """Call this with each trial of a lost process that this process finds in the study; ``None`` for no longer."""
    if take_up is None:
        _LISTENING.pop(id(study), None)
    else:
        _LISTENING[id(study)] = take_up


def _lost(study: optuna.Study, trial: FrozenTrial) -> None:
    """What Optuna calls in the one process that found a trial without a sign of life."""
    if (take_up := _LISTENING.get(id(study))) is not None:
        take_up(trial)
