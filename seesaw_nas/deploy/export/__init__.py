"""A trained network as files that others can run: ONNX, torch.export, a JSON spec, a folder with all that it takes.

The networks are folded (:mod:`seesaw_nas.deploy`) and held against the trained one before anything is written. Nothing
that exists is overwritten, and what is written is written whole or not at all.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.errors import OptionError, RunError, known
from seesaw_nas.core.files import replace_file, write_json
from seesaw_nas.deploy.export import agreement, folder, onnx_file, program, source
from seesaw_nas.deploy.names import ENDINGS, TARGETS

if TYPE_CHECKING:
    from seesaw_nas.deploy.export.agreement import Agreement
    from seesaw_nas.deploy.export.source import ExportSource

__all__ = ["Exported", "export"]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        path: a file, or the folder.
        agreement: with the trained network; ``None`` where the architecture alone was written.
    """

    target: str
    path: Path
    agreement: Agreement | None

    @property
    def size(self) -> int:
        """Bytes, of all files together."""
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
    """Write a trained network in one form, after checking it against the unfused one.

    Args:
        weights: a safetensors file; only ``json``, which holds no weights, does without.
        target: one of ``TARGETS``.
        out: the file or folder to make; without, the network's name in the current folder, with the target's ending.
        dataset: that the network was trained on, for weights that do not say what their images must become.
        data_dir: where its images are, as for :func:`seesaw_nas.data.load`.

    Raises:
        SeesawError: the target is unknown, ``out`` exists, or the weights do not fit; then nothing is written.
    """
    if target not in ENDINGS:
        raise OptionError(known("target", target, TARGETS))
    path = out or Path(named.name.replace("/", "-") + ENDINGS[target])
    _check_place(path, target)
    if target == "json":
        write_json(path, specfile.document(named, {**named.result, "export": _provenance(named, weights)}))
        return Exported(target, path, None)
    if weights is None:
        raise OptionError(
            f"'{named.name}' comes without weights; name a file with --weights, or give a finished training's folder"
        )
    loaded = source.load(named, weights, dataset=dataset, data_dir=data_dir)
    content, agreement = _checked(loaded, target, data_dir, bool(dataset or data_dir))
    if target == "folder":
        folder.write(path, loaded, content, agreement)
    else:
        replace_file(path, content)
    return Exported(target, path, agreement)


def _check_place(path: Path, target: str) -> None:
    if path.exists() or path.is_symlink():
        raise RunError(f"{path} exists already and nothing is overwritten; choose another --out")
    if not path.parent.is_dir():
        raise RunError(f"cannot write {path}: there is no folder {path.parent}; make it, or choose another --out")
    if ENDINGS[target] and path.suffix != ENDINGS[target]:
        raise OptionError(f"--out for {target} ends in {ENDINGS[target]}, got {path}")


def _provenance(named: Named, weights: Path | None) -> dict[str, Any]:
    """When and by what a spec was exported and, where weights are named, that they fit and their checksum."""
    if weights is None:
        return {"conditions": conditions()}
    source.read(named, weights)
    checksum = hashlib.sha256(weights.read_bytes()).hexdigest()
    return {"conditions": conditions(), "weights": {"file": weights.name, "sha256": checksum}}


def _checked(source: ExportSource, target: str, data_dir: str, asked: bool) -> tuple[bytes, Agreement]:
    made = program if target == "torch-export" else onnx_file
    content = made.content(source)
    return content, agreement.check(source, made.runner(content), data_dir=data_dir, asked=asked)
