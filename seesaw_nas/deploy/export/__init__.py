"""Exports trained networks as ONNX, as a torch.export program, as a JSON spec, or as a folder for a runtime.

Networks are folded (:mod:`seesaw_nas.network.folded`) and compared with the trained network before anything is written.
Existing files are never overwritten, and files are written atomically.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.specfile import Named
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.errors import OptionError, RunError, known
from seesaw_nas.core.files import create_file, encode_json, refuse_missing_folder
from seesaw_nas.core.names import safe_name
from seesaw_nas.deploy import quantization, runtimes
from seesaw_nas.deploy.export import agreement, folder, onnx_file, program, source
from seesaw_nas.deploy.export.folder import RuntimeFiles
from seesaw_nas.deploy.names import ENDINGS, FOLDERS, INT8, QUANTIZED, TARGETS
from seesaw_nas.deploy.quantization.calibration import IMAGES
from seesaw_nas.deploy.runtimes import graph_macs
from seesaw_nas.deploy.runtimes.base import Files, Logits
from seesaw_nas.deploy.runtimes.onnxruntime import MODEL
from seesaw_nas.network import folded
from seesaw_nas.network.folded import rule

if TYPE_CHECKING:
    from seesaw_nas.deploy.export.agreement import Agreement
    from seesaw_nas.deploy.export.source import ExportSource
    from seesaw_nas.deploy.quantization import Quantized

__all__ = ["Exported", "export"]


@dataclass(frozen=True, slots=True)
class Exported:
    """The result of an export.

    Attributes:
        path: the file or the folder.
        agreement: comparison with the trained network; ``None`` if only the architecture was written.
        graph_macs: Multi-Adds of the written graph, zeros that it stores for narrow groups included; ``None`` for
            ``torch-export``, which computes group by group, and ``json``.
        quantized: what int8 was calibrated on and what it costs; ``None`` in float32.
    """

    target: str
    path: Path
    agreement: Agreement | None
    graph_macs: int | None = None
    quantized: Quantized | None = None

    @property
    def size(self) -> int:
        """Size of all files together, in bytes."""
        files = self.path.iterdir() if self.path.is_dir() else [self.path]
        return sum(file.stat().st_size for file in files)


@dataclass(frozen=True, slots=True)
class _Comparison:
    """How an export is compared with the trained network: see :func:`export`."""

    data_dir: str
    names_images: bool
    accepts: bool

    def check(self, source: ExportSource, logits: Logits, quantized: Quantized | None) -> Agreement:
        return agreement.check(
            source,
            logits,
            data_dir=self.data_dir,
            required=self.names_images,
            accept=self.accepts,
            limited=quantized is None,
        )

    def quantize(self, source: ExportSource, target: str, images: int) -> Quantized:
        place = agreement.find_place(source.dataset, self.data_dir, self.names_images)
        given = quantization.load_calibration(source.dataset, place, source.preprocessing, images)
        runtime = runtimes.find(FOLDERS.get(target, "onnxruntime"))
        return quantization.judge(runtime, source.model, given, source.preprocessing, accept=self.accepts)


def export(
    named: Named,
    weights: Path | None,
    target: str,
    out: Path | None = None,
    *,
    dataset: str = "",
    data_dir: str = "",
    batch: int = 1,
    accept_difference: bool = False,
    quantize: str = "",
    calibration_images: int | None = None,
) -> Exported:
    """Write a trained network in one format, after comparing it with the unfused network.

    Args:
        weights: a safetensors file; not needed for ``json``, which holds no weights.
        target: one of ``TARGETS``.
        out: file or folder to create; by default the network's name with the target's suffix, in the current folder.
        dataset: data set that the network was trained on, for weights files that do not describe their images.
        data_dir: folder of its images, as for :func:`seesaw_nas.data.load`.
        batch: images of a call, for runtimes whose files take calls of one size only.
        accept_difference: whether a network that differs (in int8: loses) more than the limit is written all the same.
        quantize: ``int8`` to quantise the network after training; empty for float32.
        calibration_images: training images to calibrate int8 with; 512 if omitted.

    Raises:
        SeesawError: the target is unknown, its runtime is not installed or cannot hold the network, ``out`` exists, or
            the weights do not fit; then nothing is written.
    """
    if target not in TARGETS:
        raise OptionError(known("target", target, TARGETS))
    path = out or Path(safe_name(named.name) + ENDINGS.get(target, f"-{target}"))
    _check_place(path, target)
    _check_options(target, batch, quantize, calibration_images)
    if target == "json":
        document = specfile.document(named, {**named.result, "export": _provenance(named, weights)})
        _create(path, lambda: create_file(path, encode_json(document)))
        return Exported(target, path, None)
    if weights is None:
        raise source.without_weights(named)
    loaded = source.load(named, weights, dataset=dataset, data_dir=data_dir)
    comparison = _Comparison(data_dir, bool(dataset or data_dir), accept_difference)
    quantized = comparison.quantize(loaded, target, calibration_images or IMAGES) if quantize else None
    made = _make_content(loaded, target, comparison, batch, quantized)
    _check_place(path, target)  # another export may have been faster
    _create(path, lambda: made.write(path))
    return Exported(target, path, made.agreement, made.graph_macs, quantized)


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
    refuse_missing_folder(path)
    ending = ENDINGS.get(target, "")
    if ending and path.suffix != ending:
        raise OptionError(f"--out for {target} ends in {ending}, got {path}")


def _provenance(named: Named, weights: Path | None) -> dict[str, Any]:
    """The conditions of an export and, with weights, their checksum, after checking that they fit the architecture."""
    if weights is None:
        return {"conditions": conditions()}
    source.read(named, weights)
    checksum = hashlib.sha256(weights.read_bytes()).hexdigest()
    return {"conditions": conditions(), "weights": {"file": weights.name, "sha256": checksum}}


def _check_options(target: str, batch: int, quantize: str, calibration_images: int | None) -> None:
    _check_batch(target, batch)
    _check_precision(target, quantize, calibration_images)


def _check_batch(target: str, batch: int) -> None:
    if target in FOLDERS:
        runtimes.find(FOLDERS[target]).check_batch(batch)
    elif batch != 1:
        raise OptionError(f"--batch is for runtimes whose files take calls of one size only; {target} takes any")


def _check_precision(target: str, quantize: str, images: int | None) -> None:
    if quantize not in ("", INT8):
        raise OptionError(f"--quantize takes {INT8}, got {quantize}; leave it out for float32")
    if quantize and target not in QUANTIZED:
        raise OptionError(f"--quantize {INT8} is for --to {', '.join(QUANTIZED)}; {target} is written in float32 only")
    if images is not None and not quantize:
        raise OptionError(f"--calibration-images means nothing without --quantize {INT8}; add it, or leave both out")


@dataclass(frozen=True, slots=True)
class _Made:
    """An export that is not written yet, see :class:`Exported`."""

    write: Callable[[Path], None]
    agreement: Agreement
    graph_macs: int | None


def _make_content(
    source: ExportSource, target: str, comparison: _Comparison, batch: int, quantized: Quantized | None
) -> _Made:
    if target not in FOLDERS:
        kind = program if target == "torch-export" else onnx_file
        content, agreement = _make_file(source, kind, comparison, quantized)
        macs = None if target == "torch-export" else onnx_file.macs_in(content)
        return _Made(lambda path: create_file(path, content), agreement, macs)
    runtime = runtimes.find(FOLDERS[target])
    if target == "folder":
        written = _onnx_content(source, quantized)
        files: Files = {MODEL: written}
        macs = onnx_file.macs_in(written)
    elif quantized:
        files, macs = quantized.files, quantized.graph_macs
    else:
        network = folded.split(source.model, rule.graph(runtime.name))
        files, macs = runtime.convert(network, batch), graph_macs.of_network(network)
    agreement = comparison.check(source, runtime.open(files, threads=1, batch=batch), quantized)
    converted = RuntimeFiles(runtime, files, agreement, macs, batch, target == "folder", quantized)
    return _Made(lambda path: folder.write(path, source, converted), agreement, macs)


def _make_file(
    source: ExportSource, kind: Any, comparison: _Comparison, quantized: Quantized | None
) -> tuple[bytes, Agreement]:
    """A file that holds its own comparison: of the same network, loaded from bytes without it."""
    content = _onnx_content(source, quantized) if quantized else kind.content(source)
    agreement = comparison.check(source, kind.runner(content), quantized)
    about = agreement.to_dict() | ({"int8": quantized.to_dict()} if quantized else {})
    return kind.describe(content, {"agreement": json.dumps(about)}), agreement


def _onnx_content(source: ExportSource, quantized: Quantized | None) -> bytes:
    """The ONNX file, which describes itself."""
    if quantized is None:
        return onnx_file.content(source)
    about = {**source.about, onnx_file.GRAPH_MACS: str(quantized.graph_macs)}
    return onnx_file.describe(quantized.files[MODEL], about)
