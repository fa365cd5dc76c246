"""Operators that a CPU has not, or has too slow, by others."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pretend_gpu.tensors import mapped

aten = torch.ops.aten


def _batch_norm(
    x: Tensor, weight: Tensor, bias: Tensor, mean: Tensor, var: Tensor, training: bool, momentum: float, eps: float
) -> tuple[Tensor, ...]:
    out, batch_mean, inverse_std = torch.native_batch_norm(x, weight, bias, mean, var, training, momentum, eps)
    return out, batch_mean, inverse_std, torch.empty(0, dtype=torch.uint8)


def _batch_norm_backward(
    x: Tensor, gradient: Tensor, weight: Tensor, mean: Tensor, var: Tensor, batch_mean: Tensor, inverse_std: Tensor,
    eps: float, _: Tensor,
) -> Any:  # fmt: skip
    return aten.native_batch_norm_backward(
        gradient, x, weight, mean, var, batch_mean, inverse_std, True, eps, [True, True, True]
    )


def _in_float32(func: Any) -> Any:
    """``func`` summing in float32 and rounded once, as a GPU does; the CPU's own bfloat16 is many times slower."""

    def run(*args: Any, **kwargs: Any) -> Any:
        if args[0].dtype != torch.bfloat16:
            return func(*args, **kwargs)
        return mapped(Tensor.bfloat16, func(*mapped(Tensor.float, args), **kwargs))

    return run


STAND_INS = {
    "cudnn_batch_norm": _batch_norm,
    "cudnn_batch_norm_backward": _batch_norm_backward,
    "convolution": _in_float32(aten.convolution.default),
    "convolution_backward": _in_float32(aten.convolution_backward.default),
}
