"""Memory that ran out, on a GPU or on the host: which errors say so, what a user is told, and how memory is given back.

Loads no torch by itself: who has none loaded has nothing on a GPU.
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

# By class only Python, the system and torch's own allocator on CUDA say it. Its CPU allocator, CUDA itself and
# CUDA's libraries raise plain RuntimeErrors, or AcceleratorErrors, with these words in them.
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
    """Who holds the memory of a GPU, in bytes.

    Attributes:
        held: by this process: what its tensors take, and what torch keeps for its next ones.
        free: for anybody.
    """

    total: int
    held: int
    free: int

    @property
    def others(self) -> int:
        """Held by other processes, and by CUDA itself for its code: some hundred MiB a process."""
        return max(0, self.total - self.held - self.free)

    @property
    def crowded(self) -> bool:
        """Whether others took more than this process holds and than is left, so that a smaller batch is no remedy."""
        return self.others > max(self.held, self.free)

    def __str__(self) -> str:
        held, others, free, total = (f"{n / GIB:.1f}" for n in (self.held, self.others, self.free, self.total))
        return f"of {total} GiB this process held {held}, others {others}, free were {free}"


def usage(device: torch.device | str) -> Usage | None:
    """Who holds the memory of a GPU now; ``None`` for another device, or where CUDA does not say any more."""
    if not str(device).startswith("cuda"):
        return None
    try:
        import torch

        free, total = torch.cuda.mem_get_info(device)
        return Usage(total, torch.cuda.memory_reserved(device), free)
    except Exception:  # it is asked while another error is told, which must not be lost
        return None


def explain(device: torch.device | str, purpose: str, remedy: str) -> str:
    """One line on memory that ran out just now.

    Args:
        purpose: what it was wanted for, such as ``with batches of 64 images``.
        remedy: what to do about it, unless others took the memory.
    """
    memory = usage(device)
    line = f"out of memory on {device} {purpose}" + (f" ({memory})" if memory else "")
    if memory and memory.crowded:
        return f"{line}; end what else runs there, let fewer trainings share the device, or take another by --device"
    return f"{line}; {remedy}"


@contextmanager
def raise_out_of_memory(tell: Callable[[Exception], str]) -> Iterator[None]:
    """Turn exhausted memory into the line that ``tell`` makes of the error.

    Raises:
        OutOfMemory: the body ran out of memory.
    """
    try:
        yield
    except Exception as error:
        if not is_exhaustion(error):
            raise
        raise OutOfMemory(tell(error)) from None


def explain_out_of_memory(device: torch.device | str, purpose: str, remedy: str) -> AbstractContextManager[None]:
    """:func:`raise_out_of_memory` by :func:`explain`."""
    return raise_out_of_memory(lambda error: explain(device, purpose, remedy))


def explain_training_memory(recipe: Recipe, device: torch.device) -> AbstractContextManager[None]:
    """:func:`explain_out_of_memory` of a training."""
    remedy = "take smaller batches, smaller images or a smaller budget"
    return explain_out_of_memory(device, f"with batches of {recipe.batch_size} images", remedy)


def explain_evaluator_memory() -> AbstractContextManager[None]:
    """:func:`raise_out_of_memory` where the body did not tell it: a program's own evaluators do not."""
    return raise_out_of_memory(
        lambda error: f"out of memory in the evaluator: {quote(error)}; let an evaluation take less"
    )


def quote(error: BaseException) -> str:
    """The first line of an error, or its class where it says nothing."""
    return str(error).strip().partition("\n")[0][:200] or type(error).__name__


def release() -> None:
    """Give back the memory that nothing uses any more: to the GPUs, and to the system.

    Call it when no exception is being handled: the frames of a training that failed hold its model.
    """
    gc.collect()  # models, optimisers and recorded steps refer to each other
    return_freed_memory()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()
