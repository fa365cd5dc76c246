"""Optional packages: the error message when one is needed and cannot be imported."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from seesaw_nas.core.errors import OptionError

OURS = "seesaw_nas"
INSTALLED_AS = {  # name to import: name to install, where they differ
    "MySQLdb": "mysqlclient",
    "PIL": "pillow",
    "ai_edge_litert": "ai-edge-litert litert-torch, in an environment of their own",
    "distutils": "setuptools",  # Python 3.12 removed distutils; setuptools provides it
    "kaleido": "'kaleido>=1'",
    "litert_torch": "ai-edge-litert litert-torch, in an environment of their own",
    "ncnn": "ncnn pnnx",
    "psycopg": "'psycopg[binary]'",
    "ray": "'ray[tune]'",
    "sklearn": "scikit-learn",
}


def explain(name: str, reason: str = "") -> str:
    """One line on a package that cannot be imported under this name.

    Args:
        reason: why the import failed, if the package is installed.
    """
    package = name.replace("_", "-")
    remedy = f"pip install {INSTALLED_AS.get(name, package)}"
    return f"{package} cannot be loaded ({reason}); {remedy}" if reason else f"{package} is not installed; {remedy}"


def explain_error(error: ImportError) -> str:
    """One line on a failed import; empty if the missing module is ours or belongs to Python."""
    missing = _innermost(error)
    root = (missing.name or "").partition(".")[0]
    known = root in INSTALLED_AS or root not in sys.stdlib_module_names
    if not root or root == OURS or not known:
        return ""
    return explain(root, "" if isinstance(missing, ModuleNotFoundError) else " ".join(str(missing).split())[:200])


def _innermost(error: ImportError) -> ImportError:
    """The import that failed first: some libraries wrap it in an error of their own."""
    while isinstance(error.__cause__ or error.__context__, ImportError):
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return error


@contextmanager
def require(name: str) -> Iterator[None]:
    """Context for code that needs a package, given by the name to import.

    Raises:
        OptionError: an import failed; the message says what to install.
    """
    try:
        yield
    except ImportError as error:
        raise OptionError(explain_error(error) or explain(name)) from None
