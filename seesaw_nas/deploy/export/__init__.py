"""Exports trained networks as ONNX, as a torch.export program, as a JSON spec, or as a folder with everything needed.

Networks are folded (:mod:`seesaw_nas.network.folded`) and compared with the trained network before anything is written.
Existing files are never overwritten, and files are written atomically.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.errors import OptionError, RunError, known
from seesaw_nas.core.files import create_file, encode_json
from seesaw_nas.core.names import safe_name
from seesaw_nas.deploy.export import agreement, folder, onnx_file, program, source
from seesaw_nas.deploy.names import ENDINGS, TARGETS

if TYPE_CHECKING:
    from seesaw_nas.deploy.export.agreement import Agreement
    from seesaw_nas.deploy.export.source import ExportSource

__all__ = ["Exported", "export"]


@dataclass(frozen=True, slots=True)
class Exported:
    """The result of an export.

    Attributes:
        path: the file or the folder.
        agreement: comparison with the trained network; ``None`` if only the architecture was written.
        graph_macs: Multi-Adds of the ONNX graph, zeros that it stores for narrow groups included; ``None`` without one.
    """

    target: str
    path: Path
    agreement: Agreement | None
    graph_macs: int | None = None

    @property
    def size(self) -> int:
        """Size of all files together, in bytes."""
        files = self.path.iterdir() if self.path.is_dir() else [self.path]
        return sum(file.stat().st_size for file in files)


def export(
    named: Named,
    weights: Path | None,
    target: str,
    out: Path | None = None,
    *,
    dataset: str = "",
    data_dir: str = "",
) -> Exported:
    """Write a trained network in one format, after comparing it with the unfused network.

    Args:
        weights: a safetensors file; not needed for ``json``, which holds no weights.
        target: one of ``TARGETS``.
        out: file or folder to create; by default the network's name with the target's suffix, in the current folder.
        dataset: data set that the network was trained on, for weights files that do not describe their images.
        data_dir: folder of its images, as for :func:`seesaw_nas.data.load`.

    Raises:
        SeesawError: the target is unknown, ``out`` exists, or the weights do not fit; then nothing is written.
    """
    if target not in ENDINGS:
        raise OptionError(known("target", target, TARGETS))
    path = out or Path(safe_name(named.name) + ENDINGS[target])
    _check_place(path, target)
    if target == "json":
        document = specfile.document(named, {**named.result, "export": _provenance(named, weights)})
        _create(path, lambda: create_file(path, encode_json(document)))
        return Exported(target, path, None)
    if weights is None:
        raise OptionError(
            f"'{named.name}' comes without weights; name a file with --weights, or give a finished training's folder, "
            "which `seesaw-nas train` makes"
        )
    loaded = source.load(named, weights, dataset=dataset, data_dir=data_dir)
    content, agreement = _make_content(loaded, target, data_dir, bool(dataset or data_dir))
    _check_place(path, target)  # another export may have been faster
    if target == "folder":
        _create(path, lambda: folder.write(path, loaded, content, agreement))
    else:
        _create(path, lambda: create_file(path, content))
    return Exported(target, path, agreement, None if target == "torch-export" else onnx_file.macs_in(content))


def _create(path: Path, write: Callable[[], None]) -> None:
    try:
        write()
    except FileExistsError:  # another export was faster
        raise _taken(path) from None


def _taken(path: Path) -> RunError:
    return RunError(f"{path} exists already and nothing is overwritten; choose another --out")


def _check_place(path: Path, target: str) -> None:
    if os.path.lexists(path):
        raise _taken(path)
    if not path.parent.is_dir():
        raise RunError(f"cannot write {path}: there is no folder {path.parent}; make it, or choose another --out")
    if ENDINGS[target] and path.suffix != ENDINGS[target]:
        raise OptionError(f"--out for {target} ends in {ENDINGS[target]}, got {path}")


def _provenance(named: Named, weights: Path | None) -> dict[str, Any]:
    """The conditions of an export and, with weights, their checksum, after checking that they fit the architecture."""
    if weights is None:
        return {"conditions": conditions()}
    source.read(named, weights)
    checksum = hashlib.sha256(weights.read_bytes()).hexdigest()
    return {"conditions": conditions(), "weights": {"file": weights.name, "sha256": checksum}}


def _make_content(source: ExportSource, target: str, data_dir: str, required: bool) -> tuple[bytes, Agreement]:
    made = program if target == "torch-export" else onnx_file
    content = made.content(source)
    return content, agreement.check(source, made.runner(content), data_dir=data_dir, required=required)
