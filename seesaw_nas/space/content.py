"""The content of a space file, field by field. Every mistake is told, not the first alone."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
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
from seesaw_nas.space.definition import Space
from seesaw_nas.space.outlines import object_to
from seesaw_nas.space.stages import StageSpace

SCHEMA_VERSION = 1
MOST_CHOICES = 100_000  # blocks that all places of all widths offer together; seesaw-cifar has 9,792
_CHOICES = ("expansions", "kernels", "partitions", "flows", "activations")
STEM_FREE = "; a stem to choose at each width is a list of lists, one for each width"
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
        _spread_widths(fields)
        wrong.read(_check_extent, fields, "stages")
    if wrong.found:
        raise SpaceError(*map(str, wrong.found))
    return Space(**fields)


def _spread_widths(fields: dict[str, Any]) -> None:
    """One width for each stem that a width offers; the stages' channels are repeated with it."""
    stems = fields["stem_channels"]
    fields["stem_channels"] = tuple(itertools.chain(*stems))
    fields["stages"] = tuple(
        replace(
            stage,
            channels=tuple(width for width, own in zip(stage.channels, stems, strict=True) for _ in own),
        )
        for stage in fields["stages"]
    )


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
    frame["stem_channels"] = at.read(_stems, stem, "channels", widths)
    frame["stem_stride"] = at.read(_one_of, stem, "stride", STRIDES)
    at = wrong.within("head")
    head = at.take_fields(top["head"], ["channels"]) if "head" in top else {}
    frame["head_channels"] = at.read(_heads, head, "channels")
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


def _check_extent(fields: dict[str, Any], name: str) -> None:
    """Refuse what would take long to list, before anything is listed."""
    stages: tuple[StageSpace, ...] = fields[name]
    widths, heads = len(fields["stem_channels"]), fields["head_channels"]
    if (blocks := sum(stage.max_repeats for stage in stages)) > MOST_BLOCKS:
        raise SpecError(f"a network has at most {MOST_BLOCKS:,} blocks, these repeats allow {blocks:,}", name)
    if objection := object_to(widths, (heads,) if isinstance(heads, int) else heads, stages):
        raise SpecError(objection, name)
    widths *= 2 ** sum(stage.is_optional for stage in stages)  # blocks fit and cost otherwise behind an absent stage
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
            + (STEM_FREE if isinstance(stem, dict) and isinstance(stem.get("channels"), list) else "")
        )
    return lengths.pop() if lengths else 1


def _widths(holder: dict[str, Any], name: str, widths: int) -> tuple[int, ...]:
    if isinstance(holder[name], list):
        if not holder[name]:
            raise SpecError("a whole number, or one for each width, is wanted, got []", name)
        return tuple(_int({name: width}, name, 1, LARGEST_WIDTH) for width in holder[name])
    return (_int(holder, name, 1, LARGEST_WIDTH),) * widths


def _stems(holder: dict[str, Any], name: str, widths: int) -> tuple[tuple[int, ...], ...]:
    """The stems to choose from at each width; a plain list has one for each."""
    value = holder[name]
    if not isinstance(value, list) or not any(isinstance(entry, list) for entry in value):
        return tuple((width,) for width in _widths(holder, name, widths))
    if not all(isinstance(entry, list) and entry for entry in value):
        raise SpecError(f"a list of stems for each width, or one stem for each, is wanted, got {shorten(value)}", name)
    return tuple(tuple(_int({name: width}, name, 1, LARGEST_WIDTH) for width in entry) for entry in value)


def _heads(holder: dict[str, Any], name: str) -> int | tuple[int, ...]:
    """The head, or those to choose from."""
    if not isinstance(holder[name], list):
        return _int(holder, name, 1, LARGEST_WIDTH)
    heads = _integers(holder, name, LARGEST_WIDTH)
    return heads if len(heads) > 1 else heads[0]


def _int(holder: dict[str, Any], name: str, minimum: int, most: int) -> int:
    check_int(name, holder[name], minimum, most)
    return int(holder[name])


def _budget(top: dict[str, Any], name: str) -> str:
    text = _text(top, name)
    try:
        Budget.parse(text, costliest=lambda _: 10**9)  # checks the syntax only, for which any cost will do
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
    if (repeats := _integers(holder, name, MOST_BLOCKS, 0)) == (0,):
        raise SpecError("a stage of 0 blocks alone is never there; add another number, or leave the stage out", name)
    return tuple(sorted(repeats))


def _integers(holder: dict[str, Any], name: str, most: int, least: int = 1) -> tuple[int, ...]:
    return tuple(_int({name: value}, name, least, most) for value in _list(holder, name))


def _one_of(holder: dict[str, Any], name: str, allowed: tuple[Any, ...]) -> Any:
    check_choice(name, holder[name], allowed)
    return holder[name]


def _subset(holder: dict[str, Any], name: str, allowed: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_one_of({name: value}, name, allowed) for value in _list(holder, name))
