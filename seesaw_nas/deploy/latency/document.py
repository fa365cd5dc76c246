"""Latencies of several networks as one JSON object, printed by ``latency --json`` and stored as ``latency.json``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from seesaw_nas.architecture import cost
from seesaw_nas.core.errors import RunError
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
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["schema_version"] != SCHEMA_VERSION:
            raise ValueError(f"its version is {value['schema_version']!r}, this release reads {SCHEMA_VERSION}")
        latencies = {entry["digest"]: tuple(map(_latency, entry["latencies"])) for entry in value["networks"]}
        return Timings(dict(value["conditions"]), latencies)
    except (OSError, ValueError, TypeError, KeyError) as error:
        reason = f"it has no field {error}" if isinstance(error, KeyError) else error
        raise RunError(f"cannot read latencies from {path}: {reason}; remove it to measure them again") from None


def _latency(value: Mapping[str, Any]) -> Latency:
    return Latency(**{field.name: value[field.name] for field in fields(Latency)})
