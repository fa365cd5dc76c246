"""Images that cannot be read: counted, named and skipped; more than one in a hundred is an error."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from seesaw_nas.core.errors import DataError
from seesaw_nas.core.optional import require

MAX_SHARE = 0.01
Reasons = Mapping[str, str]
"""Why a file could not be read, by its path."""


def check_decoder() -> None:
    """Refuse to read images without Pillow, before each of them is taken for unreadable.

    Raises:
        OptionError: it is not installed.
    """
    with require("PIL"):
        import PIL  # noqa: F401 (whether it is there)


def reason(error: Exception) -> str:
    """One line on what went wrong with one file."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def warn_of_skipped(reasons: Reasons, total: int) -> None:
    """Warn of the files that were skipped, of ``total``, if there are any.

    Raises:
        DataError: they are more than one in a hundred.
    """
    if not reasons:
        return
    names = [f"{path} ({why})" for path, why in reasons.items()]
    named = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    count = f"{len(names)} of {total} images cannot be read: {named}"
    if len(names) > MAX_SHARE * total:
        raise DataError(f"{count}; at most {MAX_SHARE:.0%} may be, so mend or delete them")
    warnings.warn(f"skipped: {count}", stacklevel=3)


class UnreadableFiles:
    """What is found unreadable of a set while its images are read again and again.

    Args:
        total: files of the whole set, of which one in a hundred may be unreadable.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._found: dict[str, str] = {}
        self._told = 0

    def add(self, reasons: Reasons) -> None:
        """Note files that could not be read, some of them perhaps known already.

        Raises:
            DataError: with these, more than one in a hundred is unreadable.
        """
        self._found.update(reasons)
        if len(self._found) > MAX_SHARE * self.total:
            warn_of_skipped(self._found, self.total)

    def report(self) -> None:
        """Warn of all files found so far, if there are more than at the last call."""
        if len(self._found) > self._told:
            self._told = len(self._found)
            warn_of_skipped(self._found, self.total)
