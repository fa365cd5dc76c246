"""Exported folders: which runtime, batch and precision one is for, and whether it runs there or in torch.

All of that is read from the folder's ``agreement.json``, which :mod:`seesaw_nas.deploy.export.folder` writes. Versions
before that file existed wrote folders for ONNX Runtime only.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seesaw_nas.core.device import AUTO, find_device
from seesaw_nas.core.documents import DocumentError, read_json
from seesaw_nas.core.errors import OptionError, RunError, SpecError
from seesaw_nas.core.fields import shorten
from seesaw_nas.data.preprocessing import Preprocessing
from seesaw_nas.deploy import runtimes
from seesaw_nas.deploy.export import onnx_file
from seesaw_nas.deploy.names import AGREEMENT, ANY_BATCH, INT8, QUANTIZERS, WEIGHTS
from seesaw_nas.deploy.runtimes import RUNTIMES
from seesaw_nas.deploy.runtimes.base import Logits, Runtime
from seesaw_nas.deploy.runtimes.onnxruntime import MODEL

ONNX = "onnxruntime"
LARGEST_BATCH = 65_536


@dataclass(frozen=True, slots=True)
class ExportedFolder:
    """A folder that ``export`` wrote.

    Attributes:
        batch: images of a call, where the runtime's files take calls of one size only.
    """

    path: Path
    runtime: Runtime
    batch: int = 1
    is_int8: bool = False

    @property
    def title(self) -> str:
        """The runtime and, other than float32, the precision, for people."""
        return f"{self.runtime.title} in {INT8}" if self.is_int8 else self.runtime.title

    @property
    def runs_on(self) -> str:
        """What :meth:`open` runs it in, for people."""
        return f"{self.runtime.title} on the CPU" + (f", in {INT8}" if self.is_int8 else "")

    @property
    def runs_in_torch(self) -> bool:
        """Whether torch may run it, too: an export for ONNX Runtime in float32, beside the trained weights."""
        return self.runtime.name == ONNX and not self.is_int8 and (self.path / WEIGHTS).is_file()

    def open(self) -> tuple[Preprocessing, Logits]:
        """How images are prepared, and the network in its runtime on the CPU, with as many threads as torch has.

        Raises:
            RunError: a file cannot be read, or the runtime does not run it.
            OptionError: the runtime is not installed.
        """
        threads = torch.get_num_threads()
        if self.runtime.name == ONNX:
            return onnx_file.open_file(self.path / MODEL, threads)
        preprocessing = _read_preprocessing(self.path / "preprocessing.json")
        call = self._told(self.runtime.open_folder, self.path, threads, self.batch)
        return preprocessing, lambda images: self._told(call, images)

    def _told(self, work: Any, *arguments: Any) -> Any:
        """The result of ``work``; what fails is told with the folder's name."""
        try:
            return work(*arguments)
        except RunError as error:
            raise RunError(f"{self.path} cannot be run: {error}; export it again") from None


def find_runner(path: Path, device: str = AUTO) -> tuple[ExportedFolder | None, torch.device]:
    """What runs a folder: its runtime, on the CPU; or, for ``None``, torch on that device.

    An export runs in its runtime. One for ONNX Runtime in float32, which holds the trained weights, runs in torch on
    CUDA. Anything else, such as the folder of a training, runs in torch.

    Raises:
        OptionError: there is no such device, or the export runs on the CPU only.
        RunError: what the folder is for cannot be read.
    """
    folder = read(path)
    if folder is None or folder.runs_in_torch:
        chosen = find_device(device)
        return (folder if chosen.type == "cpu" else None), chosen
    if device.partition(":")[0] == "cuda":
        raise OptionError(f"{path} is an export for {folder.title}, which runs on the CPU only; leave --device out")
    return folder, find_device("cpu" if device == AUTO else device)


def read(path: Path) -> ExportedFolder | None:
    """The exported folder at ``path``; ``None`` for any other.

    Raises:
        RunError: its ``agreement.json`` cannot be read, or holds what no export writes.
    """
    file = path / AGREEMENT
    if not os.path.lexists(file):
        return ExportedFolder(path, runtimes.find(ONNX)) if (path / MODEL).is_file() else None
    try:
        content = read_json(file)
    except DocumentError as error:
        raise RunError(error.about(file, "what the export is for,")) from None
    if not isinstance(content, dict):
        raise _damaged(file, "an object", content)
    runtime = _read_runtime(file, content)
    return ExportedFolder(path, runtime, _read_batch(file, content, runtime), _read_precision(file, content, runtime))


def _read_runtime(file: Path, content: Mapping[str, Any]) -> Runtime:
    title = content.get("runtime")
    name = next((name for name, known in RUNTIMES.items() if known == title), "")
    if not name:
        raise _damaged(file, f"'runtime' as one of {', '.join(RUNTIMES.values())}", title)
    return runtimes.find(name)


def _read_batch(file: Path, content: Mapping[str, Any], runtime: Runtime) -> int:
    batch = content.get("batch")
    if not runtime.fixed_batch:
        if batch != ANY_BATCH:
            raise _damaged(file, f"'batch' as '{ANY_BATCH}' for {runtime.title}", batch)
        return 1
    if type(batch) is not int or not 1 <= batch <= LARGEST_BATCH:
        raise _damaged(file, f"'batch' as a whole number from 1 to {LARGEST_BATCH:,} for {runtime.title}", batch)
    return batch


def _read_precision(file: Path, content: Mapping[str, Any], runtime: Runtime) -> bool:
    if "int8" not in content:
        return False
    about = content["int8"]
    precision = about.get("precision") if isinstance(about, dict) else about
    if precision != INT8:
        raise _damaged(file, f"'int8' with the 'precision' '{INT8}'", precision)
    if runtime.name not in QUANTIZERS:
        titles = ", ".join(RUNTIMES[name] for name in QUANTIZERS)
        raise _damaged(file, f"'int8' for {titles} only", runtime.title)
    return True


def _damaged(file: Path, wanted: str, came: Any) -> RunError:
    return RunError(
        f"{file} is damaged, or of another version: {wanted} is wanted, got {shorten(came)}; export the network again"
    )


def _read_preprocessing(file: Path) -> Preprocessing:
    try:
        return Preprocessing.from_dict(read_json(file))
    except DocumentError as error:
        raise RunError(error.about(file, "how images are prepared,")) from None
    except SpecError as error:
        raise RunError(f"{file} is damaged: {error}; export it again") from None
