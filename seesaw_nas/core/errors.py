"""Exceptions for mistakes of users: one family, each message a single line.

The command line prints such a message and exits with code 2; any other exception is a bug of ours and keeps its
traceback.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LONGEST_TEXT = 2000
_LONGEST = 60  # characters of a name in an error text


class SeesawError(Exception):
    """A mistake that the user can correct; the message says what was expected, what came and what to do.

    Its text is one line whatever is quoted in it: line ends and other control characters are escaped, and the middle of
    a text of more than 2,000 characters is left out.
    """

    def __str__(self) -> str:
        text = super().__str__()
        if len(text) > _LONGEST_TEXT:
            text = f"{text[: _LONGEST_TEXT - 700]} ... {text[-500:]}"
        return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class SpecError(SeesawError):
    """An architecture, or a part of one, that cannot exist.

    ``path`` names the offending field from the outermost value inwards, such as ``stages[2].blocks[0].kernel``.
    """

    def __init__(self, message: str, path: str = "") -> None:
        self.message = message
        self.path = path
        super().__init__(f"{path}: {message}" if path else message)

    def within(self, outer: str) -> SpecError:
        """The same error with ``outer``, the field of the enclosing value, put in front of its path."""
        if not self.path:
            return SpecError(self.message, outer)
        joint = "" if self.path.startswith("[") else "."
        return SpecError(self.message, f"{outer}{joint}{self.path}")


class UnitError(SeesawError):
    """A quantity such as ``110M`` or ``30m`` that cannot be read."""


class BudgetError(SeesawError):
    """A budget that no architecture of the space can meet."""


class NothingFits(BudgetError):
    """A budget with numbers that no architecture of the space has."""


class SpaceError(SeesawError):
    """A search space that is unknown or malformed.

    Attributes:
        mistakes: all that is wrong, each in words of its own; the text numbers them if there are several.
    """

    def __init__(self, *mistakes: str, file: str = "") -> None:
        self.mistakes = mistakes
        text = mistakes[0]
        if len(mistakes) > 1:
            numbered = "; ".join(f"({number}) {mistake}" for number, mistake in enumerate(mistakes, start=1))
            text = f"{len(mistakes)} mistakes: {numbered}"
        super().__init__(f"{file}: {text}" if file else text)


class ProfileError(SeesawError):
    """A latency profile that cannot be read or measured, or that belongs to another space."""


class DataError(SeesawError):
    """A data set that is unknown, missing, truncated or unreadable."""


class TrainingFailed(SeesawError):
    """A training that cannot continue: the loss is not finite, or memory ran out. Ends that trial, not the search."""


class OutOfMemory(TrainingFailed):
    """A device or the host ran out of memory; the same work may succeed while nothing else runs there."""


class Interrupted(SeesawError):
    """A signal ended the work, which is saved on disk; ``code`` is the exit code by which shells know that."""

    def __init__(self, message: str, signal: int) -> None:
        self.code = 128 + signal
        super().__init__(message)


class RunError(SeesawError):
    """A run folder that cannot be created, read or continued."""


class StorageError(RunError):
    """A database that keeps a history and does not answer, or refuses; what was trained is kept in the run's folder."""


class OptionError(SeesawError):
    """A named choice (recipe, strategy, device) that does not exist here."""


def known(kind: str, name: str, names: Iterable[str]) -> str:
    """Error text for a name that is not among ``names``: the name, the closest known one, and all known ones."""
    names, name = list(names), name if len(name) <= _LONGEST else name[:_LONGEST] + "..."
    close = difflib.get_close_matches(name, names, n=1)
    hint = f", did you mean '{close[0]}'?" if close else ""
    return f"unknown {kind} '{name}'{hint} (known: {', '.join(names)})"
