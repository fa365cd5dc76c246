"""Space files: search spaces in TOML, shipped with the package or written by a user."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from seesaw_nas.architecture.spec import ACTIVATIONS, FLOWS, KERNELS, STRIDES, Partition
from seesaw_nas.core.errors import SeesawError, SpaceError, SpecError, known
from seesaw_nas.core.fields import at_path, check_choice, check_int, check_version, take_fields
from seesaw_nas.space.budget import Budget
from seesaw_nas.space.definition import Space, StageSpace

SCHEMA_VERSION = 1
_CHOICES = ("expansions", "kernels", "partitions", "flows", "activations")
_PACKAGE = Path(__file__).resolve().parent.parent
_FOLDERS = (_PACKAGE / "search_spaces", _PACKAGE.parent / "search_spaces")  # in a wheel, in a clone


def names() -> list[str]:
    """Names of the spaces that are shipped with the package."""
    return sorted({path.stem for folder in _FOLDERS for path in folder.glob("*.toml")})


def load(name: str) -> Space:
    """The shipped space of this name, or the space in this TOML file.

    Raises:
        SpaceError: there is no such space, or the file is not a space file; the message names the field.
    """
    shipped = [path for folder in _FOLDERS if (path := folder / f"{name}.toml").is_file()]
    if not shipped and not name.endswith(".toml"):
        raise SpaceError(known("space", name, names()) + "; a path to a .toml file works too")
    path = shipped[0] if shipped else Path(name)
    return parse(read_text(path), path)


def read_text(path: Path | str) -> str:
    """The text of a space file.

    Raises:
        SpaceError: it cannot be read.
    """
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise SpaceError(f"cannot read the space file {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SpaceError(f"{path} is not a TOML file: {error}") from None


def parse(text: str, path: Path | str) -> Space:
    """The space that this TOML text describes; ``path`` names the file in error messages.

    Raises:
        SpaceError: the text does not describe a space; the message names the field.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpaceError(f"{path} is not a TOML file: {error}") from None
    except RecursionError:
        raise SpaceError(f"{path} is not a space file: it is nested too deeply") from None
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
    check_version(top["schema_version"], SCHEMA_VERSION)
    with at_path("blocks"):
        shared = take_fields(top.get("blocks", {}), [], optional=list(_CHOICES))
    if not isinstance(top["stages"], list) or not top["stages"]:
        raise SpecError("at least one [[stages]] is wanted", "stages")
    widths = _width_count([top["stem"], *top["stages"]])
    with at_path("input"):
        image = take_fields(top["input"], ["size", "channels", "classes"])
        size, channels, classes = _int(image, "size"), _int(image, "channels"), _int(image, "classes", 2)
    with at_path("stem"):
        stem = take_fields(top["stem"], ["channels", "stride"])
        stem_channels, stem_stride = _widths(stem, widths), _one_of(stem, "stride", STRIDES)
    with at_path("head"):
        head_channels = _int(take_fields(top["head"], ["channels"]), "channels")
    stages = []
    for i, stage in enumerate(top["stages"]):
        with at_path(f"stages[{i}]"):
            stages.append(_stage(stage, shared, widths))
    return Space(
        name=_text(top, "name"),
        description=_text(top, "description"),
        default_budget=_budget(top),
        input_size=size,
        input_channels=channels,
        classes=classes,
        stem_channels=stem_channels,
        stem_stride=stem_stride,
        head_channels=head_channels,
        stages=tuple(stages),
    )


def _stage(value: Any, shared: dict[str, Any], widths: int) -> StageSpace:
    own = take_fields(value, [], optional=["channels", "stride", "repeats", *_CHOICES])
    stage = take_fields({**shared, **own}, ["channels", "stride", "repeats", *_CHOICES])
    return StageSpace(
        channels=_widths(stage, widths),
        stride=_one_of(stage, "stride", STRIDES),
        repeats=tuple(sorted(_integers(stage, "repeats"))),
        expansions=_integers(stage, "expansions"),
        kernels=_subset(stage, "kernels", KERNELS),
        partitions=_partitions(stage),
        flows=_subset(stage, "flows", FLOWS),
        activations=_subset(stage, "activations", ACTIVATIONS),
    )


def _width_count(holders: list[Any]) -> int:
    """How many widths the lists of channels describe; a single number applies to all widths."""
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
        channels = holder["channels"]
        if not channels:
            raise SpecError("a whole number, or one for each width, is wanted, got []", "channels")
        return tuple(_int({"channels": width}, "channels") for width in channels)
    return (_int(holder, "channels"),) * widths


def _int(holder: dict[str, Any], name: str, minimum: int = 1) -> int:
    check_int(name, holder[name], minimum)
    return int(holder[name])


def _budget(top: dict[str, Any]) -> str:
    text = _text(top, "budget")
    try:
        Budget.parse(text, costliest=10**9)  # checks the syntax only, for which any cost will do
    except SeesawError as error:
        raise SpecError(str(error), "budget") from None
    return text


def _partitions(stage: dict[str, Any]) -> tuple[Partition, ...]:
    texts = _list(stage, "partitions")
    with at_path("partitions"):
        return tuple(map(Partition.parse, texts))


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
    check_choice(name, holder[name], allowed)
    return holder[name]


def _subset(holder: dict[str, Any], name: str, allowed: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_one_of({name: value}, name, allowed) for value in _list(holder, name))
