"""Space files: search spaces in TOML, shipped with the package or written by a user."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import (
    ACTIVATIONS,
    FLOWS,
    KERNELS,
    LARGEST_EXPANSION,
    LARGEST_SIDE,
    LARGEST_WIDTH,
    MOST_BLOCKS,
    MOST_CLASSES,
    STRIDES,
)
from seesaw_nas.core.documents import LARGEST_TOML, DocumentError, decode, parse_toml, read_bytes
from seesaw_nas.core.errors import SeesawError, SpaceError, SpecError, known
from seesaw_nas.core.fields import at_path, check_choice, check_int, check_text, check_version, shorten, take_fields
from seesaw_nas.space.budget import Budget
from seesaw_nas.space.definition import Space, StageSpace

SCHEMA_VERSION = 1
MOST_CHOICES = 100_000  # blocks that all places of all widths offer together; seesaw-cifar has 9,792
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
    """The text of a space file, without the byte order mark that some editors put before it.

    Raises:
        SpaceError: the file cannot be read, or holds no text.
    """
    try:
        return decode(read_bytes(Path(path), LARGEST_TOML), "a TOML file")
    except DocumentError as error:
        raise SpaceError(error.about(path, "the space file")) from None


def parse(text: str, path: Path | str) -> Space:
    """The space that this TOML text describes; ``path`` names the file in error messages.

    Raises:
        SpaceError: the text does not describe a space; the message names the field.
    """
    try:
        content = parse_toml(text)
    except DocumentError as error:
        raise SpaceError(error.about(path, "the space file")) from None
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
        size, channels = _int(image, "size", most=LARGEST_SIDE), _int(image, "channels", most=LARGEST_WIDTH)
        classes = _int(image, "classes", 2, MOST_CLASSES)
    with at_path("stem"):
        stem = take_fields(top["stem"], ["channels", "stride"])
        stem_channels, stem_stride = _widths(stem, widths), _one_of(stem, "stride", STRIDES)
    with at_path("head"):
        head_channels = _int(take_fields(top["head"], ["channels"]), "channels", most=LARGEST_WIDTH)
    stages = []
    for i, stage in enumerate(top["stages"]):
        with at_path(f"stages[{i}]"):
            stages.append(_stage(stage, shared, widths))
    _check_extent(stages, widths)
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
        repeats=tuple(sorted(_integers(stage, "repeats", MOST_BLOCKS))),
        expansions=_integers(stage, "expansions", LARGEST_EXPANSION),
        kernels=_subset(stage, "kernels", KERNELS),
        partitions=_partitions(stage),
        flows=_subset(stage, "flows", FLOWS),
        activations=_subset(stage, "activations", ACTIVATIONS),
    )


def _check_extent(stages: list[StageSpace], widths: int) -> None:
    """Refuse what would take long to list, before anything is listed."""
    if (blocks := sum(stage.max_repeats for stage in stages)) > MOST_BLOCKS:
        raise SpecError(f"a network has at most {MOST_BLOCKS:,} blocks, these repeats allow {blocks:,}", "stages")
    offers = [(one.expansions, one.kernels, one.partitions, one.flows, one.activations) for one in stages]
    choices = sum(
        widths * stage.max_repeats * math.prod(map(len, offer)) for stage, offer in zip(stages, offers, strict=True)
    )
    if choices > MOST_CHOICES:
        raise SpecError(
            f"at most {MOST_CHOICES:,} choices of a block are listed, over all widths, stages and repeats; these are "
            f"{choices:,}: offer fewer",
            "stages",
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
        return tuple(_int({"channels": width}, "channels", most=LARGEST_WIDTH) for width in channels)
    return (_int(holder, "channels", most=LARGEST_WIDTH),) * widths


def _int(holder: dict[str, Any], name: str, minimum: int = 1, most: int = 2**63) -> int:
    check_int(name, holder[name], minimum, most)
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
    check_text(name, holder[name])
    return str(holder[name])


def _list(holder: dict[str, Any], name: str) -> list[Any]:
    value = holder[name]
    if not isinstance(value, list) or not value or len({str(entry) for entry in value}) < len(value):
        raise SpecError(f"a list of at least one, none twice, is wanted, got {shorten(value)}", name)
    return value


def _integers(holder: dict[str, Any], name: str, most: int) -> tuple[int, ...]:
    return tuple(_int({name: value}, name, most=most) for value in _list(holder, name))


def _one_of(holder: dict[str, Any], name: str, allowed: tuple[Any, ...]) -> Any:
    check_choice(name, holder[name], allowed)
    return holder[name]


def _subset(holder: dict[str, Any], name: str, allowed: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_one_of({name: value}, name, allowed) for value in _list(holder, name))
