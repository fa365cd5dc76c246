"""A supernet's weights on disk: a safetensors file that names the space they belong to."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch

from seesaw_nas.core.errors import RunError
from seesaw_nas.core.files import replace_file
from seesaw_nas.network.tensor_file import TensorFileError, open_tensors
from seesaw_nas.space import Space
from seesaw_nas.training.supernet.layout import layout_of
from seesaw_nas.training.supernet.weights import Supernet

WEIGHTS = "supernet.safetensors"  # the file's name in the folder of a training
_NAME, _DIGEST, _TENSOR = "space", "space_digest", "weights"  # names in the file


def save(supernet: Supernet, path: Path, metadata: Mapping[str, str]) -> None:
    """Write the weights atomically; an older file is replaced.

    Args:
        metadata: entries for the file's header, beside the space's name and digest.

    Raises:
        RunError: the file cannot be written.
    """
    header = {**metadata, _NAME: supernet.space.name, _DIGEST: supernet.space.digest}
    try:
        replace_file(path, safetensors.torch.save({_TENSOR: supernet.weights.detach().cpu()}, header))
    except OSError as error:
        raise RunError(
            f"cannot write weights to {path}: {error.strerror}; free some space there, or choose another folder"
        ) from None


def load(path: Path, space: Space) -> Supernet:
    """The supernet that :func:`save` wrote, on the CPU.

    Raises:
        RunError: the file is missing, does not hold a supernet, or belongs to another space.
    """
    try:
        with open_tensors(path) as file:
            if _DIGEST not in file.metadata or list(file.shapes) != [_TENSOR]:
                raise RunError(f"{path} does not hold a supernet; `seesaw-nas supernet` makes one")
            _check_same(path, file.metadata, space)
            shape, wanted = file.shapes[_TENSOR], layout_of(space).size
            if shape != (wanted,):
                raise RunError(f"{path} holds {math.prod(shape):,} weights, wanted {wanted:,}; train it again")
            return Supernet(space, file.tensors()[_TENSOR].float())
    except TensorFileError as error:
        raise RunError(f"cannot read a supernet from {path}: {error}; `seesaw-nas supernet` makes one") from None


def _check_same(path: Path, header: Mapping[str, str], space: Space) -> None:
    if header[_DIGEST] != space.digest:
        raise RunError(
            f"the supernet in {path} is of another space: '{header.get(_NAME)}' with digest {header[_DIGEST]}, wanted "
            f"'{space.name}' with digest {space.digest}; train one for this space and input"
        )
