"""A measured latency, and figures that are derived from it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.deploy.latency.race import Times
from seesaw_nas.deploy.latency.request import EAGER


@dataclass(frozen=True, slots=True)
class Latency:
    """The latency of a backend with one batch size and number of threads, or the reason why it was not timed.

    Attributes:
        backend, precision: backend and type of the network.
        batch: images per call.
        threads: CPU threads per call.
        device: device that it ran on; ``onnxruntime`` without its CUDA provider always runs on the CPU.
        difference: largest difference from the float32 outputs of the eager network, divided by the largest output;
            ``None`` if it did not run.
        calls: number of timed calls; 0 if there is a ``reason``.
        median_ms, lower_ms, upper_ms, min_ms: median, quartiles and minimum of those calls; ``None`` without calls.
        minor_faults: minor page faults per call, on average; ``None`` without calls.
        cpu_share: CPU seconds of the process divided by seconds; a value below 1 on the CPU means that another process
            used the core at times.
        reason: why it was not timed; empty if it was.
    """

    backend: str
    batch: int
    threads: int
    device: str
    precision: str
    difference: float | None = None
    calls: int = 0
    median_ms: float | None = None
    lower_ms: float | None = None
    upper_ms: float | None = None
    min_ms: float | None = None
    minor_faults: float | None = None
    cpu_share: float | None = None
    reason: str = ""

    @property
    def images_per_second(self) -> float | None:
        """Images per second at the median latency."""
        return None if self.median_ms is None else 1000 * self.batch / self.median_ms

    def with_times(self, times: Times) -> Latency:
        """The same record with the statistics of at least two timed calls."""
        lower, median, upper = (1000 * cut for cut in statistics.quantiles(times.seconds, n=4, method="inclusive"))
        return replace(
            self,
            calls=len(times.seconds),
            median_ms=median,
            lower_ms=lower,
            upper_ms=upper,
            min_ms=1000 * min(times.seconds),
            minor_faults=times.faults / len(times.seconds),
            cpu_share=times.cpu_seconds / sum(times.seconds),
        )


@dataclass(frozen=True, slots=True)
class NetworkLatencies:
    """A network and its latencies."""

    named: Named
    latencies: tuple[Latency, ...]

    @property
    def macs(self) -> int:
        return cost.macs(self.named.architecture)

    def gmacs_per_second(self, latency: Latency) -> float | None:
        """Multi-Adds per second for all images, in 1e9."""
        rate = latency.images_per_second
        return None if rate is None else self.macs * rate / 1e9

    def speedup(self, latency: Latency) -> float | None:
        """Speed relative to eager with the same batch size and number of threads."""
        for other in self.latencies:
            if (other.backend, other.batch, other.threads) == (EAGER, latency.batch, latency.threads):
                return other.median_ms / latency.median_ms if other.median_ms and latency.median_ms else None
        return None
