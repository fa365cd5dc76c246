"""The content of a space file, field by field. Every mistake is told, not the first alone."""

from __future__ import annotations

import math
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
from seesaw_nas.core.errors import SeesawError, SpaceError, SpecError
from seesaw_nas.core.fields import (
    UNREADABLE,
    Mistakes,
    at_path,
    check_choice,
    check_int,
    check_text,
    check_version,
    shorten,
)
from seesaw_nas.space.budget import Budget
from seesaw_nas.space.definition import Space, StageSpace

SCHEMA_VERSION = 1
MOST_CHOICES = 100_000  # blocks that all places of all widths offer together; seesaw-cifar has 9,792
_CHOICES = ("expansions", "kernels", "partitions", "flows", "activations")
_TOP = ["schema_version", "name", "description", "budget", "input", "stem", "head", "stages"]


def read(value: dict[str, Any]) -> Space:
    """The space that the content of a file describes.

    Raises:
        SpaceError: it describes none; each of the error's ``mistakes`` names a field.
    """
    wrong = Mistakes()
    top = wrong.take_fields(value, _TOP, optional=["blocks"])
    try:
        if top.get("schema_version", UNREADABLE) is not UNREADABLE:
            check_version(top["schema_version"], SCHEMA_VERSION)
    except SpecError as error:  # of another version's fields nothing is known
        raise SpaceError(str(error)) from None
    widths = wrong.read(_width_count, top, "stages", top.get("stem")) or 1
    fields: dict[str, Any] = {
        "name": wrong.read(_text, top, "name"),
        "description": wrong.read(_text, top, "description"),
        "default_budget": wrong.read(_budget, top, "budget"),
        **_frame(top, widths, wrong),
        "stages": _stages(top, widths, wrong),
    }
    if not wrong.found:
        wrong.read(_check_extent, fields, "stages", widths)
    if wrong.found:
        raise SpaceError(*map(str, wrong.found))
    return Space(**fields)


def _frame(top: dict[str, Any], widths: int, wrong: Mistakes) -> dict[str, Any]:
    """What does not vary from place to place: input, stem and head."""
    at = wrong.within("input")
    image = at.take_fields(top["input"], ["size", "channels", "classes"]) if "input" in top else {}
    frame: dict[str, Any] = {
        "input_size": at.read(_int, image, "size", 1, LARGEST_SIDE),
        "input_channels": at.read(_int, image, "channels", 1, LARGEST_WIDTH),
        "classes": at.read(_int, image, "classes", 2, MOST_CLASSES),
    }
    at = wrong.within("stem")
    stem = at.take_fields(top["stem"], ["channels", "stride"]) if "stem" in top else {}
    frame["stem_channels"] = at.read(_widths, stem, "channels", widths)
    frame["stem_stride"] = at.read(_one_of, stem, "stride", STRIDES)
    at = wrong.within("head")
    head = at.take_fields(top["head"], ["channels"]) if "head" in top else {}
    frame["head_channels"] = at.read(_int, head, "channels", 1, LARGEST_WIDTH)
    return frame


def _stages(top: dict[str, Any], widths: int, wrong: Mistakes) -> tuple[StageSpace, ...]:
    """The stages; without those that cannot be read."""
    shared = wrong.within("blocks").take_fields(top.get("blocks", {}), [], optional=list(_CHOICES))
    if top.get("stages", UNREADABLE) is UNREADABLE:
        return ()
    if not isinstance(top["stages"], list) or not top["stages"]:
        wrong.note(SpecError("at least one [[stages]] is wanted", "stages"))
        return ()
    read = [_stage(stage, shared, widths, wrong, f"stages[{i}]") for i, stage in enumerate(top["stages"])]
    return tuple(stage for stage in read if stage is not None)


def _stage(value: Any, shared: dict[str, Any], widths: int, wrong: Mistakes, path: str) -> StageSpace | None:
    names, at = ["channels", "stride", "repeats", *_CHOICES], wrong.within(path)
    own = at.take_fields(value, [], optional=names)
    stage = at.take_fields({**shared, **own}, names)

    def choice(name: str, reader: Any, *more: Any) -> Any:
        """A choice of blocks, whose mistake stands where it is written."""
        return (at if name in own else wrong.within("blocks")).read(reader, stage, name, *more)

    fields: dict[str, Any] = {
        "channels": at.read(_widths, stage, "channels", widths),
        "stride": at.read(_one_of, stage, "stride", STRIDES),
        "repeats": at.read(_repeats, stage, "repeats"),
        "expansions": choice("expansions", _integers, LARGEST_EXPANSION),
        "kernels": choice("kernels", _subset, KERNELS),
        "partitions": choice("partitions", _partitions),
        "flows": choice("flows", _subset, FLOWS),
        "activations": choice("activations", _subset, ACTIVATIONS),
    }
    return None if None in fields.values() else StageSpace(**fields)


def _check_extent(fields: dict[str, Any], name: str, widths: int) -> None:
    """Refuse what would take long to list, before anything is listed."""
    stages: tuple[StageSpace, ...] = fields[name]
    if (blocks := sum(stage.max_repeats for stage in stages)) > MOST_BLOCKS:
        raise SpecError(f"a network has at most {MOST_BLOCKS:,} blocks, these repeats allow {blocks:,}", name)
    offers = [(one.expansions, one.kernels, one.partitions, one.flows, one.activations) for one in stages]
    choices = sum(
        widths * stage.max_repeats * math.prod(map(len, offer)) for stage, offer in zip(stages, offers, strict=True)
    )
    if choices > MOST_CHOICES:
        raise SpecError(
            f"at most {MOST_CHOICES:,} choices of a block are listed, over all widths, stages and repeats; these are "
            f"{choices:,}: offer fewer",
            name,
        )


def _width_count(top: dict[str, Any], name: str, stem: Any) -> int:
    """How many widths the lists of channels describe; a single number applies to all widths."""
    holders = [stem, *(top[name] if isinstance(top[name], list) else [])]
    lengths = {
        len(holder["channels"])
        for holder in holders
        if isinstance(holder, dict) and isinstance(holder.get("channels"), list) and holder["channels"]
    }
    if len(lengths) > 1:
        raise SpecError(
            f"lists of channels hold one entry for each width, so all are equally long; found lengths {sorted(lengths)}"
        )
    return lengths.pop() if lengths else 1


def _widths(holder: dict[str, Any], name: str, widths: int) -> tuple[int, ...]:
    if isinstance(holder[name], list):
        if not holder[name]:
            raise SpecError("a whole number, or one for each width, is wanted, got []", name)
        return tuple(_int({name: width}, name, 1, LARGEST_WIDTH) for width in holder[name])
    return (_int(holder, name, 1, LARGEST_WIDTH),) * widths


def _int(holder: dict[str, Any], name: str, minimum: int, most: int) -> int:
    check_int(name, holder[name], minimum, most)
    return int(holder[name])


def _budget(top: dict[str, Any], name: str) -> str:
    text = _text(top, name)
    try:
        Budget.parse(text, costliest=10**9)  # checks the syntax only, for which any cost will do
    except SeesawError as error:
        raise SpecError(str(error), name) from None
    return text


def _partitions(stage: dict[str, Any], name: str) -> tuple[Partition, ...]:
    texts = _list(stage, name)
    with at_path(name):
        return tuple(map(Partition.parse, texts))


def _text(holder: dict[str, Any], name: str) -> str:
    check_text(name, holder[name])
    return str(holder[name])


def _list(holder: dict[str, Any], name: str) -> list[Any]:
    value = holder[name]
    if not isinstance(value, list) or not value or len({str(entry) for entry in value}) < len(value):
        raise SpecError(f"a list of at least one, none twice, is wanted, got {shorten(value)}", name)
    return value


def _repeats(holder: dict[str, Any], name: str) -> tuple[int, ...]:
    return tuple(sorted(_integers(holder, name, MOST_BLOCKS)))


def _integers(holder: dict[str, Any], name: str, most: int) -> tuple[int, ...]:
    return tuple(_int({name: value}, name, 1, most) for value in _list(holder, name))


def _one_of(holder: dict[str, Any], name: str, allowed: tuple[Any, ...]) -> Any:
    check_choice(name, holder[name], allowed)
    return holder[name]


def _subset(holder: dict[str, Any], name: str, allowed: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_one_of({name: value}, name, allowed) for value in _list(holder, name))
