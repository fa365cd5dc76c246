"""Where tensors are computed: what differs between CPU and CUDA lives here and nowhere else."""

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
    """The device called ``cpu``, ``cuda``, ``cuda:1`` and so on; ``auto`` is CUDA where there is one, else the CPU.

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
    """The number of a CUDA device; without one it is the current device."""
    return torch.cuda.current_device() if device.index is None else device.index


def use_device(device: torch.device) -> AbstractContextManager[object]:
    """In the body, what names no GPU uses this one: streams, graphs, events, questions about what it can do."""
    return torch.cuda.device(device) if device.type == "cuda" else nullcontext()


@contextmanager
def cudnn_benchmark(device: torch.device, enabled: bool) -> Iterator[None]:
    """In the body, cuDNN times its kernels for each shape that it has not seen and keeps the fastest, or guesses it."""
    if device.type != "cuda":
        yield
        return
    before, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, enabled
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before


def describe(device: torch.device) -> str:
    """The device as a person knows it: the GPU's name, or how many CPU threads torch uses."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"CPU, {torch.get_num_threads()} threads"


def place(model: nn.Module, device: torch.device) -> None:
    """Move a model in place; on CUDA in channels-last layout, which its bfloat16 convolutions compute in anyway."""
    model.to(device)
    if device.type == "cuda":
        model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def channels_last(images: Tensor) -> Tensor:
    """The images (N, C, H, W) in the layout that :func:`place` gave the model."""
    return images.contiguous(memory_format=torch.channels_last) if images.is_cuda else images


def empty_channels_last(shape: torch.Size, device: torch.device, dtype: torch.dtype = torch.float32) -> Tensor:
    """Room for images (N, C, H, W) in the layout of :func:`channels_last`."""
    layout = torch.channels_last if device.type == "cuda" else torch.contiguous_format
    return torch.empty(shape, dtype=dtype, device=device, memory_format=layout)


def send(values: Tensor, device: torch.device) -> Tensor:
    """Values of the CPU on the device; the host goes on while CUDA copies them, from memory that does not move."""
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values


def training_dtype(device: torch.device) -> torch.dtype:
    """What a training step's convolutions compute in: bfloat16 where CUDA has it in hardware, float32 elsewhere."""
    has_bfloat16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if has_bfloat16 else torch.float32


def autocast(device: torch.device) -> torch.autocast:
    """The context of a training step's forward pass, see :func:`training_dtype`."""
    return torch.autocast(device.type, torch.bfloat16, enabled=training_dtype(device) == torch.bfloat16)


@contextmanager
def full_precision(device: torch.device) -> Iterator[None]:
    """Multiply float32 as float32 in the body: CUDA may do it in TF32, whose fractions have ten bits in place of 23.

    cuDNN's convolutions do so unless they are told, matrix products where somebody asked for it. Bfloat16 stays as it
    is, and other devices than CUDA know no TF32. In the body torch's older flags of the name ``allow_tf32`` cannot be
    read, for they are told of the same thing in another way.
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
    """Where torch says how convolutions and products compute float32, and what forbids TF32 there."""
    holders: tuple[Any, ...] = (torch.backends.cudnn, torch.backends.cuda.matmul)
    if hasattr(holders[0], "conv"):  # torch 2.9 and later
        return (holders[0].conv, "fp32_precision", "ieee"), (holders[1], "fp32_precision", "ieee")
    return tuple((holder, "allow_tf32", False) for holder in holders)


def synchronise(device: torch.device) -> None:
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


@contextmanager
def seed_generators(seed: int, device: torch.device) -> Iterator[None]:
    """Run the body with torch's global generators seeded, and put them back: dropout draws from no other.

    A replayed CUDA graph draws by the seed, too: before each replay torch fills the seed and the offset that the
    graph's kernels read with those that the generator has by then (``replay_prologue`` in torch 2.13's
    aten/src/ATen/cuda/CUDAGeneratorImpl.cpp). So masks are those of an eager step.
    """
    devices = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices):
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
