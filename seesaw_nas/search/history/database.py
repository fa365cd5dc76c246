"""Databases that keep a history: how they are opened, to read or to work."""

from __future__ import annotations

import os
import warnings
import weakref
from typing import Any
from urllib.parse import quote

import optuna
import sqlalchemy
from optuna.storages import RDBStorage

from seesaw_nas.core import optional
from seesaw_nas.core.errors import OptionError, StorageError, UnitError
from seesaw_nas.core.units import parse_duration
from seesaw_nas.search.history.addresses import file_of, is_sqlite, read_url, without_password
from seesaw_nas.search.history.patient import PatientStorage, explain
from seesaw_nas.search.history.undelivered import Undelivered

BEAT_SECONDS = 10  # between two signs of life
GRACE_SECONDS = 60  # without one, after which a trial's process counts as lost
CONNECT_SECONDS = 10  # after which a server that says nothing counts as away
WAIT = "SEESAW_NAS_STORAGE_WAIT"  # environment variable: how long a search waits for a database, such as 10m
WAIT_DEFAULT = "5m"
TABLES = {"studies", "trials", "version_info", "alembic_version"}  # of Optuna's, those that say what it is


def open_storage(
    url: str, *, create: bool = False, read_only: bool = False, undelivered: Undelivered | None = None
) -> PatientStorage:
    """The database behind this URL, such as ``postgresql://user@host/name``.

    Args:
        create: whether its tables are made where they lack; without, a database that has none is left as it is.
        read_only: whether nothing will be written.
        undelivered: where results are kept until the database has them.

    Raises:
        OptionError: it cannot be reached, or its driver is not installed.
        StorageError: it holds no searches.
    """
    shown, parsed = without_password(url), read_url(url)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    file = file_of(parsed) if is_sqlite(parsed) else None
    if is_sqlite(parsed) and file is None:
        raise OptionError(
            f"the storage {shown} is in memory and would be lost; name a file, as in sqlite:///searches.db"
        )
    if file is not None and not create and not file.is_file():
        raise OptionError(f"cannot reach the storage {shown}: there is no file {file}")
    parsed, how = _how_to_connect(parsed, read_only)
    try:
        if not create:
            _check_tables(parsed, how, shown)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            database = RDBStorage(
                parsed.render_as_string(hide_password=False).replace("{", "{{").replace("}", "}}"),  # Optuna formats it
                engine_kwargs=how,
                heartbeat_interval=BEAT_SECONDS,
                grace_period=GRACE_SECONDS,
                skip_table_creation=not create,
            )
    except ImportError as error:
        raise OptionError(f"no driver for {shown}: {optional.explain_error(error) or error}") from None
    except (sqlalchemy.exc.SQLAlchemyError, optuna.exceptions.StorageInternalError) as error:
        raise OptionError(f"cannot reach the storage {shown}: {explain(error, url)}") from None
    except RuntimeError as error:  # the tables are of another release of Optuna
        raise StorageError(f"cannot use the storage {shown}: {explain(error, url)}") from None
    weakref.finalize(database, database.engine.dispose)  # its connections are closed when nothing needs them
    return PatientStorage(database, url, _wait(), undelivered)


def _wait() -> float:
    """Seconds for which a search waits for its database."""
    try:
        return parse_duration(os.environ.get(WAIT, "") or WAIT_DEFAULT)
    except UnitError as error:
        raise OptionError(f"the environment's {WAIT}: {error}") from None


def _how_to_connect(url: sqlalchemy.URL, read_only: bool) -> tuple[sqlalchemy.URL, dict[str, Any]]:
    """The URL with its driver, and SQLAlchemy's arguments."""
    how: dict[str, Any] = {"pool_pre_ping": True}
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")  # whatever SQLAlchemy's own default is
    if url.drivername.startswith("postgresql") and "connect_timeout" not in url.query:
        how["connect_args"] = {"connect_timeout": CONNECT_SECONDS}
    if read_only and url.drivername.startswith("postgresql"):
        how["execution_options"] = {"postgresql_readonly": True}
    if read_only and is_sqlite(url) and (file := file_of(url)) is not None:
        url = url.set(database=f"file:{quote(str(file))}").update_query_dict({"mode": "ro", "uri": "true"})
    return url, how


def _check_tables(url: sqlalchemy.URL, how: dict[str, Any], shown: str) -> None:
    """Refuse a database that Optuna would make its own by opening it.

    Raises:
        StorageError: it lacks Optuna's tables, or they are empty.
    """
    engine = sqlalchemy.create_engine(url, **how)
    try:
        there = set(sqlalchemy.inspect(engine).get_table_names()) >= TABLES
        if there:
            with engine.connect() as connection:
                rows = [connection.execute(sqlalchemy.text(f"select count(*) from {name}")).scalar_one() for name in
                        ("version_info", "alembic_version")]  # fmt: skip
            there = all(rows)
    finally:
        engine.dispose()
    if not there:
        raise StorageError(f"the storage {shown} holds no searches: it has no tables of Optuna's, and none are made")
