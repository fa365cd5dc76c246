"""Copies between host and device, and from one type to another."""

from __future__ import annotations

from typing import Any

import torch

from pretend_gpu import graphs, log
from pretend_gpu.tensors import Pretend, on_cpu
from pretend_gpu.waiting import wait


def to_copy(func: Any, args: Any, kwargs: Any, asked: torch.device | None) -> torch.Tensor:
    """``aten::_to_copy``: to a device, a type or a layout."""
    source, target = args[0], asked if asked is not None else args[0].device
    kept = {name: value for name, value in kwargs.items() if name not in ("non_blocking", "device", "pin_memory")}
    from_cpu, to_cpu = (device.type == "cpu" for device in (source.device, target))
    inner = source.inner if isinstance(source, Pretend) else source
    if from_cpu:
        to_device("copy", kwargs.get("non_blocking", False))
    elif to_cpu:
        to_host("copy", kwargs.get("non_blocking", False))
    else:
        log.record_operator("_to_copy")
        log.note_site()
    with torch.inference_mode(False), torch.no_grad():
        made = func(inner, **kept)
    if to_cpu:
        return made  # type: ignore[no-any-return]
    if not from_cpu:
        graphs.keep_entry(func, func, (inner,), kept, made, target)
    return Pretend(made, target)


def copy_(func: Any, args: Any, kwargs: Any) -> torch.Tensor:
    """``aten::copy_``: into a tensor that is there already."""
    target: torch.Tensor = args[0]
    source, non_blocking = args[1], bool(args[2] if len(args) > 2 else kwargs.get("non_blocking", False))
    if not isinstance(target, Pretend):
        to_host("copy_", non_blocking)
    elif not isinstance(source, Pretend):
        to_device("copy_", non_blocking)
    else:
        log.record_operator("copy_")
        log.note_site()
    inner = on_cpu(args)
    graphs.keep_values(func, inner, {})
    with torch.inference_mode(False), torch.no_grad():
        out = func(*inner, **kwargs)
    if isinstance(target, Pretend):
        graphs.keep_entry(func, func, inner, kwargs, out, target.device)
    return target


def to_device(what: str, non_blocking: bool) -> None:
    """The host waits for a copy out of its memory unless it says otherwise; a recording takes none at all."""
    log.record("to_device", what)
    if not non_blocking or graphs.recordings:
        wait(f"{what} to the device")


def to_host(what: str, non_blocking: bool) -> None:
    """Copies to memory that is not pinned are waited for, whatever they say."""
    log.record("to_host", what)
    wait(f"{what} to the host")
