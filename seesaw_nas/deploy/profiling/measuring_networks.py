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
from seesaw_nas.deploy import runtimes
from seesaw_nas.deploy.profiling.networks import convert, encode
from seesaw_nas.deploy.profiling.request import ProfileSettings
from seesaw_nas.deploy.profiling.times import Call, NetworkTimes, TimedNetwork, take_turns
from seesaw_nas.deploy.runtimes.base import Files
from seesaw_nas.deploy.runtimes.onnxruntime import MODEL

ROUNDS, CALLS = 5, 6  # calls of a network are spread over as many turns
OnStep = Callable[[str, int, int], None]
"""Told what is done, how much of it is done and how much there is."""


def measure_networks(
    networks: Sequence[Architecture], settings: ProfileSettings, on_step: OnStep | None = None
) -> NetworkTimes:
    """Time networks end to end, with random weights, which take as long as trained ones.

    Raises:
        ProfileError: there is no room for their files.
        SeesawError: the runtime is not installed, or cannot hold a network.
    """
    tell = on_step or (lambda *_: None)
    allocator.keep_freed_memory()
    images = np.random.default_rng(settings.seed).standard_normal((settings.batch, *networks[0].input), np.float32)
    with tempfile.TemporaryDirectory(prefix="seesaw-nas-profile-") as folder:
        openers = []
        for number, network in enumerate(networks):
            openers.append(_write(Path(folder) / str(number), network, settings, images))
            tell("building networks", number + 1, len(networks))
        turns = take_turns(openers, ROUNDS, CALLS, partial(tell, "timing networks"))
    alone = settings.threads == 1  # then the process computes as long as the call takes
    timed = (
        TimedNetwork(network, wall, cpu if alone else ()) for network, (wall, cpu) in zip(networks, turns, strict=True)
    )
    timing = f"{ROUNDS} turns of {CALLS} calls, {'seconds of the process' if alone else 'seconds by the clock'}"
    machine = conditions("CPU", *runtimes.find(settings.backend).packages) | {"timing": timing}
    return NetworkTimes(settings.backend, settings.threads, settings.batch, machine, tuple(timed))


def _write(folder: Path, network: Architecture, settings: ProfileSettings, images: np.ndarray) -> Callable[[], Call]:
    """Write a network's files to a new folder; returns what opens them."""
    runtime = runtimes.find(settings.backend)
    if runtime.name == "onnxruntime":
        files: Files = {MODEL: encode(network, settings.seed)}
    else:
        files = convert(network, runtime, settings.batch, settings.seed)
    try:
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise ProfileError(
            f"cannot write {folder}: {error.strerror}; choose fewer networks, or another folder with TMPDIR"
        ) from None
    return lambda: partial(runtime.open_folder(folder, settings.threads, settings.batch), images)
