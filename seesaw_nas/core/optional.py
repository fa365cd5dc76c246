"""Packages that are not there: what a user is told when something wants them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from seesaw_nas.core.errors import OptionError

OURS = "seesaw_nas"
INSTALLED_AS = {  # by the name that is imported, where that is not the name to install
    "MySQLdb": "mysqlclient",
    "PIL": "pillow",
    "distutils": "setuptools",  # which Python 3.12 left to it
    "kaleido": f"'{OURS.replace('_', '-')}[images]'",
    "optuna_dashboard": f"'{OURS.replace('_', '-')}[dashboard]'",
    "psycopg": f"'{OURS.replace('_', '-')}[postgresql]'",
    "ray": "'ray[tune]'",
    "sklearn": "scikit-learn",
}


def explain(name: str, reason: str = "") -> str:
    """One line on a package that cannot be imported by this name.

    Args:
        reason: why not, where it is there.
    """
    package = name.replace("_", "-")
    remedy = f"pip install {INSTALLED_AS.get(name, package)}"
    return f"{package} cannot be loaded ({reason}); {remedy}" if reason else f"{package} is not installed; {remedy}"


def explain_error(error: ImportError) -> str:
    """The same of an import that failed; empty where what is missing is a module of ours or of Python."""
    missing = _innermost(error)
    root = (missing.name or "").partition(".")[0]
    known = root in INSTALLED_AS or root not in sys.stdlib_module_names
    if not root or root == OURS or not known:
        return ""
    return explain(root, "" if isinstance(missing, ModuleNotFoundError) else " ".join(str(missing).split())[:200])


def _innermost(error: ImportError) -> ImportError:
    """The import that failed first: some libraries tell of it by an error of their own."""
    while isinstance(error.__cause__ or error.__context__, ImportError):
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return error


@contextmanager
def require(name: str) -> Iterator[None]:
    """For a body that needs a package, by the name that is imported.

    Raises:
        OptionError: an import failed.
    """
    try:
        yield
    except ImportError as error:
        raise OptionError(explain_error(error) or explain(name)) from None
