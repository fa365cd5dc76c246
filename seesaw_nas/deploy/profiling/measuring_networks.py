"""Times the random networks of a space in the present process."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core import allocator
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.errors import ProfileError
from seesaw_nas.deploy.profiling.networks import encode
from seesaw_nas.deploy.profiling.request import ProfileSettings
from seesaw_nas.deploy.profiling.times import Call, NetworkTimes, TimedNetwork, take_turns
from seesaw_nas.deploy.runtimes.onnxruntime import runner

ROUNDS, CALLS = 5, 6  # calls of a network are spread over as many turns
OnStep = Callable[[str, int, int], None]
"""Told what is done, how much of it is done and how much there is."""


def measure_networks(
    networks: Sequence[Architecture], settings: ProfileSettings, on_step: OnStep | None = None
) -> NetworkTimes:
    """Time networks end to end, with random weights, which take as long as trained ones.

    Raises:
        ProfileError: there is no room for their files.
        OptionError: ONNX Runtime is not installed.
    """
    tell = on_step or (lambda *_: None)
    allocator.keep_freed_memory()
    images = np.random.default_rng(settings.seed).standard_normal((settings.batch, *networks[0].input), np.float32)
    with tempfile.TemporaryDirectory(prefix="seesaw-nas-profile-") as folder:
        openers = []
        for number, network in enumerate(networks):
            path = Path(folder) / f"{number}.onnx"
            try:
                path.write_bytes(encode(network, settings.seed))
            except OSError as error:
                raise ProfileError(
                    f"cannot write {path}: {error.strerror}; choose fewer networks, or another folder with TMPDIR"
                ) from None
            openers.append(partial(_open, path, settings.threads, images))
            tell("building networks", number + 1, len(networks))
        turns = take_turns(openers, ROUNDS, CALLS, partial(tell, "timing networks"))
    alone = settings.threads == 1  # then the process computes as long as the call takes
    timed = (
        TimedNetwork(network, wall, cpu if alone else ()) for network, (wall, cpu) in zip(networks, turns, strict=True)
    )
    timing = f"{ROUNDS} turns of {CALLS} calls, {'seconds of the process' if alone else 'seconds by the clock'}"
    machine = conditions("CPU", "onnxruntime") | {"timing": timing}
    return NetworkTimes(settings.backend, settings.threads, settings.batch, machine, tuple(timed))


def _open(path: Path, threads: int, images: np.ndarray) -> Call:
    return partial(runner(path.read_bytes(), threads), images)
