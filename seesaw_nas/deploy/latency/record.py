"""A measured latency as a value, with the figures that follow from it."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, replace

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.deploy.latency.race import Times
from seesaw_nas.deploy.latency.request import EAGER


@dataclass(frozen=True, slots=True)
class Latency:
    """A backend at one batch size and number of threads: how long a call takes, or why there is no answer.

    Attributes:
        backend, precision: what was called.
        batch: images of a call.
        threads: that computed it on the CPU.
        device: where it ran; ``onnxruntime`` without its CUDA provider runs on the CPU whatever was asked for.
        difference: from the float32 outputs of the eager network, the largest, over the largest output; ``None`` where
            it did not run.
        calls: that were timed; 0 where there is a ``reason``.
        median_ms, lower_ms, upper_ms, min_ms: median, quartiles and minimum of those calls; ``None`` without calls.
        minor_faults: pages that the kernel gave to the process, a call on average; ``None`` without calls.
        cpu_share: CPU seconds of the process over seconds; below 1 on the CPU, another process had the core at times.
        reason: why it was not timed.
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
        """At the median."""
        return None if self.median_ms is None else 1000 * self.batch / self.median_ms

    def timed(self, times: Times) -> Latency:
        """The same with what timing found, in at least two calls."""
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
        """Multi-Adds of all images of a second, in 1e9."""
        rate = latency.images_per_second
        return None if rate is None else self.macs * rate / 1e9

    def speedup(self, latency: Latency) -> float | None:
        """How many times as fast as eager at the same batch size and number of threads."""
        for other in self.latencies:
            if (other.backend, other.batch, other.threads) == (EAGER, latency.batch, latency.threads):
                return other.median_ms / latency.median_ms if other.median_ms and latency.median_ms else None
        return None
