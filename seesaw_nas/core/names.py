"""Names that become files and folders: one component of a path each, whoever gave them.

A name that a user types is checked, and refused where it is none. A name that stands in a file is made safe instead: so
nothing inside a file that is read decides where something is written.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from seesaw_nas.core.errors import OptionError

MOST_BYTES = 255  # of a component, on every usual file system
UNNAMED = "unnamed"
FRONT = "front.json"  # of a run: the members of its front, as spec files in one list
MOST_NUMBERS = 1000  # of the same name, made in the same second
_ENDING_BYTES = 40  # left free behind a name that others are made of: for numbers and the endings of files


def check_name(name: str, what: str = "name") -> str:
    """The name itself, if it can be the name of one file or folder.

    Args:
        what: the option that it is from, for messages.

    Raises:
        OptionError: it is empty, ``.``, ``..``, more than one component, too long, or not printable on one line.
    """
    if reason := _fault(name):
        raise OptionError(f"{what} {_shown(name)} is no name for a file or folder: {reason}; choose another")
    return name


def safe_name(text: str, most: int = MOST_BYTES - _ENDING_BYTES) -> str:
    """The text if it is a name, not hidden and at most ``most`` bytes long; otherwise the nearest that is."""
    if not _fault(text) and len(os.fsencode(text)) <= most and text[0] not in ".-":
        return text
    printable = "".join("-" if not character.isprintable() or character == "/" else character for character in text)
    cut = printable.encode()[:most].decode(errors="ignore").strip(" .-")
    return cut or UNNAMED


def derive_name(stem: str, *more: object) -> str:
    """``STEM-MORE-MORE`` as a safe name; where that is too long, the stem is cut."""
    end = "".join(f"-{safe_name(str(part))}" for part in more)
    return safe_name(stem, MOST_BYTES - _ENDING_BYTES - len(end.encode())) + end


def number_names(name: str) -> Iterator[str]:
    """The name, then ``NAME-2`` and on, for the first that is not taken."""
    yield name
    for number in range(2, MOST_NUMBERS):
        yield f"{name}-{number}"


def _fault(name: str) -> str:
    """Why it cannot be the name of one file or folder; empty if it can."""
    if not name.strip():
        return "it is empty"
    if name in (".", ".."):
        return "it stands for a folder that exists"
    if "/" in name:
        return "it has a '/'"
    if not name.isprintable():
        bad = next(character for character in name if not character.isprintable())
        return f"it has the character {bad!a}, which cannot be printed"
    if (size := len(name.encode())) > MOST_BYTES:
        return f"it has {size} bytes, at most {MOST_BYTES} are possible"
    return ""


def _shown(name: str) -> str:
    shown = repr(name)
    return shown if len(shown) <= 60 else f"{shown[:60]}..."
