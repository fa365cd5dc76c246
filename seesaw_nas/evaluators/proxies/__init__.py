"""Proxies: scores of untrained architectures by name. Higher is better; none of them is an accuracy.

``STATIC`` scores need neither weights nor images; the ``MEASURED`` ones use a network with its initial weights.
Importing this does not load torch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from seesaw_nas.core.errors import OptionError, TrainingFailed, known
from seesaw_nas.evaluators.proxies.static import SCORES, STATIC, static_scores

if TYPE_CHECKING:
    import torch

    from seesaw_nas.architecture.spec import Architecture
    from seesaw_nas.data import SearchData

__all__ = ["MEASURED", "PROXIES", "STATIC", "score", "static_scores"]

MEASURED = {
    "synflow": "how much flows through the absolute weights",
    "naswot": "how differently the activations answer to different images",
    "zen": "how far the features move with the input",
    "snip": "how much the loss hangs on the weights",
    "grad-norm": "how large the gradient of the loss is",
}
PROXIES = MEASURED | STATIC


def score(
    name: str,
    architecture: Architecture,
    *,
    data: SearchData | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
) -> float:
    """One score of an architecture; the same seed gives the same score on the same machine.

    Args:
        name: one of :data:`PROXIES`.
        data: data set whose first training images naswot, snip and grad-norm use; the other scores need none.
        seed: seed for the initial weights, and for zen's noise; 0 or more.

    Raises:
        OptionError: no such name or device, or the score needs images and ``data`` is missing.
        SpecError: the architecture does not fit these images.
        TrainingFailed: the score is not a finite number, or memory ran out.
    """
    if name not in PROXIES:
        raise OptionError(known("proxy", name, PROXIES))
    if name in STATIC:
        return SCORES[name](architecture)
    from seesaw_nas.evaluators.proxies.measured import measure

    value = measure(name, architecture, data, seed, device)
    if not math.isfinite(value):
        raise TrainingFailed(f"the {name} score is {value}, wanted a finite number; try another seed")
    return value
