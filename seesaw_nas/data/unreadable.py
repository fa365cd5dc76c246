"""Unreadable images are counted, named and skipped; more than one in a hundred is an error."""

from __future__ import annotations

import warnings
from collections.abc import Mapping

from seesaw_nas.core.errors import DataError
from seesaw_nas.core.optional import require
from seesaw_nas.data.pictures import UnreadableError, explain, printable

MAX_SHARE = 0.01
Reasons = Mapping[str, str]
"""Reasons why files could not be read, by path."""


def check_decoder() -> None:
    """Check that Pillow can be imported; without it every image would look unreadable.

    Raises:
        OptionError: Pillow is not installed.
    """
    with require("PIL"):
        import PIL  # noqa: F401 (imported only to see whether it works)


def reason(error: Exception) -> str:
    """One line that says why a file could not be read."""
    if isinstance(error, UnreadableError):
        return explain(error)
    return printable(f"{type(error).__name__}: {' '.join(str(error).split())}")


def warn_of_skipped(reasons: Reasons, total: int) -> None:
    """Warn of skipped files, if any, of ``total`` files.

    Raises:
        DataError: more than one in a hundred was skipped.
    """
    if not reasons:
        return
    names = [f"{printable(path)} ({why})" for path, why in reasons.items()]
    named = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    count = f"{len(names)} of {total} images cannot be read: {named}"
    if len(names) > MAX_SHARE * total:
        raise DataError(f"{count}; at most {MAX_SHARE:.0%} may be, so repair or delete them")
    warnings.warn(f"skipped: {count}", stacklevel=3)


class UnreadableFiles:
    """The files of a data set that turned out to be unreadable, collected over many epochs.

    Args:
        total: number of files of the whole data set, of which one in a hundred may be unreadable.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self._reasons: dict[str, str] = {}
        self._reported = 0

    def add(self, reasons: Reasons) -> None:
        """Add files that could not be read; some of them may be known already.

        Raises:
            DataError: more than one in a hundred is unreadable now.
        """
        self._reasons.update(reasons)
        if len(self._reasons) > MAX_SHARE * self.total:
            warn_of_skipped(self._reasons, self.total)

    def report(self) -> None:
        """Warn of all unreadable files so far, if there are more than at the last call."""
        if len(self._reasons) > self._reported:
            self._reported = len(self._reasons)
            warn_of_skipped(self._reasons, self.total)
