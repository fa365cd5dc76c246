"""Operators of cuDNN by those that a CPU has."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def _batch_norm(
    x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor, training: bool, momentum: float, eps: float
) -> tuple[Tensor, ...]:
    out, batch_mean, inverse_std = torch.native_batch_norm(x, weight, bias, mean, var, training, momentum, eps)
    return out, batch_mean, inverse_std, torch.empty(0, dtype=torch.uint8)


def _batch_norm_backward(
    x: Tensor, gradient: Tensor, weight: Tensor, mean: Tensor, var: Tensor, batch_mean: Tensor, inverse_std: Tensor,
    eps: float, _: Tensor,
) -> Any:  # fmt: skip
    return torch.ops.aten.native_batch_norm_backward(
        gradient, x, weight, mean, var, batch_mean, inverse_std, True, eps, [True, True, True]
    )


STAND_INS = {"cudnn_batch_norm": _batch_norm, "cudnn_batch_norm_backward": _batch_norm_backward}
