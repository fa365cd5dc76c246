"""Where trainings run: one after another here, in worker processes of this machine, or on a Ray cluster."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from seesaw_nas.conditions import cores
from seesaw_nas.search.settings import SearchSettings

if TYPE_CHECKING:
    import torch

    from seesaw_nas.evaluate import Evaluator
    from seesaw_nas.search.listener import Listener
    from seesaw_nas.search.proposer import Proposer


def run(
    settings: SearchSettings,
    proposer: Proposer,
    evaluator: Evaluator,
    device: torch.device,
    folder: Path,
    listener: Listener | None = None,
    time_limit: float | None = None,
) -> str:
    """Train what the proposer asks for on the engine that the settings name; returns what ended it.

    Args:
        folder: of the run.

    Raises:
        KeyboardInterrupt: a signal asked for the end.
        OptionError: the engine cannot be had as it is wanted.
    """
    if settings.engine == "serial":
        from seesaw_nas.search.engines import serial

        return serial.run(proposer, evaluator, listener, time_limit=time_limit)
    if settings.engine == "ray":
        from seesaw_nas.search.engines import ray_tune

        return ray_tune.run(settings, proposer, evaluator, folder / "ray", listener, time_limit=time_limit)
    import torch

    from seesaw_nas.search.engines import local
    from seesaw_nas.search.engines.worker import places

    kind = str(device) if ":" in settings.device else device.type
    chosen = places(kind, settings.workers, settings.workers_per_gpu, torch.cuda.device_count(), cores())
    return local.run(proposer, evaluator, chosen, listener, time_limit=time_limit)
