"""Engines run trainings: one after another in this process, in worker processes, or on a Ray cluster."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas.core import threads
from seesaw_nas.core.conditions import cores
from seesaw_nas.search.engines import local, serial
from seesaw_nas.search.engines.worker import places
from seesaw_nas.search.settings import SearchSettings

if TYPE_CHECKING:
    import torch

    from seesaw_nas.evaluators import Evaluator
    from seesaw_nas.search.engines.worker import Place
    from seesaw_nas.search.listener import Listener
    from seesaw_nas.search.proposer import Proposer

Work = Callable[["Proposer", "Evaluator", Path, "Listener | None", "float | None"], str]
"""Trains a proposer's jobs in a run's folder, with an optional time limit in seconds; returns why it ended."""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that is ready.

    Attributes:
        reserves: resources of each trial, in words; empty if trials run in this process.
        run: a :data:`Work`. It raises KeyboardInterrupt after a signal.
    """

    reserves: str
    run: Work


@contextmanager
def connect_engine(settings: SearchSettings, device: torch.device) -> Iterator[Engine]:
    """Context that provides the engine of the settings, connected to the devices or the cluster.

    Raises:
        OptionError: the engine cannot be used with these settings.
    """
    if settings.placement.engine == "ray":
        ray_tune = _load_ray()
        with ray_tune.connect(settings.placement.ray_address):
            yield Engine(ray_tune.reservation(settings).text, _on_ray(settings))
    elif settings.placement.engine == "local":
        chosen = _places(settings, device)
        yield Engine(_describe(chosen), _on_workers(chosen))
    else:
        yield Engine("", _here)


def _here(
    proposer: Proposer, evaluator: Evaluator, folder: Path, listener: Listener | None, time_limit: float | None
) -> str:
    return serial.run(proposer, evaluator, listener, time_limit=time_limit)


def _load_ray() -> Any:
    """The engine on Ray, which is loaded only where it is asked for."""
    from seesaw_nas.search.engines import ray_tune

    return ray_tune


def _on_ray(settings: SearchSettings) -> Work:
    ray_tune = _load_ray()
    return lambda proposer, evaluator, folder, listener, time_limit: ray_tune.run(
        settings, proposer, evaluator, folder / "ray", listener, time_limit=time_limit
    )


def _on_workers(places: Sequence[Place]) -> Work:
    return lambda proposer, evaluator, folder, listener, time_limit: local.run(
        proposer, evaluator, places, listener, time_limit=time_limit
    )


def _places(settings: SearchSettings, device: torch.device) -> list[Place]:
    import torch

    kind, placement = str(device) if ":" in settings.training.device else device.type, settings.placement
    gpus, most = torch.cuda.device_count(), torch.get_num_threads() if threads.named() else 0
    return places(kind, placement.workers, placement.workers_per_gpu, gpus, cores(), settings.training.threads, most)


@dataclass(frozen=True, slots=True)
class Lanes:
    """How trials are trained beside each other.

    Attributes:
        count: of trials at a time that do not slow each other down.
        threads: CPU threads of each; 0 on a GPU.
    """

    count: int = 1
    threads: int = 0


def lanes(settings: SearchSettings, device: torch.device) -> Lanes:
    """How the engine of the settings trains trials beside each other here, as far as that is known before it runs."""
    import torch

    on_cpu, engine = device.type == "cpu", settings.placement.engine
    if engine == "ray":  # it gives each trial one core, and says so to torch; a cluster may have more of them
        most = settings.placement.workers or (cores() if on_cpu else max(1, torch.cuda.device_count()))
        return Lanes(most, int(on_cpu))
    if engine == "local":
        chosen = _places(settings, device)
        most = cores() if on_cpu else len({place.device for place in chosen})
        return Lanes(min(len(chosen), most), chosen[0].threads)
    return Lanes(1, torch.get_num_threads() if on_cpu else 0)


def _describe(places: Sequence[Place]) -> str:
    """The number of workers on each device, in words."""
    counts = Counter(place.device for place in places)
    workers = ", ".join(f"{n} worker{'s' if n > 1 else ''} on {device}" for device, n in counts.items())
    each = places[0].threads
    return f"{workers}, {each} thread{'s' if each > 1 else ''} each" if each else workers
