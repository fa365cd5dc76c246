"""Times several calls in turn, so that a disturbance of the machine affects all of them."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from seesaw_nas.core.allocator import minor_faults

WARM_UP_CALLS, WARM_UP_SHARE = 2, 0.1  # least calls, and share of the time, until caches and clock rates are stable
LEAST_ROUNDS, MOST_ROUNDS = 5, 20

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each call; and for all calls together the minor page faults and CPU seconds of the process."""

    seconds: tuple[float, ...]
    faults: int
    cpu_seconds: float


def race(
    contenders: Mapping[str, Callable[[], object]], seconds: float, clock: Clock = time.perf_counter
) -> dict[str, Times]:
    """Time each contender for about ``seconds``, with at least five calls, in five to twenty rounds.

    A contender has the same number of calls in every round. If there are several, an untimed call comes first, so that
    the state of caches and thread pools after the previous contender does not count.
    """
    estimates = {name: _warm_up(call, seconds, clock) for name, call in contenders.items()}
    rounds = min(MOST_ROUNDS, max(LEAST_ROUNDS, math.ceil(seconds / max(estimates.values(), default=seconds))))
    times: dict[str, list[Times]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, call in contenders.items():
            times[name].append(_time_calls(call, max(1, round(seconds / rounds / estimates[name])), clock))
    return {name: _join(turns) for name, turns in times.items()}


def _warm_up(call: Callable[[], object], seconds: float, clock: Clock) -> float:
    """Warm up by several calls; returns the seconds of the fastest one."""
    begun, fastest, calls = clock(), math.inf, 0
    while calls < WARM_UP_CALLS or clock() - begun < WARM_UP_SHARE * seconds:
        before = clock()
        call()
        fastest, calls = min(fastest, clock() - before), calls + 1
    return fastest


def _time_calls(call: Callable[[], object], calls: int, clock: Clock) -> Times:
    if calls > 1:
        call()
    seconds = []
    faults, cpu = minor_faults(), time.process_time()
    for _ in range(calls):
        begun = clock()
        call()
        seconds.append(clock() - begun)
    return Times(tuple(seconds), minor_faults() - faults, time.process_time() - cpu)


def _join(turns: list[Times]) -> Times:
    return Times(
        tuple(second for turn in turns for second in turn.seconds),
        sum(turn.faults for turn in turns),
        sum(turn.cpu_seconds for turn in turns),
    )
