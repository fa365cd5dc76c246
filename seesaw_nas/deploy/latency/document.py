"""Latencies of several networks as one JSON object, printed by ``latency --json`` and stored as ``latency.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from seesaw_nas.architecture import cost
from seesaw_nas.core.documents import DocumentError, read_json
from seesaw_nas.core.errors import RunError, SpecError
from seesaw_nas.core.fields import at_path, check_version, take_fields
from seesaw_nas.core.typed import build, conform
from seesaw_nas.core.units import format_figure
from seesaw_nas.deploy.latency.record import Latency, NetworkLatencies

SCHEMA_VERSION = 1


def document(networks: Sequence[NetworkLatencies], conditions: Mapping[str, str]) -> dict[str, Any]:
    """The latencies as JSON values; all figures of one object are from one measurement under ``conditions``."""
    return {
        "schema_version": SCHEMA_VERSION,
        "unit": cost.CONVENTION,
        "conditions": dict(conditions),
        "networks": [_network(measured) for measured in networks],
    }


def _network(measured: NetworkLatencies) -> dict[str, Any]:
    architecture = measured.named.architecture
    return {
        "name": measured.named.name,
        "digest": architecture.digest,
        "macs": measured.macs,
        "params": cost.params(architecture),
        "latencies": [asdict(latency) | _derive(measured, latency) for latency in measured.latencies],
    }


def _derive(measured: NetworkLatencies, latency: Latency) -> dict[str, float | None]:
    return {
        "images_per_second": latency.images_per_second,
        "gmacs_per_second": measured.gmacs_per_second(latency),
        "speedup": measured.speedup(latency),
    }


@dataclass(frozen=True, slots=True)
class Timings:
    """The content of a file: the conditions of the measurement, and latencies by the network's digest."""

    conditions: Mapping[str, str]
    latencies: Mapping[str, tuple[Latency, ...]]

    @property
    def columns(self) -> dict[int, str]:
        """A column heading for each batch size, for tables with the fastest backend only."""
        batches = sorted({entry.batch for entries in self.latencies.values() for entry in entries})
        return {batch: f"ms, batch {batch}" for batch in batches}

    def cells(self, digest: str) -> list[str]:
        """The smallest median of one network in milliseconds, for each of :attr:`columns`."""
        return [self._fastest(digest, batch) for batch in self.columns]

    def _fastest(self, digest: str, batch: int) -> str:
        medians = [entry.median_ms for entry in self.latencies.get(digest, ()) if entry.batch == batch]
        timed = [median for median in medians if median is not None]
        return format_figure(min(timed)) if timed else ""


NO_TIMINGS = Timings({}, {})


def read(path: Path) -> Timings:
    """The content of a file that holds a :func:`document`.

    Raises:
        RunError: the file cannot be read, or holds something else.
    """
    try:
        return _timings(read_json(path))
    except (DocumentError, SpecError) as error:
        raise RunError(f"cannot read latencies from {path}: {error}; remove it to measure them again") from None


def _timings(value: Any) -> Timings:
    if isinstance(value, Mapping) and "schema_version" in value:
        check_version(value["schema_version"], SCHEMA_VERSION)  # another version may have other fields
    content = take_fields(value, ["schema_version", "conditions", "networks"], ["unit"])
    latencies = {}
    for i, network in enumerate(conform("networks", tuple[Any, ...], content["networks"])):
        with at_path(f"networks[{i}]"):
            of_one = take_fields(network, ["digest", "latencies"], ["name", "macs", "params"])
            entries = conform("latencies", tuple[Mapping[str, Any], ...], of_one["latencies"])
            latencies[conform("digest", str, of_one["digest"])] = tuple(map(_latency, entries))
    return Timings(conform("conditions", Mapping[str, str], content["conditions"]), latencies)


def _latency(value: Mapping[str, Any]) -> Latency:
    own = {field.name for field in fields(Latency)}  # beside these stand figures that are derived from them
    return build(Latency, {name: entry for name, entry in value.items() if name in own})
