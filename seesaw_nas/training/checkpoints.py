"""Checkpoints of trainings: one safetensors file, replaced atomically after each epoch or within one.

Tensors are named ``model.NAME``, ``momentum.NAME`` and ``average.NAME``; JSON in the file's header holds the rest. No
generator state is stored: every step derives its randomness from the seed, the epoch and its own number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from seesaw_nas.core.documents import DocumentError, parse_json
from seesaw_nas.core.errors import RunError, SpecError
from seesaw_nas.core.fields import take_fields
from seesaw_nas.core.files import clear_parts, replace_file
from seesaw_nas.core.typed import build, conform
from seesaw_nas.network.tensor_file import TensorFileError, open_tensors
from seesaw_nas.training.epoch import Epoch

_FIELD = "seesaw-nas-checkpoint"
Identity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a training.

    Attributes:
        curve: one entry per finished epoch.
        train_seconds: time of the training steps of these epochs, without evaluation.
        steps: number of finished steps of the unfinished epoch.
        loss: loss summed over the images of those steps.
        seconds: time of those steps.
        core_seconds: CPU time of the process, summed over all cores and the whole training, if it is recorded.
    """

    curve: tuple[Epoch, ...] = ()
    train_seconds: float = 0.0
    steps: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    core_seconds: float = 0.0


_PROGRESS = [field.name for field in fields(Progress)]


@dataclass(frozen=True, slots=True)
class Store:
    """The checkpoint of one training.

    Attributes:
        path: the file; with ``None`` nothing is saved or resumed.
        state: tensors of model, momentum and average, by name; :meth:`resume` changes them in place.
        identity: data, recipe and seed of the training, as JSON values; a file with another identity is refused.
    """

    path: Path | None
    state: Mapping[str, Tensor]
    identity: Identity

    def save(self, progress: Progress) -> None:
        """Write the present state to the file, atomically.

        Raises:
            RunError: the file cannot be written.
        """
        if self.path is None:
            return
        content = json.dumps({"identity": self.identity, **asdict(progress)})
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            replace_file(self.path, save(self._tensors(), {_FIELD: content}))
        except OSError as error:
            raise RunError(f"cannot write the checkpoint {self.path}: {error.strerror}") from None

    def resume(self) -> Progress:
        """Copy the file's tensors into the state and return the progress; without a file, progress is empty.

        Raises:
            RunError: the file is not a checkpoint, or has another identity; the message names the first difference.
        """
        if self.path is None or not self.path.exists():
            return Progress()
        try:
            with open_tensors(self.path) as file:
                content = take_fields(parse_json(file.metadata.get(_FIELD, "")), ["identity", *_PROGRESS])
                self._check_same(conform("identity", Mapping[str, Any], content.pop("identity")))
                progress = build(Progress, content)
                self._check_shapes(file.shapes)
                self._restore(file.tensors())
            return progress
        except (TensorFileError, DocumentError, SpecError) as error:
            raise RunError(f"{self.path} is not a checkpoint ({error}); delete it to start again") from None

    def _check_shapes(self, came: Mapping[str, tuple[int, ...]]) -> None:
        """Only momentum may be missing, in a checkpoint from before the first step."""
        for name, tensor in self.state.items():
            if name not in came and name.startswith("momentum."):
                continue
            if came.get(name) != tuple(tensor.shape):
                raise TensorFileError(
                    f"tensor '{name}' should be {tuple(tensor.shape)} and is {came.get(name, 'absent')}"
                )

    def _tensors(self) -> dict[str, Tensor]:
        own = {
            "memory_format": torch.contiguous_format
        }  # separate copies, because some tensors of the state share memory
        return {name: tensor.detach().cpu().clone(**own) for name, tensor in self.state.items()}

    @torch.no_grad()
    def _restore(self, tensors: dict[str, Tensor]) -> None:
        """Copy every tensor that is there."""
        for name, tensor in self.state.items():
            if name in tensors:
                tensor.copy_(tensors[name])

    def _check_same(self, stored: Identity) -> None:
        expected = json.loads(json.dumps(self.identity))
        for name in {**expected, **stored}:
            if stored.get(name) != expected.get(name):
                values = [identity.get(name, "not recorded") for identity in (stored, expected)]
                raise RunError(
                    f"the checkpoint {self.path} is of a training with {name} {values[0]}, wanted {values[1]}; "
                    "delete it or name another file"
                )


def discard(path: Path) -> None:
    """Delete the checkpoint at ``path`` and the rest of an interrupted write, if they exist."""
    path.unlink(missing_ok=True)
    clear_parts(path)
