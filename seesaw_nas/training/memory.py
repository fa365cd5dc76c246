"""Out-of-memory errors of a GPU or the host: how to recognise them, explain them to users, and release memory.

Does not import torch by itself: a process without torch has nothing on a GPU.
"""

from __future__ import annotations

import errno
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seesaw_nas.core.allocator import return_freed_memory
from seesaw_nas.core.errors import OutOfMemory

if TYPE_CHECKING:
    import torch

    from seesaw_nas.training.recipes import Recipe

# Only Python, the system and torch's allocator on CUDA have exception classes for it. Torch's CPU allocator, CUDA and
# CUDA's libraries raise plain RuntimeErrors, or AcceleratorErrors, whose messages contain these words.
WORDS = ("out of memory", "OutOfMemory", "ALLOC_FAILED", "ALLOCATION_FAILED", "DefaultCPUAllocator")
GIB = 2**30


def is_exhaustion(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on a device or on the host."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    text = f"{type(error).__name__}: {error}"
    return isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and any(words in text for words in WORDS))


@dataclass(frozen=True, slots=True)
class Usage:
    """Use of a GPU's memory, in bytes.

    Attributes:
        held: memory of this process: its tensors, and what torch's allocator keeps for new ones.
        free: memory that no process uses.
    """

    total: int
    held: int
    free: int

    @property
    def others(self) -> int:
        """Memory of other processes, and of CUDA itself: a few hundred MiB for the code of each process."""
        return max(0, self.total - self.held - self.free)

    @property
    def crowded(self) -> bool:
        """Whether others use more than this process and more than is free, so that a smaller batch would not help."""
        return self.others > max(self.held, self.free)

    def __str__(self) -> str:
        held, others, free, total = (f"{n / GIB:.1f}" for n in (self.held, self.others, self.free, self.total))
        return f"of {total} GiB this process held {held}, others {others}, free were {free}"


def usage(device: torch.device | str) -> Usage | None:
    """Present use of a GPU's memory; ``None`` for other devices, or if CUDA cannot report it after a failure."""
    if not str(device).startswith("cuda"):
        return None
    try:
        import torch

        free, total = torch.cuda.mem_get_info(device)
        return Usage(total, torch.cuda.memory_reserved(device), free)
    except Exception:  # called while another error is handled, which must not be lost
        return None


def explain(device: torch.device | str, purpose: str, remedy: str) -> str:
    """One line on an out-of-memory error that has just occurred.

    Args:
        purpose: what the memory was needed for, such as ``with batches of 64 images``.
        remedy: what to do about it, unless other processes use the memory.
    """
    memory = usage(device)
    line = f"out of memory on {device} {purpose}" + (f" ({memory})" if memory else "")
    if memory and memory.crowded:
        return f"{line}; end what else runs there, let fewer trainings share the device, or take another by --device"
    return f"{line}; {remedy}"


@contextmanager
def raise_out_of_memory(describe: Callable[[Exception], str]) -> Iterator[None]:
    """Context that turns an out-of-memory error into the line that ``describe`` makes of it.

    Raises:
        OutOfMemory: memory ran out inside.
    """
    try:
        yield
    except Exception as error:
        if not is_exhaustion(error):
            raise
        raise OutOfMemory(describe(error)) from None


def explain_out_of_memory(device: torch.device | str, purpose: str, remedy: str) -> AbstractContextManager[None]:
    """:func:`raise_out_of_memory` with the line of :func:`explain`."""
    return raise_out_of_memory(lambda error: explain(device, purpose, remedy))


def explain_training_memory(recipe: Recipe, device: torch.device) -> AbstractContextManager[None]:
    """:func:`explain_out_of_memory` for a training."""
    remedy = "take smaller batches, smaller images or a smaller budget"
    return explain_out_of_memory(device, f"with batches of {recipe.batch_size} images", remedy)


def explain_evaluator_memory() -> AbstractContextManager[None]:
    """:func:`raise_out_of_memory` for evaluators, since a program's own evaluator does not explain the error."""
    return raise_out_of_memory(
        lambda error: f"out of memory in the evaluator: {quote(error)}; let an evaluation take less"
    )


def quote(error: BaseException) -> str:
    """The first line of an error's message, or its class if the message is empty."""
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__


def release() -> None:
    """Return unused memory to the GPUs and to the system.

    Call it while no exception is handled: the frames of a failed training refer to its model.
    """
    gc.collect()  # models, optimisers and recorded steps refer to each other
    return_freed_memory()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
