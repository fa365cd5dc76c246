"""Which kernels a GPU's libraries use for a step, where more than one way is open: chosen by measuring a few steps.

On which of these ways a GPU is fastest depends on the GPU, the libraries and the size of the batch, less on the
architecture; so what was measured is kept by the first three, as long as the process lives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace

from seesaw_nas.network.fast import Depthwise

SECONDS = 1.5  # after which no further way is tried
WARM_UP, MEASURED = 5, 8  # steps; a recorded one has its graph after four
GAIN = 0.03  # of a training's time: by less, timings differ by themselves
FEWEST = 500  # steps of a training for which measuring pays

Clock = Callable[[], float]
RunSteps = Callable[[int], None]
"""Takes so many steps and waits until they are done."""


@dataclass(frozen=True, slots=True)
class Kernels:
    """One way.

    Attributes:
        depthwise: the layout in which depthwise convolutions compute; all else is channels-last.
        benchmark: whether cuDNN times its kernels for each new shape before it chooses, or chooses by rules.
    """

    depthwise: Depthwise = "channels-last"
    benchmark: bool = False

    def __str__(self) -> str:
        chosen = "by benchmark" if self.benchmark else "by rule"
        return f"depthwise convolutions {self.depthwise}, cuDNN's {chosen}"


USUAL = Kernels()


@dataclass(frozen=True, slots=True)
class Cost:
    """What a way takes, in seconds: the steps of the beginning, which no step takes again, and every step."""

    begin: float
    step: float

    def of(self, steps: int) -> float:
        """Of a whole training."""
        return self.begin + steps * self.step


_measured: dict[Hashable, dict[Kernels, Cost]] = {}


def choose(
    key: Hashable, steps: int, prepare: Callable[[Kernels], RunSteps], clock: Clock = time.perf_counter
) -> Kernels:
    """The way by which a training of so many steps takes the least time; the usual one where others gain nothing.

    Measured once for each key, and not for a short training alone.

    Args:
        key: the device, and what else the measurement depends on.
        prepare: makes a training whose steps are timed.
        clock: tells seconds.
    """
    if key not in _measured:
        if steps < FEWEST:
            return USUAL
        _measured[key] = measure(prepare, clock)
    costs = {kernels: cost.of(steps) for kernels, cost in _measured[key].items()}
    best = min(costs, key=lambda kernels: costs[kernels], default=USUAL)
    return best if best in costs and costs[best] < (1 - GAIN) * costs.get(USUAL, float("inf")) else USUAL


def forget() -> None:
    """Drop what was measured."""
    _measured.clear()


def measure(prepare: Callable[[Kernels], RunSteps], clock: Clock = time.perf_counter) -> dict[Kernels, Cost]:
    """The costs of the ways that were tried within :data:`SECONDS`, but for those that do not work here."""
    start, costs = clock(), dict[Kernels, Cost]()
    for kernels in _ways(costs):
        try:
            if not costs:
                prepare(kernels)(1)  # what the libraries load once is nobody's cost
            costs[kernels] = _cost(prepare(kernels), clock)
        except RuntimeError:  # too little memory for it, or no such kernel: the training itself will say if it matters
            pass
        if clock() - start > SECONDS:
            break
    return costs


def _ways(costs: dict[Kernels, Cost]) -> Iterator[Kernels]:
    """Both layouts, then the faster of them with the benchmark."""
    yield USUAL
    yield replace(USUAL, depthwise="contiguous")
    if costs:
        yield replace(min(costs, key=lambda kernels: costs[kernels].step), benchmark=True)


def _cost(run: RunSteps, clock: Clock) -> Cost:
    begun = clock()
    run(WARM_UP)
    warm = clock()
    run(MEASURED)
    step = (clock() - warm) / MEASURED
    return Cost(max(0.0, warm - begun - WARM_UP * step), step)
