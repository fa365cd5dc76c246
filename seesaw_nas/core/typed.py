"""Values of a file held against a dataclass's annotations: the one place that checks types and ranges of records."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from seesaw_nas.core.errors import SpecError
from seesaw_nas.core.fields import at_path, shorten, take_fields

Record = TypeVar("Record")
_Declared = tuple[dict[str, Any], list[str], list[str]]
_HUGE = 1e100  # its square is still a number
_LONG = 1e12  # seconds or milliseconds; no measured time comes near it
_TIME, _COUNT, _NUMBER = (0, _LONG), (0, 2**63), (1, 2**63)
_MEASURED = (1e-9, _LONG)  # something is divided by it
RANGES: dict[str, tuple[float, float]] = {  # lowest and highest value, by the field's name in every record
    "epoch": (1, 10**6), "epochs": (1, 10**6), "trial": _COUNT, "seed": (0, 2**64), "count": _COUNT, "both": _COUNT,
    "steps": _COUNT, "calls": _COUNT, "batch": _NUMBER, "threads": _NUMBER,
    "seconds": _TIME, "core_seconds": _TIME, "train_seconds": _TIME,
    "median_ms": _MEASURED, "lower_ms": _MEASURED, "upper_ms": _MEASURED, "min_ms": _MEASURED,
    "difference": (0, _HUGE), "minor_faults": (0, _HUGE), "cpu_share": (0, _HUGE),
    "tau": (-1, 1), "best": (0, 1),
    "n_train": _COUNT, "n_validation": _COUNT, "train_size": _COUNT, "validation_size": _COUNT,
    "image_size": _COUNT, "budget": _COUNT,
}  # fmt: skip
_WORDS = {int: "a whole number", float: "a finite number", str: "a text", bool: "true or false", type(None): "null"}


def build(cls: type[Record], value: Any) -> Record:
    """The dataclass instance with these JSON values: lists for tuples, whole numbers also for floats.

    Raises:
        SpecError: a field is missing, unknown, of another type or out of range; the path names it.
    """
    hints, required, optional = _declared(cls)
    content = take_fields(value, required, optional)
    return cls(**{name: conform(name, hints[name], entry) for name, entry in content.items()})


def check(record: Any) -> None:
    """Hold the values of an instance against its annotations.

    Raises:
        SpecError: as for :func:`build`.
    """
    hints, required, optional = _declared(type(record))
    for name in (*required, *optional):
        conform(name, hints[name], getattr(record, name))


def _declared(cls: Any) -> _Declared:
    found: _Declared = _read_annotations(cls)
    return found


@cache
def _read_annotations(cls: Any) -> tuple[dict[str, Any], list[str], list[str]]:
    """Annotations, and the names of fields without and with a default."""
    own = [field for field in dataclasses.fields(cls) if field.init]
    missing = dataclasses.MISSING
    required = [field.name for field in own if field.default is missing and field.default_factory is missing]
    return get_type_hints(cls), required, [field.name for field in own if field.name not in required]


def conform(name: str, kind: Any, value: Any) -> Any:
    """``value`` in the form of the annotation ``kind``; ``name`` is its field's.

    Raises:
        SpecError: it has another type, or is out of the field's range.
    """
    if kind in (Any, object):
        return value
    if kind in _WORDS:
        return _plain(name, kind, value)
    if dataclasses.is_dataclass(kind):
        with at_path(name):
            return build(kind, value)  # type: ignore[arg-type]
    origin, parts = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return _either(name, parts, value)
    if origin is Literal:
        if type(value) is str and value in parts:
            return value
        raise SpecError(f"one of {', '.join(map(str, parts))} is wanted, got {shorten(value)}", name)
    if origin is tuple:
        return _tuple(name, parts, value)
    assert isinstance(origin, type), kind
    assert issubclass(origin, Mapping), kind
    if not isinstance(value, Mapping):
        raise SpecError(f"an object is wanted, got {shorten(value)}", name)
    return {_plain(name, str, key): conform(f"{name}.{shorten(key)}", parts[1], entry) for key, entry in value.items()}


def _either(name: str, parts: tuple[Any, ...], value: Any) -> Any:
    if value is None and type(None) in parts:
        return None
    others = [part for part in parts if part is not type(None)]
    for part in others[:-1]:
        try:
            return conform(name, part, value)
        except SpecError:
            continue
    return conform(name, others[-1], value)


def _tuple(name: str, parts: tuple[Any, ...], value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise SpecError(f"a list is wanted, got {shorten(value)}", name)
    if parts[-1] is ...:
        kinds = parts[:1] * len(value)
    elif len(value) != len(parts):
        raise SpecError(f"a list of {len(parts)} is wanted, got {shorten(value)}", name)
    else:
        kinds = parts
    return tuple(conform(name, kind, entry) for kind, entry in zip(kinds, value, strict=True))


def _plain(name: str, kind: Any, value: Any) -> Any:
    fits = type(value) is kind or (kind is float and type(value) is int)
    if not fits or (kind is float and not math.isfinite(value)):
        raise SpecError(f"{_WORDS[kind]} is wanted, got {shorten(value)}", name)
    if kind in (int, float):
        low, high = RANGES.get(name, (-_HUGE, _HUGE))
        if not low <= value <= high:
            raise SpecError(f"{_WORDS[kind]} from {low:,} to {high:,} is wanted, got {shorten(value)}", name)
    return float(value) if kind is float else value
