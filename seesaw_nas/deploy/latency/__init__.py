"""How long a network takes on the device at hand.

Importing this loads no torch; :func:`measure` does.
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
    """Time every wanted backend at every batch size and number of threads, in that order of settings.

    The backends of one batch size and number of threads are called in turn, round by round, so that a disturbance of
    the machine meets them all. What cannot run, or computes something else than the eager network, is not timed: its
    record says why. The C library is told to keep freed memory, for this process and from now on.

    Args:
        weights: of this architecture, as ``train`` leaves them; without, random ones, which take as long.
        on_step: told what begins, how many steps are done and how many there are.

    Raises:
        OptionError: no such device, or more threads than cores.
        RunError: the weights are not to be had or are of another network.
    """
    from seesaw_nas.deploy.latency import measuring

    return measuring.measure(architecture, settings or LatencySettings(), weights, on_step or (lambda *_: None))
