"""What the fields of a search's history may hold: one kind a field, by which each is checked as it is read."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, get_args

from seesaw_nas.core.errors import known
from seesaw_nas.search.records import State

MOST = 2**63 - 1  # what a count may be
STATES: tuple[str, ...] = get_args(State)
ENDS = tuple(state for state in STATES if state not in ("running", "paused"))
OBJECTIVES = ("front", "top1")


_NUMBERS = frozenset((int, float))


class Kind(NamedTuple):
    """What a field may hold: ``wanted`` says it in words, ``holds`` whether a value of JSON is that."""

    wanted: str
    holds: Callable[[Any], bool]


Fields = Mapping[str, Kind]


def check_fields(found: Mapping[str, Any], fields: Fields, needed: Iterable[str] = ()) -> None:
    """Raise ValueError unless these fields are known, hold what they may, and are all there that are needed."""
    for name, value in found.items():
        if name not in fields:
            raise ValueError(known("field", name[:60], fields))
        wanted, holds = fields[name]
        if not holds(value):
            raise ValueError(f"{name}: {wanted} is wanted, got {repr(value)[:60]}")
    for name in needed:
        if name not in found:
            raise ValueError(f"the field {name} is missing")


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST


def _is_counts(value: Any) -> bool:
    return type(value) is list and all(map(_is_count, value))


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)


def _is_score(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and math.isfinite(value))


def _is_duration(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < math.inf


def _is_choices(value: Any) -> bool:
    return type(value) is dict and all(type(one) is list and one and all(map(_is_text, one)) for one in value.values())


def _is_epoch(value: Any) -> bool:
    if type(value) is not list or len(value) != 4:
        return type(value) is list and len(value) == 5 and _is_count(value[4]) and _is_epoch(value[:4])
    train_loss, loss, top1, seconds = value
    return (
        type(train_loss) in _NUMBERS
        and (loss is None or type(loss) in _NUMBERS)
        and (top1 is None or (type(top1) in _NUMBERS and -math.inf < top1 < math.inf))
        and type(seconds) in _NUMBERS
        and 0 <= seconds < math.inf
    )


COUNT = Kind("a whole number from 0 on", _is_count)
TEXT = Kind("a text", _is_text)
NUMBER = Kind("a number", _is_number)  # a loss, which may be infinite
NUMBER_OR_NULL = Kind("a number or null", lambda value: value is None or _is_number(value))
SCORE = Kind("a finite number or null", _is_score)
SECONDS = Kind("a number of seconds from 0 on", _is_duration)
STATE = Kind("the state of a trial", lambda value: type(value) is str and value in STATES)
END = Kind("a state in which a trial ends", lambda value: type(value) is str and value in ENDS)
AIM = Kind("front or top1", lambda value: type(value) is str and (value in OBJECTIVES or value.startswith("top1,")))
OBJECT = Kind("an object", lambda value: type(value) is dict)
LIST = Kind("a list", lambda value: type(value) is list)
ANYTHING = Kind("anything", lambda value: True)
RANGE = Kind(
    "a list of two whole numbers, the smaller first",
    lambda value: _is_counts(value) and len(value) == 2 and value[0] <= value[1],
)
CHOICES = Kind("an object with a list of texts for each gene", _is_choices)
CURVE = Kind(
    "a list with an entry [train_loss, loss, top1, seconds] an epoch",
    lambda value: type(value) is list and all(map(_is_epoch, value)),
)
