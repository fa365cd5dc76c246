"""The exceptions that a user's mistake raises: one family, each message a single line.

The command line prints such a message and exits with code 2; anything else is a defect of ours and keeps its
traceback.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SeesawError(Exception):
    """A mistake that the user can mend; the message says what was wanted, what came and what to do."""


class SpecError(SeesawError):
    """An architecture, or a part of one, that cannot exist.

    ``path`` names the offending field from the outermost value inwards, such as ``stages[2].blocks[0].kernel``.
    """

    def __init__(self, message: str, path: str = "") -> None:
        self.message = message
        self.path = path
        super().__init__(f"{path}: {message}" if path else message)

    def within(self, outer: str) -> SpecError:
        """The same mistake, seen from the value that holds the field ``outer``."""
        if not self.path:
            return SpecError(self.message, outer)
        joint = "" if self.path.startswith("[") else "."
        return SpecError(self.message, f"{outer}{joint}{self.path}")


class UnitError(SeesawError):
    """A quantity such as ``110M`` or ``30m`` that cannot be read."""


class BudgetError(SeesawError):
    """A budget that no architecture of the space can meet."""


class SpaceError(SeesawError):
    """A search space that is unknown or malformed."""


class DataError(SeesawError):
    """A data set that is unknown, missing, truncated or unreadable."""


class TrainingFailed(SeesawError):
    """A training that cannot go on: the loss is not finite, memory ran out. It ends that trial, not the search."""


class OutOfMemory(TrainingFailed):
    """Memory ran out, of a device or of the host; what wanted it may fit where nothing else runs."""


class Interrupted(SeesawError):
    """A signal ended the work, which is safe on disk; ``code`` is what a shell expects of a process that it ended."""

    def __init__(self, message: str, signal: int) -> None:
        self.code = 128 + signal
        super().__init__(message)


class RunError(SeesawError):
    """A run folder that cannot be created, read or continued."""


class OptionError(SeesawError):
    """A named choice (recipe, strategy, device) that does not exist here."""


def known(kind: str, name: str, names: Iterable[str]) -> str:
    """The text for a name that is not among ``names``: what came, the closest one, and all that there are."""
    names = list(names)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f", did you mean '{close[0]}'?" if close else ""
    return f"unknown {kind} '{name}'{hint} (known: {', '.join(names)})"
