"""Latency profiles as JSON files, whoever wrote them: read in bounds, each mistake named in one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas.architecture.compact import read_block, write_block
from seesaw_nas.architecture.spec import Block
from seesaw_nas.core.documents import DocumentError, read_json
from seesaw_nas.core.errors import ProfileError, SpecError
from seesaw_nas.core.fields import at_path, check_int, check_list, check_version, shorten, take_fields
from seesaw_nas.core.typed import build
from seesaw_nas.space.profile import (
    HEAD,
    PLACE,
    SCHEMA,
    SCHEMA_VERSION,
    STEM,
    UNIT,
    LatencyProfile,
    Place,
    ProfileConditions,
    check_time,
)

if TYPE_CHECKING:
    from seesaw_nas.space.definition import Space

LARGEST = 16 * 2**20  # bytes of a file; a profile of seesaw-cifar has 40,000
WIDEST = 0.25  # spread up to which a profile is believed; 0.01 to 0.1 were seen on machines at rest


def read(path: Path, accept_spread: bool = False) -> LatencyProfile:
    """The profile in a file.

    Args:
        accept_spread: believe a profile that was measured under load, too.

    Raises:
        ProfileError: the file cannot be read, is no profile, holds times that no block takes, or is of a disturbed
            machine.
    """
    try:
        profile = parse(read_json(path, LARGEST))
    except DocumentError as error:
        raise ProfileError(error.about(path, "the latency profile")) from None
    except SpecError as error:
        raise ProfileError(f"{path} is not a latency profile that can be used: {error}") from None
    if not accept_spread and (spread := profile.conditions.spread) > WIDEST:
        raise ProfileError(
            f"{path} was measured under load: calls of one network differ by {spread:.0%} between the quartiles, and "
            f"up to {WIDEST:.0%} is believed; measure again while the machine is at rest, or add --accept-spread"
        )
    return profile


def read_for(space: Space, path: Path | str, accept_spread: bool = False) -> LatencyProfile | None:
    """The profile in a file, which has a time for every network of a space; ``None`` for an empty path.

    Raises:
        ProfileError: as :func:`read`, or it is of another space.
    """
    if not str(path):
        return None
    profile = read(Path(path), accept_spread)
    profile.check(space)
    return profile


def parse(value: Any) -> LatencyProfile:
    """The profile that :meth:`LatencyProfile.as_dict` wrote, or that was written elsewhere in this form.

    Raises:
        SpecError: a field is missing, unknown, twice or out of range; the path names it.
    """
    if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
        came = shorten(value["schema"]) if isinstance(value, Mapping) and "schema" in value else "none"
        raise SpecError(f"'{SCHEMA}' is wanted, got {came}", "schema")
    check_version(value.get("schema_version"), SCHEMA_VERSION)
    fields = ["schema", "schema_version", "conditions", "constant", "stems", "heads", "places"]
    content = take_fields(value, fields, ["unit"])
    if content.get("unit", UNIT) != UNIT:
        raise SpecError(f"'{UNIT}' is wanted, got {shorten(content['unit'])}; convert the times", "unit")
    with at_path("conditions"):
        conditions = build(ProfileConditions, content["conditions"])
    blocks: dict[Place, dict[Block, int]] = {}
    for i, row in enumerate(check_list("places", content["places"])):
        with at_path(f"places[{i}]"):
            place = _place(take_fields(row, [*PLACE, "blocks"]), PLACE, blocks)
            blocks[place] = dict(_row(row["blocks"], place))
    stems, heads = _ends("stems", content["stems"], STEM), _ends("heads", content["heads"], HEAD)
    return LatencyProfile(conditions, content["constant"], stems, heads, blocks)


def _row(value: Any, place: Place) -> Iterator[tuple[Block, int]]:
    """The times of the blocks at one place."""
    with at_path("blocks"):
        if not isinstance(value, Mapping) or not value:
            raise SpecError(f"an object such as {{'6k3s1:3': 41250}} is wanted, got {shorten(value)}")
        for text, time in value.items():
            yield _fitting(text, place), check_time(text, time)


def _fitting(text: str, place: Place) -> Block:
    c_in, c_out, *_ = place
    try:
        block = read_block(text)
    except ValueError:
        raise SpecError(f"a block such as '6k3s1:3' is wanted, got {shorten(text)}") from None
    with at_path(text):
        block.check(c_in, c_out)
        if (canonical := block.canonical(c_in, c_out)) != block:
            raise SpecError(f"between {c_in} and {c_out} channels this block is {write_block(canonical)}; write that")
    return block


def _ends(name: str, value: Any, fields: tuple[str, ...]) -> dict[Place, int]:
    """The times of stems or heads."""
    found: dict[Place, int] = {}
    for i, entry in enumerate(check_list(name, value)):
        with at_path(f"{name}[{i}]"):
            place = _place(take_fields(entry, [*fields, "ns"]), fields, found)
            found[place] = check_time("ns", entry["ns"])
    return found


def _place(entry: Mapping[str, Any], fields: tuple[str, ...], seen: Mapping[Place, Any]) -> Place:
    for name in fields:
        check_int(name, entry[name], 1, 2**31)
    a, b, c, d = (entry[name] for name in fields)
    if (a, b, c, d) in seen:
        raise SpecError(f"{', '.join(f'{name} {entry[name]}' for name in fields)} is there twice; keep one of them")
    return a, b, c, d
