"""How many CPU threads this process computes with, and why: as the user says, or by a short measurement.

On a busy machine, threads wait for each other: two threads beside one other process have been 24 times slower than one.
A training's figures depend on the number, so it is changed only where that pays much, and a run that goes on keeps its
own. Importing this loads no torch.
"""

from __future__ import annotations

import os
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from seesaw_nas.core.conditions import cores

VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")  # by which torch's number is chosen from outside
WORTH = 1.5  # so many times as fast half of the threads must be to be taken; on an idle machine they are slower
LAYERS, CHANNELS, IMAGES, SIDE = 3, 32, 16, 16  # of the network that is timed: 10 ms for one thread
ROUNDS, LONGEST = 7, 0.5  # at most so many times, and no more after so many seconds: a busy machine is known at once

Measure = Callable[[int], float]
"""The seconds that the same work takes with so many threads."""


@dataclass(frozen=True, slots=True)
class Threads:
    """A number of threads.

    Attributes:
        why: in words, to follow the number; empty where nobody chose it.
    """

    count: int
    why: str = ""

    def __str__(self) -> str:
        """``1 of 2 cores, as OMP_NUM_THREADS says``."""
        of = f"{self.count} on {cores()} core{'' if cores() == 1 else 's'}"
        return f"{of}, {self.why}" if self.why else of


_chosen = Threads(0)


def current() -> Threads:
    """The number that torch uses now, with its reason where :func:`settle` chose it."""
    import torch

    count = torch.get_num_threads()
    return _chosen if _chosen.count == count else Threads(count)


def settle(
    wanted: int = 0,
    begun: int = 0,
    *,
    environment: Mapping[str, str] = os.environ,
    measure: Measure | None = None,
) -> Threads:
    """Choose the number of threads for this process, and compute with so many from now on.

    Args:
        wanted: what the user asks for; 0 for no number.
        begun: the number that the work began with, where it goes on; 0 where it begins, or where that is not known.
        environment: variables of the process.
        measure: gives the seconds of some work with so many threads; by default, it is timed.
    """
    import torch

    global _chosen
    _chosen = choose(torch.get_num_threads(), wanted, begun, environment, measure or time_work)
    torch.set_num_threads(_chosen.count)
    return _chosen


def choose(own: int, wanted: int, begun: int, environment: Mapping[str, str], measure: Measure) -> Threads:
    """The number of threads, as for :func:`settle`; ``own`` is torch's.

    Half as many are taken again and again, while these do the same work much faster.
    """
    if wanted:
        return Threads(wanted, "as --threads says")
    if name := named(environment):
        return Threads(own, f"as {name} says")
    if begun:
        return Threads(min(begun, cores()), "as it began")
    if own == 1:
        return Threads(1)
    count, first = own, measure(own)
    seconds = first
    while count > 1 and WORTH * (fewer := measure(count // 2)) < seconds:
        count, seconds = count // 2, fewer
    if count == own:
        return Threads(own, "which are free")
    return Threads(count, f"the machine is busy: {own} threads do the same work {first / seconds:.1f} times as slowly")


def matter(device: str) -> bool:
    """Whether figures on the device of this name, such as ``auto``, depend on the threads: it is the CPU."""
    import torch

    return device == "cpu" or (not device.startswith("cuda") and not torch.cuda.is_available())


def named(environment: Mapping[str, str] = os.environ) -> str:
    """The variable by which the user has named a number, or several for nested regions; empty for none."""
    return next((name for name in VARIABLES if re.match(r"\s*\+?0*[1-9]", environment.get(name, ""))), "")


def time_work(count: int) -> float:
    """Seconds of a training step of a small network with so many threads: the median of up to seven."""
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]), use(count):
        layers: list[nn.Module] = []
        for _ in range(LAYERS):
            layers += [nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1, groups=2), nn.BatchNorm2d(CHANNELS), nn.ReLU()]
        network, images = nn.Sequential(*layers), torch.randn(IMAGES, CHANNELS, SIDE, SIDE)
        seconds: list[float] = []
        while len(seconds) < 2 or (len(seconds) <= ROUNDS and sum(seconds) < LONGEST):
            start = time.perf_counter()
            network(images).sum().backward()
            seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])  # the first one makes things ready


@contextmanager
def use(count: int) -> Iterator[None]:
    """Context in which torch computes with so many threads; 0 leaves its number."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def recorded(description: Mapping[str, Any]) -> int:
    """The number of threads that a run's trainings began with, by its conditions; 0 where these do not say."""
    conditions = description.get("conditions")
    device = conditions.get("device", "") if isinstance(conditions, Mapping) else ""
    found = re.fullmatch(r"CPU, (\d{1,5}) threads?", str(device))
    return int(found[1]) if found else 0


def change(description: Mapping[str, Any], now: int) -> str:
    """A sentence where what began with other threads goes on with so many; empty otherwise, or on a GPU."""
    before = recorded(description)
    if not (before and now) or before == now:
        return ""
    return (
        f"it began with {_many(before)} and goes on with {_many(now)}, so the same seeds give other figures than they "
        f"would have; --threads {before} goes on as it began"
    )


def _many(count: int) -> str:
    return f"{count} thread{'' if count == 1 else 's'}"
