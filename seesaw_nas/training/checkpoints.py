"""Training interrupted and continued: one safetensors file that is replaced whole, after an epoch or within one.

Tensors are named ``model.NAME``, ``momentum.NAME`` and ``average.NAME``; the JSON in the file's header holds the rest.
No generator state is kept: every step derives its randomness from the seed, its epoch and its own number.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from seesaw_nas.core.errors import RunError
from seesaw_nas.core.files import partial, replace_file
from seesaw_nas.training.epoch import Epoch

_FIELD = "seesaw-nas-checkpoint"
Identity = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Progress:
    """What a training has behind it.

    Attributes:
        curve: an entry a finished epoch.
        train_seconds: spent on the training steps of these, evaluation left out.
        steps: done of the epoch that is not finished.
        loss: summed over the images of those steps.
        seconds: spent on those steps.
        core_seconds: of the process on all CPU cores, summed over the whole training where that is kept.
    """

    curve: tuple[Epoch, ...] = ()
    train_seconds: float = 0.0
    steps: int = 0
    loss: float = 0.0
    seconds: float = 0.0
    core_seconds: float = 0.0

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Progress:
        """What ``dataclasses.asdict`` made; files from before there were checkpoints within an epoch are read too."""
        rest = {name: content[name] for name in ("steps", "loss", "seconds", "core_seconds") if name in content}
        return cls(tuple(Epoch(**entry) for entry in content["curve"]), content["train_seconds"], **rest)


@dataclass(frozen=True, slots=True)
class Store:
    """The checkpoint of one training.

    Attributes:
        path: its file; ``None`` keeps nothing and finds nothing.
        state: the tensors of model, momentum and average, by name; :meth:`resume` changes them in place.
        identity: what the training is of, in JSON values; a file with another is refused.
        meant: what a file means whose identity lacks a name.
    """

    path: Path | None
    state: Mapping[str, Tensor]
    identity: Identity
    meant: Identity = field(default_factory=dict)

    def save(self, progress: Progress) -> None:
        """Replace the file by the present state, atomically.

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
        """Put the file's tensors into the state; without a file, nothing is behind.

        Raises:
            RunError: the file is no checkpoint, or of a training with another identity; the first difference is named.
        """
        if self.path is None or not self.path.exists():
            return Progress()
        try:
            with safe_open(self.path, framework="pt") as file:
                content = json.loads((file.metadata() or {})[_FIELD])
                self._check_same(content["identity"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it has no iterator)
            self._restore(tensors)
            return Progress.from_dict(content)
        except (OSError, SafetensorError, RuntimeError, ValueError, KeyError, TypeError) as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise RunError(f"{self.path} is no checkpoint of a training ({reason}); delete it to start anew") from None

    def _tensors(self) -> dict[str, Tensor]:
        own = {"memory_format": torch.contiguous_format}  # tensors of their own: some of the state share memory
        return {name: tensor.detach().cpu().clone(**own) for name, tensor in self.state.items()}

    @torch.no_grad()
    def _restore(self, tensors: dict[str, Tensor]) -> None:
        """Every tensor must be there but momentum, which a training that has not begun has none of."""
        for name, tensor in self.state.items():
            if name in tensors or not name.startswith("momentum."):
                tensor.copy_(tensors[name])

    def _check_same(self, stored: Identity) -> None:
        expected, stored = json.loads(json.dumps(self.identity)), json.loads(json.dumps(self.meant)) | stored
        for name in {**expected, **stored}:
            if stored.get(name) != expected.get(name):
                raise RunError(
                    f"the checkpoint {self.path} is of a training with {name} {stored.get(name)}, wanted "
                    f"{expected.get(name)}; delete it or name another file"
                )


def discard(path: Path) -> None:
    """Delete the checkpoint at ``path`` and what an interrupted write left; neither need exist."""
    path.unlink(missing_ok=True)
    partial(path).unlink(missing_ok=True)
