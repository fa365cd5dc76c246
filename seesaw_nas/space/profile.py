"""Latency profiles: what every block of a space takes at its place on one device, as a value and as a JSON file.

Times are whole nanoseconds of one call of a network and add up: a network takes the constant, its stem, its blocks and
its head. So latency is a budget like Multi-Adds. How a profile is measured is the matter of
:mod:`seesaw_nas.deploy.latency`; one that was made elsewhere loads the same way.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from seesaw_nas.architecture.compact import write_block
from seesaw_nas.architecture.spec import Architecture, Block, output_size
from seesaw_nas.core.errors import ProfileError, SpecError
from seesaw_nas.core.fields import check_int, check_text, shorten
from seesaw_nas.space.stages import Ends, Slot

if TYPE_CHECKING:
    from seesaw_nas.space.definition import Space

UNIT = "nanoseconds of one call"
SCHEMA, SCHEMA_VERSION = "seesaw-nas latency profile", 1
LONGEST_NS = 60 * 10**9  # of one entry: a minute

Place = tuple[int, int, int, int]  # of a block: channels before and after, sides of its maps before and after
PLACE = ("c_in", "c_out", "size_in", "size_out")
STEM = ("input_channels", "channels", "size_in", "size_out")
HEAD = ("c_in", "channels", "classes", "size")


@dataclass(frozen=True)
class ProfileConditions:
    """What a profile was measured on, and how well it predicts.

    Attributes:
        backend: what ran the networks, such as ``onnxruntime``.
        threads, batch: of each call; times are those of a whole batch.
        input_channels, input_size, classes: of the networks; the size in pixels.
        spread: median over the networks of the distance between the quartiles of a network's calls, as a share of
            their median.
        networks: how many were timed; 0 where each block was timed alone.
        error: median error on networks that were left out of the fit, as a share of what they take.
        rank_correlation: Kendall's tau-b between predicted and measured times of these networks.
        machine: device, processor, versions and whatever else a person should know, as texts.
    """

    backend: str
    threads: int
    batch: int
    input_channels: int
    input_size: int
    classes: int
    spread: float
    networks: int = 0
    error: float | None = None
    rank_correlation: float | None = None
    machine: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_text("backend", self.backend)
        for name, least in (("threads", 1), ("batch", 1), ("input_channels", 1), ("input_size", 1), ("classes", 2)):
            check_int(name, getattr(self, name), least)
        check_int("networks", self.networks, 0)
        if self.spread < 0 or (self.error or 0.0) < 0:
            raise SpecError("a share of at least 0 is wanted, got one below", "spread" if self.spread < 0 else "error")

    def __str__(self) -> str:
        """``onnxruntime on Xeon, 1 thread, batch 1, 3x32x32, error 3.1%``, for a line that people read."""
        device = self.machine.get("processor") or self.machine.get("device") or "an unnamed device"
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        image = f"{self.input_channels}x{self.input_size}x{self.input_size}"
        error = "" if self.error is None else f", error {self.error:.1%}"
        return f"{self.backend} on {device}, {threads}, batch {self.batch}, {image}{error}"


@dataclass(frozen=True)
class LatencyProfile:
    """Times in whole nanoseconds, each at least 1 and at most a minute; the constant may be 0.

    Attributes:
        constant: of each call, whatever the network.
        stems, heads: by what :data:`STEM` and :data:`HEAD` name.
        blocks: by place, then by the block in its canonical spelling.
    """

    conditions: ProfileConditions
    constant: int
    stems: Mapping[Place, int]
    heads: Mapping[Place, int]
    blocks: Mapping[Place, Mapping[Block, int]]

    def __post_init__(self) -> None:
        check_int("constant", self.constant, 0, LONGEST_NS)
        for name, times in (("stems", self.stems), ("heads", self.heads)):
            for place, time in times.items():
                check_time(f"{name}.{_spell(place)}", time)
        for place, row in self.blocks.items():
            for block, time in row.items():
                check_time(f"blocks.{_spell(place)}.{write_block(block)}", time)

    def __hash__(self) -> int:
        return hash(self.digest)

    def __str__(self) -> str:
        """As its conditions: ``onnxruntime on Xeon, 1 thread, batch 1, 3x32x32, error 3.1%``."""
        return str(self.conditions)

    def block(self, slot: Slot, block: Block) -> int:
        """Nanoseconds of a block in a slot.

        Raises:
            ProfileError: the profile has no time for it.
        """
        return self._block((slot.c_in, slot.c_out, slot.size_in, slot.size_out), block)

    def ends(self, ends: Ends) -> int:
        """Nanoseconds of all but the blocks: the constant, the stem and the head of an outline.

        Raises:
            ProfileError: the profile has no time for one of them.
        """
        return self.constant + sum(self._look_up(*key) for key in _ends_of(ends))

    def of(self, architecture: Architecture) -> int:
        """Nanoseconds of a whole network.

        Raises:
            ProfileError: the profile has no time for a part of it.
        """
        size, stem = architecture.input_size, architecture.stem
        start = (architecture.input_channels, stem.channels, size, output_size(size, stem.stride))
        last, head = architecture.placed[-1], architecture.head
        end = (last.c_out, head.channels, architecture.classes, last.size_out)
        blocks = (self._block((at.c_in, at.c_out, at.size_in, at.size_out), at.block) for at in architecture.placed)
        return self.constant + self._look_up("stem", start) + self._look_up("head", end) + sum(blocks)

    def check(self, space: Space) -> None:
        """Raise :class:`ProfileError` unless the profile has a time for every part of every network of the space."""
        found, own = self.conditions, (space.input_channels, space.input_size, space.classes)
        if (came := (found.input_channels, found.input_size, found.classes)) != own:
            raise ProfileError(
                f"the latency profile is of {_image(*came)}, and space '{space.name}' has {_image(*own)} here; "
                f"{_again(space)}"
            )
        missing = list(dict.fromkeys(self._gaps(space)))
        if missing:
            raise ProfileError(
                f"the latency profile lacks {len(missing):,} of the times that space '{space.name}' needs, the first "
                f"is that of {missing[0]}; {_again(space)}"
            )

    def _gaps(self, space: Space) -> Iterator[str]:
        for outline in range(len(space.outlines)):
            for kind, place in _ends_of(space.ends(outline)):
                if place not in (self.stems if kind == "stem" else self.heads):
                    yield _name(kind, place)
            for slot in space.slots(outline):
                place = (slot.c_in, slot.c_out, slot.size_in, slot.size_out)
                row = self.blocks.get(place, {})
                yield from (_name(write_block(block), place) for block in space.options(slot) if block not in row)

    def _block(self, place: Place, block: Block) -> int:
        canonical = block.canonical(place[0], place[1])
        if (time := self.blocks.get(place, {}).get(canonical)) is None:
            raise _missing(write_block(canonical), place)
        return time

    def _look_up(self, kind: str, place: Place) -> int:
        if (time := (self.stems if kind == "stem" else self.heads).get(place)) is None:
            raise _missing(kind, place)
        return time

    @cached_property
    def digest(self) -> str:
        """16 hexadecimal digits of SHA-256 over times and conditions."""
        text = json.dumps(self.as_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values in sorted order; :func:`seesaw_nas.space.profile_file.parse` reads them back."""
        rows = [
            dict(zip(PLACE, place, strict=True))
            | {"blocks": {text: time for text, time in sorted((write_block(b), time) for b, time in row.items())}}
            for place, row in sorted(self.blocks.items())
        ]
        return {
            "schema": SCHEMA,
            "schema_version": SCHEMA_VERSION,
            "unit": UNIT,
            "conditions": asdict(self.conditions) | {"machine": dict(self.conditions.machine)},
            "constant": self.constant,
            "stems": [dict(zip(STEM, key, strict=True)) | {"ns": time} for key, time in sorted(self.stems.items())],
            "heads": [dict(zip(HEAD, key, strict=True)) | {"ns": time} for key, time in sorted(self.heads.items())],
            "places": rows,
        }


def check_time(path: str, time: Any) -> int:
    """``time``, or :class:`SpecError` at this path unless it is one that a part of a network may take."""
    if type(time) is not int or not 1 <= time <= LONGEST_NS:
        raise SpecError(
            f"whole nanoseconds from 1 to {LONGEST_NS:,} (a minute) are wanted, got {shorten(time)}; measure it again",
            path,
        )
    return time


def _ends_of(ends: Ends) -> tuple[tuple[str, Place], tuple[str, Place]]:
    """What a stem and a head are listed under."""
    stem = (ends.input_channels, ends.stem, ends.input_size, ends.stem_size)
    return ("stem", stem), ("head", (ends.c_in, ends.head, ends.classes, ends.size))


def _missing(what: str, place: Place) -> ProfileError:
    return ProfileError(
        f"the latency profile has no time for {_name(what, place)}; a profile of this network's space, image size and "
        "classes is wanted, which `seesaw-nas profile SPACE` measures"
    )


def _name(what: str, place: Place) -> str:
    names = {"stem": STEM, "head": HEAD}.get(what, PLACE)
    return f"{what} ({', '.join(f'{name} {value}' for name, value in zip(names, place, strict=True))})"


def _spell(place: Place) -> str:
    return "-".join(map(str, place))


def _image(channels: int, size: int, classes: int) -> str:
    return f"{channels}x{size}x{size} images of {classes:,} classes"


def _again(space: Space) -> str:
    images = f"--resolution {space.input_size} --channels {space.input_channels} --classes {space.classes}"
    return f"measure one with `seesaw-nas profile {space.name} {images}`"
