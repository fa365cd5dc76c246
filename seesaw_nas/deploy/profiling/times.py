"""Times of whole networks, called one after another, and the file in which another device hands them over."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from seesaw_nas.architecture import compact
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.documents import DocumentError, read_json
from seesaw_nas.core.errors import ProfileError, SpecError
from seesaw_nas.core.fields import at_path, check_int, check_list, check_text, check_version, shorten, take_fields
from seesaw_nas.core.typed import conform

SCHEMA, SCHEMA_VERSION = "seesaw-nas network times", 1
LEAST_CALLS = 3
SHORTEST, LONGEST = 1e-7, 3600.0  # seconds of a call that are believed

Call = Callable[[], object]
OnCall = Callable[[int, int], None]
"""Told how many turns are done and how many there are."""


@dataclass(frozen=True, slots=True)
class TimedNetwork:
    """A network with the seconds of its calls.

    Attributes:
        wall: by the clock.
        cpu: of the process; empty where something else than its own threads computes, or several of them do.
    """

    architecture: Architecture
    wall: tuple[float, ...]
    cpu: tuple[float, ...] = ()

    @property
    def calls(self) -> tuple[float, ...]:
        """What counts: seconds of the process where they are known, which other programs hardly lengthen."""
        return self.cpu or self.wall

    @property
    def seconds(self) -> float:
        """The lowest tenth of the calls: what else runs on a machine lengthens calls and never shortens one."""
        return statistics.quantiles(self.calls, n=10, method="inclusive")[0]

    @property
    def spread(self) -> float:
        """Distance between the quartiles of the calls, as a share of their median."""
        lower, median, upper = statistics.quantiles(self.calls, n=4, method="inclusive")
        return (upper - lower) / median


@dataclass(frozen=True)
class NetworkTimes:
    """Times of several networks under the same conditions; see :class:`seesaw_nas.space.profile.ProfileConditions`."""

    backend: str
    threads: int
    batch: int
    machine: Mapping[str, str]
    networks: tuple[TimedNetwork, ...]

    @cached_property
    def spread(self) -> float:
        return statistics.median(entry.spread for entry in self.networks)

    @property
    def core_share(self) -> float | None:
        """Median share of a core that the process had during a call; ``None`` if unknown."""
        shares = [statistics.median(entry.cpu) / statistics.median(entry.wall) for entry in self.networks if entry.cpu]
        return statistics.median(shares) if shares else None


def take_turns(
    openers: Sequence[Callable[[], Call]],
    rounds: int,
    calls: int,
    on_call: OnCall | None = None,
    clock: Callable[[], float] = time.perf_counter,
    cpu_clock: Callable[[], float] = time.process_time,
) -> list[tuple[tuple[float, ...], tuple[float, ...]]]:
    """Seconds by the clock and of the process, of ``rounds * calls`` calls of each network.

    The networks are called in turn, round by round, so that a disturbance of the machine affects all of them a little.
    Each is opened anew in its turn, and called twice before it is timed.
    """
    found: list[tuple[list[float], list[float]]] = [([], []) for _ in openers]
    for turn in range(rounds * len(openers)):
        number = turn % len(openers)
        call, (wall, cpu) = openers[number](), found[number]
        call()
        call()
        for _ in range(calls):
            begun, used = clock(), cpu_clock()
            call()
            wall.append(clock() - begun)
            cpu.append(cpu_clock() - used)
        if on_call:
            on_call(turn + 1, rounds * len(openers))
    return [(tuple(wall), tuple(cpu)) for wall, cpu in found]


def read(path: Path) -> NetworkTimes:
    """The times in a file that a device wrote.

    Raises:
        ProfileError: the file cannot be read, or holds something else.
    """
    try:
        return _parse(read_json(path))
    except DocumentError as error:
        raise ProfileError(error.about(path, "the times")) from None
    except SpecError as error:
        raise ProfileError(f"{path} does not hold times of networks: {error}") from None


def _parse(value: Any) -> NetworkTimes:
    if not isinstance(value, Mapping) or value.get("schema") != SCHEMA:
        came = shorten(value["schema"]) if isinstance(value, Mapping) and "schema" in value else "none"
        raise SpecError(f"'{SCHEMA}' is wanted, got {came}", "schema")
    check_version(value.get("schema_version"), SCHEMA_VERSION)
    content = take_fields(
        value, ["schema", "schema_version", "backend", "threads", "batch", "machine", "networks"], ["space", "image"]
    )
    check_text("backend", content["backend"])
    for name in ("threads", "batch"):
        check_int(name, content[name], 1)
    machine = conform("machine", Mapping[str, str], content["machine"])
    networks = []
    for i, entry in enumerate(check_list("networks", content["networks"])):
        with at_path(f"networks[{i}]"):
            networks.append(_network(entry))
    return NetworkTimes(content["backend"], content["threads"], content["batch"], machine, tuple(networks))


def _network(value: Any) -> TimedNetwork:
    entry = take_fields(value, ["architecture", "seconds"], ["file", "cpu_seconds"])
    check_text("architecture", entry["architecture"])
    with at_path("architecture"):
        architecture = compact.read(entry["architecture"])
    wall = _seconds("seconds", entry["seconds"])
    cpu = _seconds("cpu_seconds", entry["cpu_seconds"]) if "cpu_seconds" in entry else ()
    return TimedNetwork(architecture, wall, cpu)


def _seconds(name: str, value: Any) -> tuple[float, ...]:
    if not isinstance(value, list) or len(value) < LEAST_CALLS:
        raise SpecError(f"the seconds of at least {LEAST_CALLS} calls are wanted, got {shorten(value)}", name)
    for second in value:
        if type(second) not in (int, float) or not SHORTEST <= second <= LONGEST:
            raise SpecError(f"seconds from {SHORTEST:g} to {LONGEST:,.0f} are wanted, got {shorten(second)}", name)
    return tuple(map(float, value))
