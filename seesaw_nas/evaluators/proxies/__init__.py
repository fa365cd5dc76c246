"""Scores of architectures that nobody has trained, by name: more is better, none is an accuracy.

``STATIC`` scores need neither weights nor images; the ``MEASURED`` ones look at a network with its initial weights.
Importing this loads no torch.
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
    """One score of an architecture; the same seed gets the same score on the same machine.

    Args:
        name: of :data:`PROXIES`.
        data: whose first training images naswot, snip and grad-norm look at; the others need none.
        seed: of the initial weights, and of zen's noise; 0 or more.

    Raises:
        OptionError: no such name or device, or images are wanted and none are given.
        SpecError: the architecture is not for these images.
        TrainingFailed: the score is no finite number, or memory ran out.
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
