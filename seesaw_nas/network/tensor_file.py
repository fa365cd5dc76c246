"""Reads safetensors files: the one place where weights, supernets and checkpoints come from a disk.

What is read is a regular file with tensors of numbers that are all finite; nothing is loaded before its shapes are
known and accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from seesaw_nas.core.documents import DocumentError, check_file
from seesaw_nas.core.errors import SeesawError


class TensorFileError(SeesawError):
    """A file of tensors that cannot be used; the text is the reason alone."""


@dataclass(frozen=True, slots=True)
class TensorFile:
    """An open file.

    Attributes:
        metadata: texts in its header.
        shapes: shapes of all tensors, by name.
    """

    metadata: Mapping[str, str]
    shapes: Mapping[str, tuple[int, ...]]
    _file: Any

    def tensors(self) -> dict[str, Tensor]:
        """All tensors, on the CPU.

        Raises:
            TensorFileError: one holds a value that is not finite, or no real numbers.
        """
        found = {}
        for name in self.shapes:
            tensor = found[name] = self._file.get_tensor(name)
            if tensor.is_complex() or tensor.dtype == torch.bool:
                raise TensorFileError(f"tensor '{name}' holds {tensor.dtype} values, numbers are wanted")
            if tensor.is_floating_point() and not is_finite(tensor):
                raise TensorFileError(f"tensor '{name}' holds values that are not finite (NaN or infinite)")
        return found


@torch.no_grad()
def is_finite(tensor: Tensor) -> bool:
    """Whether all values of a tensor are finite. A sum tells most, since whatever is not finite stays so in it."""
    if tensor.element_size() < 2:  # torch adds no numbers of 8 bits
        tensor = tensor.float()
    return bool(torch.isfinite(tensor.sum(dtype=torch.float64))) or bool(torch.isfinite(tensor).all())


@contextmanager
def open_tensors(path: Path) -> Iterator[TensorFile]:
    """The file at ``path``, open for reading.

    Raises:
        TensorFileError: it is missing, damaged or no such file, also where that shows only inside the block.
    """
    try:
        check_file(path)
        with safe_open(path, framework="pt") as file:
            names = list(file.keys())
            shapes = {name: tuple(file.get_slice(name).get_shape()) for name in names}
            yield TensorFile(dict(file.metadata() or {}), shapes, file)
    except DocumentError as error:
        raise TensorFileError(error.reason if error.of_system else str(error)) from None
    except (OSError, SafetensorError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error  # system errors that safetensors raises have none
        raise TensorFileError(" ".join(str(reason).split())) from None
