"""Devices to compute on: every difference between CPU and CUDA that is not a kernel's is handled here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from seesaw_nas.core.errors import OptionError, known

AUTO = "auto"
KINDS = (AUTO, "cpu", "cuda")


def find_device(name: torch.device | str = AUTO) -> torch.device:
    """The device called ``cpu``, ``cuda``, ``cuda:1`` and so on; ``auto`` is CUDA if available, else the CPU.

    Raises:
        OptionError: no such device here.
    """
    text = str(name)
    if text == AUTO:
        text = "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = text.partition(":")
    if kind not in KINDS or (index and not index.isdecimal()):
        raise OptionError(known("device", text, KINDS))
    count = torch.cuda.device_count() if kind == "cuda" else 1
    if int(index or 0) >= count:
        raise OptionError(f"there is no device '{text}' here ({count} of kind {kind}); use --device cpu or auto")
    return torch.device(text)


def cuda_count() -> int:
    """How many GPUs torch can use here."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def index_of(device: torch.device) -> int:
    """Number of a CUDA device; that of the current device if ``device`` names none."""
    return torch.cuda.current_device() if device.index is None else device.index


def use_device(device: torch.device) -> AbstractContextManager[object]:
    """Context in which this GPU is torch's current one, which streams, graphs and events without a device use."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


@contextmanager
def cudnn_benchmark(device: torch.device, enabled: bool) -> Iterator[None]:
    """Context in which cuDNN times its kernels for each new shape and keeps the fastest; if disabled, it guesses."""
    if device.type != "cuda":
        yield
        return
    before, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, enabled
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def describe(device: torch.device, threads: int = 0) -> str:
    """Name of the device for people: the GPU's model, or the CPU with the number of threads; 0 for torch's own."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = threads or torch.get_num_threads()
    return f"CPU, {threads} thread{'' if threads == 1 else 's'}"


def place(model: nn.Module, device: torch.device) -> None:
    """Move a model in place; on CUDA to channels-last layout, in which bfloat16 convolutions compute anyway."""
    model.to(device)
    if device.type == "cuda":
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def channels_last(images: Tensor) -> Tensor:
    """The images (N, C, H, W) in the memory layout that :func:`place` gives models on their device."""
    return images.contiguous(memory_format=torch.channels_last) if images.is_cuda else images


def empty_channels_last(shape: torch.Size, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """An uninitialised tensor for images (N, C, H, W) in the layout of :func:`channels_last`."""
    layout = torch.channels_last if device.type == "cuda" else torch.contiguous_format
    return torch.empty(shape, dtype=dtype, device=device, memory_format=layout)


def send(values: Tensor, device: torch.device) -> Tensor:
    """Copy values from the CPU to the device; for CUDA from pinned memory, so that the host need not wait."""
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values


def training_dtype(device: torch.device) -> torch.dtype:
    """Type that convolutions of a training step compute in: bfloat16 if the GPU has it in hardware, else float32."""
    has_bfloat16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if has_bfloat16 else torch.float32


def autocast(device: torch.device) -> torch.autocast:
    """Context for the forward pass of a training step, see :func:`training_dtype`."""
    return torch.autocast(device.type, torch.bfloat16, enabled=training_dtype(device) == torch.bfloat16)


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Context in which CUDA multiplies float32 as float32, not as TF32, whose fractions have ten bits in place of 23.

    By default cuDNN's convolutions use TF32; matrix products do if a program has enabled it. Bfloat16 and other devices
    than CUDA are not affected. Inside the context torch's older flags called ``allow_tf32`` cannot be read, because
    torch refuses to mix them with the newer ones that are set here.
    """
    flags = _float32_flags() if device.type == "cuda" else ()
    before = [getattr(holder, name) for holder, name, _ in flags]
    try:
        for holder, name, value in flags:
            setattr(holder, name, value)
        yield
    finally:
        for (holder, name, _), value in zip(flags, before, strict=True):
            setattr(holder, name, value)


def _float32_flags() -> tuple[tuple[Any, str, Any], ...]:
    """Torch's settings for float32 convolutions and products, as (object, attribute, value that forbids TF32)."""
    holders: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)
    if hasattr(holders[0], "conv"):  # torch 2.9 and later
        return (holders[0].conv, "fp32_precision", "ieee"), (holders[1], "fp32_precision", "ieee")
    return tuple((holder, "allow_tf32", False) for holder in holders)


def synchronise(device: torch.device) -> None:
    """Wait until the device has finished all its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def seed_generators(seed: int, device: torch.device) -> Iterator[None]:
    """Context in which torch's global generators are seeded; restores them afterwards. Dropout draws from no others.

    A replayed CUDA graph follows the seed too: before each replay torch copies the generator's current seed and offset
    to where the graph's kernels read them (``replay_prologue`` in torch 2.13's
    aten/src/ATen/cuda/CUDAGeneratorImpl.cpp). So its masks are those of an eager step.
    """
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
