"""Checks for the fields of a user's file: each error names the field's path and the nearest legal value."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from seesaw_nas.core.errors import SpecError, known

Value = TypeVar("Value")
UNREADABLE = object()  # value of a field that is there, under another name or in something that is no object
LONGEST = 1000  # characters of a name or a description
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")  # also what ends a line, and half a character


def shorten(value: object) -> str:
    """``value`` as Python writes it, in one line of at most 60 characters, for error texts."""
    try:
        text = repr(value)
    except ValueError:  # a whole number of more digits than Python writes
        return "a number of thousands of digits"
    return text if len(text) <= 60 else text[:57] + "..."


def take_fields(value: Any, required: list[str], optional: list[str] | None = None) -> dict[str, Any]:
    """``value`` as a dictionary that has all required fields and no unknown ones.

    Raises:
        SpecError: it is not an object, or a field is missing or unknown.
    """
    allowed = required + (optional or [])
    if not isinstance(value, Mapping):
        raise SpecError(f"an object with {', '.join(required or allowed)} is wanted, got {shorten(value)}")
    for name in value:
        if name not in allowed:
            raise SpecError(known("field", shorten(name)[1:-1], allowed), shorten(name)[1:-1])
    for name in required:
        if name not in value:
            raise SpecError(f"this field is missing; wanted: {', '.join(required)}", name)
    return dict(value)


@dataclass(frozen=True)
class Mistakes:
    """All that is wrong in a file, so that every mistake is told at once and not the first alone.

    Attributes:
        found: each once, in the order of the file's fields.
        path: of the value that is read, put in front of each mistake's own.
    """

    found: list[SpecError] = field(default_factory=list)
    path: str = ""

    def within(self, path: str) -> Mistakes:
        """The same list, for what lies at this path of the file."""
        return Mistakes(self.found, path)

    def note(self, error: SpecError) -> None:
        """Add a mistake, unless it is known."""
        whole = error.within(self.path) if self.path else error
        if str(whole) not in map(str, self.found):
            self.found.append(whole)

    def take_fields(self, value: Any, required: list[str], optional: list[str] | None = None) -> dict[str, Any]:
        """The fields of an object, with every unknown and missing one noted.

        A field whose name is misspelt is noted once: it is not missing, too. Of what is no object, all fields count as
        unreadable.
        """
        allowed = required + (optional or [])
        if value is UNREADABLE:
            return dict.fromkeys(allowed, UNREADABLE)
        if not isinstance(value, Mapping):
            self.note(SpecError(f"an object with {', '.join(required or allowed)} is wanted, got {shorten(value)}"))
            return dict.fromkeys(allowed, UNREADABLE)
        fields = {name: entry for name, entry in value.items() if name in allowed}
        for name in [shorten(name)[1:-1] for name in value if name not in allowed]:
            self.note(SpecError(known("field", name, allowed), name))
            fields |= dict.fromkeys(difflib.get_close_matches(name, set(allowed) - fields.keys(), n=1), UNREADABLE)
        for name in required:
            if name not in fields:
                self.note(SpecError(f"this field is missing; wanted: {', '.join(required)}", name))
        return fields

    def read(self, reader: Callable[..., Value], holder: Mapping[str, Any], name: str, *more: Any) -> Value | None:
        """What ``reader(holder, name, *more)`` makes of a field; ``None`` where it cannot be read, which is noted."""
        if holder.get(name, UNREADABLE) is UNREADABLE:
            return None
        try:
            return reader(holder, name, *more)
        except SpecError as error:
            self.note(error)
            return None


@contextmanager
def at_path(outer: str) -> Iterator[None]:
    """Put the field ``outer`` in front of the path of any :class:`SpecError` raised inside."""
    try:
        yield
    except SpecError as error:
        raise error.within(outer) from None


def check_list(name: str, value: Any) -> list[Any]:
    """``value``, or :class:`SpecError` at the field ``name`` unless it is a list of at least one."""
    if not isinstance(value, list) or not value:
        raise SpecError(f"a list of at least one is wanted, got {shorten(value)}", name)
    return value


def check_distinct(name: str, keys: list[str]) -> None:
    """Raise :class:`SpecError` at the field ``name`` if its list has an entry twice; ``keys`` tell them apart."""
    if len(set(keys)) < len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise SpecError(f"{shorten(twice)} is there twice", name)


def check_text(name: str, value: object) -> None:
    """Raise :class:`SpecError` at the field ``name`` unless ``value`` is a text of one line, as names and units are."""
    if not isinstance(value, str) or not value:
        raise SpecError(f"a text is wanted, got {shorten(value)}", name)
    if len(value) > LONGEST or _CONTROL.search(value):
        raise SpecError(
            f"a text of one line, up to {LONGEST} characters and without control characters is wanted, got "
            f"{shorten(value)}",
            name,
        )


def check_version(version: object, expected: int) -> None:
    """Raise :class:`SpecError` unless a file's ``schema_version`` is the one that this release reads."""
    if type(version) is not int or version != expected:
        raise SpecError(f"this release reads version {expected}, got {shorten(version)}", "schema_version")


def check_tuple(name: str, value: object, member: type) -> None:
    """Raise :class:`SpecError` at the field ``name`` unless ``value`` is a tuple of at least one ``member``."""
    if not isinstance(value, tuple) or not value or not all(isinstance(entry, member) for entry in value):
        raise SpecError(f"a tuple of at least one {member.__name__} is wanted, got {shorten(value)}", name)


def check_int(name: str, value: object, minimum: int, maximum: int = 2**63) -> None:
    """Raise :class:`SpecError` at the field ``name`` unless ``value`` is a whole number within these limits."""
    if type(value) is not int:
        raise SpecError(f"a whole number of at least {minimum} is wanted, got {shorten(value)}", name)
    if value < minimum:
        raise SpecError(f"at least {minimum} is wanted, got {shorten(value)}; the nearest legal value: {minimum}", name)
    if value > maximum:
        raise SpecError(f"at most {maximum} is wanted, got {shorten(value)}; the nearest legal value: {maximum}", name)


def check_fraction(name: str, value: float) -> None:
    """Require a number from 0 to 1, such as an accuracy."""
    if not 0 <= value <= 1:
        raise SpecError(f"a fraction from 0 to 1 is wanted, got {shorten(value)}", name)


def check_choice(name: str, value: object, choices: tuple[Any, ...]) -> None:
    """Raise :class:`SpecError` at the field ``name`` unless ``value`` is one of ``choices``, in type too."""
    if type(value) is type(choices[0]) and value in choices:
        return
    if isinstance(value, str) and isinstance(choices[0], str):
        raise SpecError(known("value", shorten(value)[1:-1], choices), name)
    expected = " or ".join(map(str, choices)) if len(choices) == 2 else "one of " + ", ".join(map(str, choices))
    if isinstance(value, int) and isinstance(choices[0], int):
        distance = min(abs(value - choice) for choice in choices)
        near = ", ".join(str(choice) for choice in choices if abs(value - choice) == distance)
        raise SpecError(f"{expected} is wanted, got {shorten(value)}; the nearest legal value: {near}", name)
    raise SpecError(f"{expected} is wanted, got {shorten(value)}", name)
