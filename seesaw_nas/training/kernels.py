"""Chooses the kernels that a GPU's libraries use for a step, by measuring a few steps with each alternative.

Which alternative is fastest depends on the GPU, the libraries and the size of the batch, and less on the architecture;
so measurements are cached by the first three for the life of the process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace

from seesaw_nas.network.fast import Depthwise

SECONDS = 1.5  # after this time no further alternative is tried
WARM_UP, MEASURED = 5, 8  # steps; a recorded step has its graph after four calls
GAIN = 0.03  # least share of a training's time to gain; timings fluctuate by less
FEWEST = 500  # steps of a training from which on measuring pays

Clock = Callable[[], float]
RunSteps = Callable[[int], None]
"""Takes this number of steps and waits until they are done."""


@dataclass(frozen=True, slots=True)
class Kernels:
    """One alternative.

    Attributes:
        depthwise: memory layout for depthwise convolutions; everything else is channels-last.
        benchmark: whether cuDNN chooses by timing its kernels for each new shape, or else by its own rules.
    """

    depthwise: Depthwise = "channels-last"
    benchmark: bool = False

    def __str__(self) -> str:
        chosen = "by benchmark" if self.benchmark else "by rule"
        return f"depthwise convolutions {self.depthwise}, cuDNN's {chosen}"


USUAL = Kernels()


@dataclass(frozen=True, slots=True)
class KernelCost:
    """Time of an alternative, in seconds: once at the beginning, and for every step."""

    begin: float
    step: float

    def of(self, steps: int) -> float:
        """Time of a whole training."""
        return self.begin + steps * self.step


_measured: dict[Hashable, dict[Kernels, KernelCost]] = {}


def choose(
    key: Hashable, steps: int, prepare: Callable[[Kernels], RunSteps], clock: Clock = time.perf_counter
) -> Kernels:
    """The alternative with which a training of ``steps`` steps is fastest; the usual one unless another gains enough.

    Each key is measured once, and only for trainings that are long enough.

    Args:
        key: the device and everything else that the measurement depends on.
        prepare: sets up a training with an alternative; its steps are timed.
        clock: returns the time in seconds.
    """
    if key not in _measured:
        if steps < FEWEST:
            return USUAL
        _measured[key] = measure(prepare, clock)
    costs = {kernels: cost.of(steps) for kernels, cost in _measured[key].items()}
    best = min(costs, key=lambda kernels: costs[kernels], default=USUAL)
    return best if best in costs and costs[best] < (1 - GAIN) * costs.get(USUAL, float("inf")) else USUAL


def forget() -> None:
    """Delete all cached measurements."""
    _measured.clear()


def measure(prepare: Callable[[Kernels], RunSteps], clock: Clock = time.perf_counter) -> dict[Kernels, KernelCost]:
    """The costs of the alternatives tried within :data:`SECONDS`, without those that fail here."""
    start, costs = clock(), dict[Kernels, KernelCost]()
    for kernels in _ways(costs):
        try:
            if not costs:
                prepare(kernels)(1)  # the libraries load their code now, so that no alternative pays for it
            costs[kernels] = _cost(prepare(kernels), clock)
        except RuntimeError:  # out of memory, or no such kernel; if it matters, the training itself will fail
            pass
        if clock() - start > SECONDS:
            break
    return costs


def _ways(costs: dict[Kernels, KernelCost]) -> Iterator[Kernels]:
    """Both layouts, then the faster of them with the benchmark."""
    yield USUAL
    yield replace(USUAL, depthwise="contiguous")
    if costs:
        yield replace(min(costs, key=lambda kernels: costs[kernels].step), benchmark=True)


def _cost(run: RunSteps, clock: Clock) -> KernelCost:
    begun = clock()
    run(WARM_UP)
    warm = clock()
    run(MEASURED)
    step = (clock() - warm) / MEASURED
    return KernelCost(max(0.0, warm - begun - WARM_UP * step), step)
