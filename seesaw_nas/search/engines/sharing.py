"""How an evaluator's images reach the workers: in memory that all share, or in a file where there is too little of it.

Torch shares tensors through ``/dev/shm``, often limited to 64 MB in containers. The file is in the folder for temporary
files and has no name there, so that nothing is left of it however the search ends; each worker maps it, so that the
system keeps a single copy of its pages.
"""

from __future__ import annotations

import io
import os
import pickle
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing.reduction import ForkingPickler
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from seesaw_nas.core.errors import OptionError

if TYPE_CHECKING:
    import torch

    from seesaw_nas.evaluators import Evaluator

SHARED_MEMORY = Path("/dev/shm")
SPARE = 2**20  # bytes of it that are left to others
ALIGNMENT = 64  # bytes; more than any type of tensor needs
OPEN_FILES = Path("/proc/self/fd")  # by which other processes open a file that has no name
UNSENDABLE = (pickle.PicklingError, AttributeError, TypeError)


@dataclass(frozen=True, slots=True)
class Filed:
    """An evaluator in a file, without its tensors from ``start`` on; they stand before it.

    Attributes:
        path: by which other processes open the file.
        start: in bytes.
    """

    path: str
    start: int

    def load(self) -> Evaluator:
        """The evaluator, whose tensors are parts of the file."""
        with Path(self.path).open("rb") as file:
            file.seek(self.start)
            found: Evaluator = pickle.load(file)  # what the proposing process wrote
            return found


@contextmanager
def share(evaluator: Evaluator) -> Iterator[Evaluator | Filed]:
    """Context that provides what to send to the workers: the evaluator, or where it is filed.

    Raises:
        OptionError: it cannot be sent, or there is room for it neither in shared memory nor in a file.
    """
    needed = tensor_bytes(evaluator)
    if needed + SPARE <= free_shared_memory():
        yield evaluator
        return
    with _temporary_file(needed) as file:
        yield _write(evaluator, file, needed)


def receive(sent: Evaluator | Filed) -> Evaluator:
    """The evaluator that :func:`share` sent."""
    return sent.load() if isinstance(sent, Filed) else sent


def unsendable(error: Exception) -> OptionError:
    """Why an evaluator stays in its process."""
    return OptionError(
        f"the evaluator cannot be sent to a worker ({error}); define it in a module, or use --engine serial"
    )


def free_shared_memory() -> float:
    """Bytes; infinite where the system has no such place, and no limit of its own."""
    if not SHARED_MEMORY.is_dir():
        return float("inf")
    found = os.statvfs(SHARED_MEMORY)
    return found.f_bavail * found.f_frsize


def tensor_bytes(evaluator: Evaluator) -> int:
    """Bytes of all tensors on the CPU that an evaluator holds; those that several tensors share count once.

    Raises:
        OptionError: it cannot be sent to another process.
    """
    counter = _Counter(io.BytesIO())
    try:
        counter.dump(evaluator)
    except UNSENDABLE as error:
        raise unsendable(error) from None
    return sum(counter.found.values())


class _Counter(ForkingPickler):
    """Pickles everything but tensors, which it counts by their storage."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.found: dict[int, int] = {}

    def reducer_override(self, value: Any) -> Any:
        if not _is_plain(value.data if isinstance(value, _torch().nn.Parameter) else value):
            return NotImplemented
        storage = value.untyped_storage()
        self.found[storage.data_ptr()] = storage.nbytes()
        return int, ()


class _Filing(ForkingPickler):
    """Pickles everything but tensors, which it writes to the file."""

    def __init__(self, rest: IO[bytes], file: IO[bytes], path: str) -> None:
        super().__init__(rest)
        self._file, self._path = file, path

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, _torch().nn.Parameter):
            return _torch().nn.Parameter, (value.data, value.requires_grad)
        if not _is_plain(value):
            return NotImplemented
        start = -(-self._file.tell() // ALIGNMENT) * ALIGNMENT
        self._file.seek(start)
        self._file.write(value.contiguous().flatten().view(_torch().uint8).numpy())
        return _mapped, (self._path, start, value.dtype, tuple(value.shape))


def _is_plain(value: Any) -> bool:
    """Whether it is a tensor that its bytes make up; others are pickled as torch does it."""
    torch = _torch()
    if type(value) is not torch.Tensor or value.device.type != "cpu" or value.layout is not torch.strided:
        return False
    return not value.requires_grad and value.numel() > 0 and not value.is_quantized and not value.is_complex()


def _torch() -> Any:
    import torch

    return torch


@contextmanager
def _temporary_file(needed: int) -> Iterator[IO[bytes]]:
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if needed + SPARE > free:
        raise _no_room(needed, free)
    kind: Any = tempfile.TemporaryFile if OPEN_FILES.is_dir() else tempfile.NamedTemporaryFile
    with kind() as file:
        yield file


def _write(evaluator: Evaluator, file: IO[bytes], needed: int) -> Filed:
    """Write the tensors, then the rest.

    Raises:
        OptionError: the disk is full.
    """
    path = f"/proc/{os.getpid()}/fd/{file.fileno()}" if OPEN_FILES.is_dir() else str(file.name)
    rest = io.BytesIO()
    try:
        _Filing(rest, file, path).dump(evaluator)
        start = file.tell()
        file.write(rest.getvalue())
        file.flush()
    except OSError:
        raise _no_room(needed, shutil.disk_usage(tempfile.gettempdir()).free) from None
    return Filed(path, start)


def _no_room(needed: int, free: int) -> OptionError:
    megabytes = [f"{round(n / 1e6):,} MB" for n in (needed, free_shared_memory(), free)]
    return OptionError(
        f"the workers share {megabytes[0]} of images and weights, and {SHARED_MEMORY} has {megabytes[1]} free, "
        f"{tempfile.gettempdir()} {megabytes[2]}; give one of them more (docker run --shm-size, or TMPDIR), take fewer "
        f"images, or use --engine serial"
    )


@cache
def _mapping(path: str) -> torch.Tensor:
    """All bytes of the file, uint8 (n,), as pages that are read when they are used."""
    found: torch.Tensor = _torch().from_file(path, shared=False, size=os.stat(path).st_size, dtype=_torch().uint8)
    return found


def _mapped(path: str, start: int, dtype: torch.dtype, shape: tuple[int, ...]) -> torch.Tensor:
    """A tensor in the file, of this shape, whose bytes begin at ``start``."""
    count = dtype.itemsize
    for size in shape:
        count *= size
    return _mapping(path)[start : start + count].view(dtype).view(shape)
