"""Computes the scores that need a network with its initial weights."""

from __future__ import annotations

from collections.abc import Callable

import torch

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.device import find_device, place
from seesaw_nas.core.errors import OptionError
from seesaw_nas.data import SearchData
from seesaw_nas.evaluators.proxies.gradients import grad_norm, snip
from seesaw_nas.evaluators.proxies.naswot import naswot
from seesaw_nas.evaluators.proxies.sample import Sample
from seesaw_nas.evaluators.proxies.synflow import synflow
from seesaw_nas.evaluators.proxies.zen import zen
from seesaw_nas.network.models import Network, build
from seesaw_nas.training.memory import explain_out_of_memory

WITHOUT_IMAGES: dict[str, Callable[[Network, int], float]] = {
    "synflow": lambda network, seed: synflow(network),
    "zen": zen,
}
ON_IMAGES: dict[str, Callable[[Network, Sample], float]] = {
    "naswot": lambda network, sample: naswot(network, sample.images),
    "snip": snip,
    "grad-norm": grad_norm,
}


def measure(
    name: str, architecture: Architecture, data: SearchData | None, seed: int, device: torch.device | str
) -> float:
    """One of these scores, which may be infinite or NaN; see :func:`seesaw_nas.evaluators.proxies.score`.

    Raises:
        OptionError, SpecError: see there.
        OutOfMemory: memory ran out.
    """
    device = find_device(device)
    if name in ON_IMAGES and data is None:
        raise OptionError(f"the {name} score looks at images; pass data=seesaw_nas.data.load(...)")
    with explain_out_of_memory(device, f"for the {name} score", "take smaller images"):
        sample = Sample.of(data, architecture, device) if data and name in ON_IMAGES else None
        network = build(architecture, seed=seed)
        place(network, device)
        return ON_IMAGES[name](network, sample) if sample else WITHOUT_IMAGES[name](network, seed)
