"""Cross-entropy with an explicit gradient: six operators; torch's own, with smoothed labels, need twenty."""

from __future__ import annotations

import torch
from torch import Tensor

from seesaw_nas.network.flat.cache import cache_within

TABLES_BYTES = 16 * 2**20


def cross_entropy(
    logits: Tensor, targets: Tensor, smoothing: float = 0.0, weight: float = 1.0
) -> tuple[Tensor, Tensor]:
    """The mean loss, in float32 or better, and ``weight`` times its gradient by the logits, in the logits' dtype.

    Args:
        logits: (n, classes), detached.
        targets: labels (n,), or class probabilities (n, classes).
        smoothing: share of each target that is spread evenly over all classes.
    """
    n, classes = logits.shape
    values = logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits
    log_chances = values.log_softmax(1)
    if targets.ndim == 1:
        targets_smoothed = _shares(n, classes, smoothing, values.dtype, values.device).index_select(0, targets)
    else:
        targets_smoothed = (targets * (smoothing - 1) - smoothing / classes).div_(n)  # (n, classes)
    loss = torch.dot(targets_smoothed.flatten(), log_chances.flatten())
    gradient = torch.ops.aten._log_softmax_backward_data(targets_smoothed, log_chances, 1, values.dtype)
    if weight != 1:
        gradient = gradient * weight
    return loss, gradient.to(logits.dtype)


@cache_within(TABLES_BYTES)
def _shares(n: int, classes: int, smoothing: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """(classes, classes): for each label, the negative smoothed target probabilities divided by ``n``."""
    table = torch.full((classes, classes), -smoothing / classes / n, dtype=dtype)
    table.diagonal().sub_((1 - smoothing) / n)
    return table.to(device)
