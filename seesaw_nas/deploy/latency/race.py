"""Several calls timed side by side, in turn, so that no disturbance of the machine meets one of them alone."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from seesaw_nas.core.allocator import minor_faults

WARM_UP_CALLS, WARM_UP_SHARE = 2, 0.1  # of the seconds wanted: caches, thread pools and clock rates settle
LEAST_ROUNDS, MOST_ROUNDS = 5, 20

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each call; for all of them, the pages that the kernel gave to the process and its CPU seconds."""

    seconds: tuple[float, ...]
    faults: int
    cpu_seconds: float


def race(
    contenders: Mapping[str, Callable[[], object]], seconds: float, clock: Clock = time.perf_counter
) -> dict[str, Times]:
    """Time each contender for about ``seconds``, and for at least five calls, in five to twenty rounds.

    A contender has the same number of calls in every round. Where they are several, one more goes before them untimed:
    what the contender before it left in caches and thread pools is no part of a call.
    """
    estimates = {name: _warm_up(call, seconds, clock) for name, call in contenders.items()}
    rounds = min(MOST_ROUNDS, max(LEAST_ROUNDS, math.ceil(seconds / max(estimates.values(), default=seconds))))
    times: dict[str, list[Times]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            times[name].append(_timed(call, max(1, round(seconds / rounds / estimates[name])), clock))
    return {name: _joined(turns) for name, turns in times.items()}


def _warm_up(call: Callable[[], object], seconds: float, clock: Clock) -> float:
    """Call until it is warm; the seconds of the fastest call."""
    begun, fastest, calls = clock(), math.inf, 0
    while calls < WARM_UP_CALLS or clock() - begun < WARM_UP_SHARE * seconds:
        before = clock()
        call()
        fastest, calls = min(fastest, clock() - before), calls + 1
    return fastest


def _timed(call: Callable[[], object], calls: int, clock: Clock) -> Times:
    if calls > 1:
        call()
    taken = []
    faults, cpu = minor_faults(), time.process_time()
    for _ in range(calls):
        begun = clock()
        call()
        taken.append(clock() - begun)
    return Times(tuple(taken), minor_faults() - faults, time.process_time() - cpu)


def _joined(turns: list[Times]) -> Times:
    return Times(
        tuple(second for turn in turns for second in turn.seconds),
        sum(turn.faults for turn in turns),
        sum(turn.cpu_seconds for turn in turns),
    )
