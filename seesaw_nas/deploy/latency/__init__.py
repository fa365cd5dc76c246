"""Measures the latency of a network on the present device.

Importing this does not load torch; :func:`measure` does.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.deploy.latency.document import NO_TIMINGS, Timings, document, read
from seesaw_nas.deploy.latency.record import Latency, NetworkLatencies
from seesaw_nas.deploy.latency.request import BACKENDS, PRECISIONS, LatencySettings

__all__ = [
    "BACKENDS",
    "NO_TIMINGS",
    "PRECISIONS",
    "Latency",
    "LatencySettings",
    "NetworkLatencies",
    "Timings",
    "document",
    "measure",
    "read",
]


def measure(
    architecture: Architecture,
    settings: LatencySettings | None = None,
    *,
    weights: Path | None = None,
    on_step: Callable[[str, int, int], None] | None = None,
) -> tuple[Latency, ...]:
    """Time each backend of the settings with each batch size and number of threads.

    The backends of one batch size and number of threads are called in turn, round by round, so that a disturbance of
    the machine affects all of them. A backend that cannot run, or whose output differs from the eager network's, is not
    timed; its record says why. From now on the C library keeps memory that this process frees.

    Args:
        weights: trained weights of this architecture; by default random ones, which take the same time.
        on_step: called with a description of the next step, the number of steps done, and the total number.

    Raises:
        OptionError: no such device, or more threads than cores.
        RunError: the weights cannot be loaded or belong to another network.
    """
    from seesaw_nas.deploy.latency import measuring

    return measuring.measure(architecture, settings or LatencySettings(), weights, on_step or (lambda *_: None))
