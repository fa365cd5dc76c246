"""What CUDA refuses where a CPU would not, and the operators at which the host waits."""

from __future__ import annotations

from typing import Any

import torch

from pretend_gpu import log
from pretend_gpu.tensors import Pretend, leaves
from pretend_gpu.waiting import wait

# Their result's shape or value is wanted on the host.
WAITING = {
    "_local_scalar_dense", "bincount", "equal", "is_nonzero", "masked_select", "nonzero", "repeat_interleave",
    "_unique2", "unique_consecutive", "unique_dim",
}  # fmt: skip
INDEXED = {"index", "index_put", "index_put_", "_index_put_impl_", "_unsafe_index", "_unsafe_index_put"}
SCALARS = INDEXED | {
    "where",
    "masked_fill_",
}  # a CPU scalar is copied to the device, elsewhere it is a kernel's argument
FUSED = {"_fused_sgd_", "_fused_adam_", "_fused_adamw_"}


def one_device(func: Any, args: Any, kwargs: Any, asked: torch.device | None) -> torch.device:
    """The device of an operator.

    Raises:
        RuntimeError: tensors or a generator are on another one.
    """
    name, values = func.overloadpacket.__name__, leaves(args, kwargs)
    found = {x.device for x in values if isinstance(x, Pretend)}
    if len(found) > 1:
        raise _two_devices(func, " and ".join(sorted(map(str, found))))
    device = asked if asked is not None else next(iter(found))
    for x in values:
        if isinstance(x, torch.Generator) and x.device.type != "cuda":
            raise RuntimeError(f"Expected a 'cuda' device type for generator but found '{x.device.type}' ({func})")
        if isinstance(x, torch.Tensor) and not isinstance(x, Pretend):
            _check_on_host(func, name, args, x, device)
    if name in WAITING:
        wait(name)
    if name in INDEXED and any(_is_mask(index) for index in args[1]):
        wait(f"{name} by a mask")
    if name in FUSED:
        _check_strides(args)
    return device


def _check_on_host(func: Any, name: str, args: Any, x: torch.Tensor, device: torch.device) -> None:
    """A tensor that is not on the device: a scalar may be, and so may an index."""
    if x.device.type == "meta" and name.endswith("_like"):
        return
    if x.dim() == 0:
        if name in SCALARS:
            log.record("to_device", f"scalar for {name}")
        return
    if name in INDEXED and isinstance(args[0], Pretend):
        log.record("to_device", f"index of {name}")
        wait(f"copy of an index of {name}")
        return
    raise _two_devices(func, f"{device} and {x.device}, of shape {tuple(x.shape)}")


def _two_devices(func: Any, found: str) -> RuntimeError:
    wanted = "Expected all tensors to be on the same device, but found at least two devices"
    return RuntimeError(f"{wanted}, {found} ({func} at {log.site()})")


def _is_mask(index: Any) -> bool:
    return isinstance(index, torch.Tensor) and index.dtype in (torch.bool, torch.uint8)


def _check_strides(args: Any) -> None:
    """A fused optimiser wants the same strides of parameter, gradient and momentum wherever a size is not 1."""
    first, *others = (x for x in args[:3] if isinstance(x, list) and x)
    for other in others:
        for a, b in zip(first, other, strict=True):
            if any(
                size != 1 and left != right for size, left, right in zip(a.shape, a.stride(), b.stride(), strict=True)
            ):
                raise RuntimeError(
                    "params, grads and momentum must have same dtype, device and layout: "
                    f"{tuple(a.shape)} has strides {a.stride()} and {b.stride()}"
                )
