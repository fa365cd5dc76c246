"""URLs of databases: how they are read, how they may be shown and kept, and which of a run folder's may be opened.

A run folder may be anybody's. A connection would tell its host the user's name and, as drivers take passwords from the
environment, the password; so a URL that stands in a folder is opened only if the user names it, or its host, too.
"""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from seesaw_nas.core.errors import OptionError

if TYPE_CHECKING:
    import sqlalchemy

HOSTS = "SEESAW_NAS_STORAGE_HOSTS"  # environment variable: hosts, and folders or files of SQLite, with commas between
EXAMPLE = "postgresql://user@host/name"
SECRET = re.compile(  # names of parameters
    r"pass(?!file)|pwd|secret|token|credential|(api|access|private)_?key|odbc_connect", re.IGNORECASE
)
SECRET_WITHIN = re.compile(r"(pass(?!file)|pwd|secret|token)\w*\s*=", re.IGNORECASE)  # values, such as options
HARMLESS = ("application_name", "charset", "connect_timeout")  # parameters that lead to no other host
ENCRYPTED = ("require", "verify-ca", "verify-full")  # values of sslmode


def read_url(url: str) -> sqlalchemy.URL:
    """A URL with its password; the path of an SQLite file is made absolute.

    What stands before the last ``@`` is name and password, so that a password may hold ``@``, ``/`` and ``:``.

    Raises:
        OptionError: it is no URL of a database; the text shows no password.
    """
    import sqlalchemy  # heavy, and a search without a database does without

    scheme, separator, rest = url.partition("://")
    if not separator or not re.fullmatch(r"[\w+]+", scheme):
        shown = url if re.fullmatch(r"[\w./-]*", url) else "another text"
        raise OptionError(f"--storage wants the URL of a database, such as {EXAMPLE}, got '{shown}'")
    if "\0" in unquote(url):
        raise OptionError(f"--storage {scheme}://...: a null character is no part of a database's URL; leave it out")
    place, mark, parameters = rest.partition("?")
    if "@" in parameters:
        raise OptionError(f"--storage {scheme}://...: write ? in a password as %3F, and @ in a parameter as %40")
    owner = ""
    if not scheme.startswith("sqlite"):
        owner, _, place = place.rpartition("@")
    name, _, password = owner.partition(":")
    try:
        parsed = sqlalchemy.make_url(f"{scheme}://{place}{mark}{parameters}")
    except (sqlalchemy.exc.ArgumentError, ValueError):  # a port that is no number
        raise OptionError(f"--storage wants the URL of a database, such as {EXAMPLE}, got '{scheme}://...'") from None
    parsed = parsed.set(username=unquote(name) or None, password=unquote(password) or None)
    return _from_anywhere(parsed) if is_sqlite(parsed) else parsed


def is_sqlite(url: sqlalchemy.URL) -> bool:
    """Whether it names a file, not a server."""
    return url.drivername.startswith("sqlite")


def file_of(url: sqlalchemy.URL) -> Path | None:
    """The absolute path of an SQLite file; ``None`` for a database in memory."""
    named = (url.database or "").removeprefix("file:")
    return None if named in ("", ":memory:") or url.query.get("mode") == "memory" else Path(os.path.abspath(named))


def _from_anywhere(url: sqlalchemy.URL) -> sqlalchemy.URL:
    """The same file, whatever the working directory is."""
    if (path := file_of(url)) is None:
        return url
    prefix = "file:" if (url.database or "").startswith("file:") else ""
    return url.set(database=f"{prefix}{path}")


def without_password(url: str) -> str:
    """The URL as it may be shown and kept; the driver takes the password from where it always does, as PGPASSWORD.

    Raises:
        OptionError: it is no URL of a database.
    """
    parsed = read_url(url)
    parsed = parsed.difference_update_query([*_secrets(parsed)])
    return parsed._replace(password=None).render_as_string()  # its `set` leaves out what is None


def _secrets(url: sqlalchemy.URL) -> dict[str, tuple[str, ...]]:
    """The parameters that are, or hold, what nobody else may know."""
    values = url.normalized_query
    return {name: tuple(of) for name, of in values.items() if SECRET.search(name) or any(map(SECRET_WITHIN.search, of))}


def hide_password(text: str, url: str) -> str:
    """A driver's message about this URL, without its secrets."""
    parsed = read_url(url)
    secrets = {parsed.password or "", url.partition("://")[2].rpartition("@")[0].partition(":")[2]}  # meant, and typed
    for values in _secrets(parsed).values():
        secrets |= set(values)
    for secret in sorted(map(str, secrets - {""}), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def is_same(given: str, kept: str) -> bool:
    """Whether the user's URL, empty for none, is the one that a folder keeps."""
    return bool(given) and without_password(given) == without_password(kept)


def permit(kept: str, given: str, what: str) -> str:
    """The URL to open for what keeps its trials in a database.

    Args:
        kept: the URL in the run's folder.
        given: the user's own; empty for none.
        what: whose it is, for the message.

    Raises:
        OptionError: there is none of the user's, and the folder's own is not allowed; the text says what to give.
    """
    if given:
        return given
    shown = "".join(c if c.isprintable() else "?" for c in without_password(kept))
    parsed = read_url(kept)
    if _is_allowed(parsed):
        return kept
    named = str(file_of(parsed) or "") if is_sqlite(parsed) else parsed.host or ""
    allow = f", or put {shlex.quote(named)} into {HOSTS}" if named.isprintable() and named else ""
    raise OptionError(
        f"{what} keeps its trials in a database, which is opened only where you name it: "
        f"give --storage {shlex.quote(shown)}{allow}"
    )


def check_cluster(kept: str, what: str) -> None:
    """Refuse the address of a Ray cluster in a run's folder, unless it is this machine's or the environment names it.

    Raises:
        OptionError: the user is to name it.
    """
    host = re.sub(r":\d+$", "", kept.partition("://")[2] or kept).strip("[]/")
    if kept and host not in ("auto", "local", "localhost", "127.0.0.1", "::1", *_allowed()):
        shown = "".join(c if c.isprintable() else "?" for c in kept)
        raise OptionError(
            f"{what} names a Ray cluster, which is connected to only where you name it: give --ray-address "
            f"{shlex.quote(shown)}, or put its host into {HOSTS}"
        )


def _allowed() -> list[str]:
    return [entry.strip().lower() for entry in os.environ.get(HOSTS, "").split(",") if entry.strip()]


def _is_allowed(url: sqlalchemy.URL) -> bool:
    """Whether the environment names the host or the file, and no parameter leads elsewhere."""
    if is_sqlite(url):
        if (path := file_of(url)) is None or url.query:
            return False
        entries = [Path(entry.strip()) for entry in os.environ.get(HOSTS, "").split(",")]
        folders = [entry.resolve() for entry in entries if entry.is_absolute()]
        return any(path.resolve().is_relative_to(folder) for folder in folders)
    for name, value in url.query.items():
        if name not in HARMLESS and (name, value) not in [("sslmode", mode) for mode in ENCRYPTED]:
            return False
    return bool(url.host) and str(url.host).lower() in _allowed()
