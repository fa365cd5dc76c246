"""Space files: TOML, data only, shipped with the package or written by a user."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from seesaw_nas.errors import SpaceError, SpecError, known
from seesaw_nas.space.definition import Space, StageSpace
from seesaw_nas.spec import ACTIVATIONS, FLOWS, KERNELS, STRIDES, Partition, take_fields

SCHEMA_VERSION = 1
_CHOICES = ("expansions", "kernels", "partitions", "flows", "activations")
_PACKAGE = Path(__file__).resolve().parent.parent
_FOLDERS = (_PACKAGE / "search_spaces", _PACKAGE.parent / "search_spaces")  # in a wheel, in a clone


def names() -> list[str]:
    """The spaces that come with the package."""
    return sorted({path.stem for folder in _FOLDERS for path in folder.glob("*.toml")})


def load(name: str) -> Space:
    """The shipped space of this name, or the one in this TOML file.

    Raises:
        SpaceError: there is no such space, or the file is not one; the message names the field.
    """
    shipped = [path for folder in _FOLDERS if (path := folder / f"{name}.toml").is_file()]
    if not shipped and not name.endswith(".toml"):
        raise SpaceError(known("space", name, names()) + "; a path to a .toml file works too")
    path = shipped[0] if shipped else Path(name)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpaceError(f"cannot read the space file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SpaceError(f"{path} is not a TOML file: {error}") from None
    try:
        return _space(content)
    except (SpecError, SpaceError) as error:
        raise SpaceError(f"{path}: {error}") from None


def _space(content: dict[str, Any]) -> Space:
    top = take_fields(
        content,
        ["schema_version", "name", "description", "budget", "input", "stem", "head", "stages"],
        optional=["blocks"],
    )
    if top["schema_version"] != SCHEMA_VERSION:
        raise SpecError(f"this release reads version {SCHEMA_VERSION}, got {top['schema_version']!r}", "schema_version")
    image = take_fields(top["input"], ["size", "channels", "classes"])
    stem, head = take_fields(top["stem"], ["channels", "stride"]), take_fields(top["head"], ["channels"])
    shared = take_fields(top.get("blocks", {}), [], optional=list(_CHOICES))
    if not isinstance(top["stages"], list) or not top["stages"]:
        raise SpecError("at least one [[stages]] is wanted", "stages")
    widths = _width_count([stem, *top["stages"]])
    stages = []
    for i, stage in enumerate(top["stages"]):
        try:
            stages.append(_stage({**shared, **stage}, widths))
        except SpecError as error:
            raise error.within(f"stages[{i}]") from None
    return Space(
        name=_text(top, "name"),
        description=_text(top, "description"),
        default_budget=_text(top, "budget"),
        input_size=_int(image, "size", "input"),
        input_channels=_int(image, "channels", "input"),
        classes=_int(image, "classes", "input"),
        stem_channels=_widths(stem, widths),
        stem_stride=_one_of(stem, "stride", STRIDES),
        head_channels=_int(head, "channels", "head"),
        stages=tuple(stages),
    )


def _stage(value: dict[str, Any], widths: int) -> StageSpace:
    stage = take_fields(value, ["channels", "stride", "repeats", *_CHOICES])
    return StageSpace(
        channels=_widths(stage, widths),
        stride=_one_of(stage, "stride", STRIDES),
        repeats=tuple(sorted(_integers(stage, "repeats"))),
        expansions=_integers(stage, "expansions"),
        kernels=_subset(stage, "kernels", KERNELS),
        partitions=tuple(Partition.parse(text) for text in _list(stage, "partitions")),
        flows=_subset(stage, "flows", FLOWS),
        activations=_subset(stage, "activations", ACTIVATIONS),
    )


def _width_count(holders: list[Any]) -> int:
    """How many widths the lists of channels describe; a single number stands for all of them."""
    lengths = {
        len(holder["channels"])
        for holder in holders
        if isinstance(holder, dict) and isinstance(holder.get("channels"), list)
    }
    if len(lengths) > 1:
        raise SpecError(
            f"lists of channels hold one entry for each width, so all are equally long; found lengths {sorted(lengths)}"
        )
    return lengths.pop() if lengths else 1


def _widths(holder: dict[str, Any], widths: int) -> tuple[int, ...]:
    if isinstance(holder["channels"], list):
        found = holder["channels"]
        if not found or any(type(width) is not int or width < 1 for width in found):
            raise SpecError(f"positive whole numbers are wanted, got {found}", "channels")
        return tuple(found)
    return (_int(holder, "channels"),) * widths


def _int(holder: dict[str, Any], name: str, path: str = "") -> int:
    value = holder[name]
    if type(value) is not int or value < 1:
        raise SpecError(f"a positive whole number is wanted, got {value!r}", f"{path}.{name}" if path else name)
    return value


def _text(holder: dict[str, Any], name: str) -> str:
    if not isinstance(holder[name], str) or not holder[name]:
        raise SpecError(f"a text is wanted, got {holder[name]!r}", name)
    return str(holder[name])


def _list(holder: dict[str, Any], name: str) -> list[Any]:
    value = holder[name]
    if not isinstance(value, list) or not value or len({str(entry) for entry in value}) < len(value):
        raise SpecError(f"a list of at least one, none twice, is wanted, got {value!r}", name)
    return value


def _integers(holder: dict[str, Any], name: str) -> tuple[int, ...]:
    return tuple(_int({name: value}, name) for value in _list(holder, name))


def _one_of(holder: dict[str, Any], name: str, allowed: tuple[Any, ...]) -> Any:
    if holder[name] not in allowed or isinstance(holder[name], bool):
        raise SpecError(f"one of {', '.join(map(str, allowed))} is wanted, got {holder[name]!r}", name)
    return holder[name]


def _subset(holder: dict[str, Any], name: str, allowed: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_one_of({name: value}, name, allowed) for value in _list(holder, name))
