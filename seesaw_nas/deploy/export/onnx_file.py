"""Writes a network as an ONNX file that describes its own preprocessing, and opens such files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seesaw_nas.core.documents import DocumentError, read_bytes
from seesaw_nas.core.errors import RunError, SeesawError, SpecError
from seesaw_nas.core.optional import require
from seesaw_nas.data.preprocessing import Floats, Preprocessing
from seesaw_nas.deploy.export.source import ExportSource
from seesaw_nas.deploy.runtimes import graph_macs
from seesaw_nas.deploy.runtimes.base import Logits
from seesaw_nas.deploy.runtimes.onnx_graph import graph
from seesaw_nas.deploy.runtimes.onnxruntime import open_session, run, runner

__all__ = ["content", "describe", "macs_in", "open_file", "runner"]

LARGEST = 2**31  # bytes of a file, the most that its format allows
GRAPH_MACS = "graph_macs"  # in the metadata: what the graph computes, where `macs` is what the network does


def content(source: ExportSource) -> bytes:
    """The ONNX file of the folded network."""
    proto = graph(source.model)
    return _with_metadata(proto, {**source.about, GRAPH_MACS: str(graph_macs.count(proto))})


def describe(content: bytes, about: Mapping[str, str]) -> bytes:
    """The same ONNX file with more metadata."""
    with require("onnx"):
        import onnx
    return _with_metadata(onnx.load_model_from_string(content), about)


def _with_metadata(proto: Any, about: Mapping[str, str]) -> bytes:
    for key, text in about.items():
        proto.metadata_props.add(key=key, value=text)
    written: bytes = proto.SerializeToString(deterministic=True)
    return written


def macs_in(content: bytes) -> int:
    """The graph's own Multi-Adds, which :func:`content` wrote into its metadata."""
    with require("onnx"):
        from onnx import load_model_from_string
    return next(int(entry.value) for entry in load_model_from_string(content).metadata_props if entry.key == GRAPH_MACS)


def open_file(path: Path, threads: int = 0) -> tuple[Preprocessing, Logits]:
    """Open an ONNX file of ``seesaw-nas export``: its preprocessing, and the network on the CPU.

    Args:
        threads: threads per operator; 0 for one per core.

    Raises:
        RunError: the file cannot be read, or was not exported by this package.
        OptionError: ONNX Runtime is not installed.
    """
    try:
        content = read_bytes(path, LARGEST)
    except DocumentError as error:
        raise RunError(error.about(path, "the network")) from None
    try:
        session = open_session(content, threads)
        text = session.get_modelmeta().custom_metadata_map.get("preprocessing", "")
    except SeesawError:
        raise
    except Exception as error:  # ONNX Runtime's exceptions have no common base but Exception
        raise RunError(f"{path} is not an ONNX file that can be run: {_quote(error)}") from None
    if not text:
        raise RunError(f"{path} does not describe its preprocessing; a file of `seesaw-nas export --to onnx` is wanted")
    try:
        return Preprocessing.from_json(text), _guarded(run(session), path)
    except SpecError as error:
        raise RunError(f"{path} was not exported by this release of seesaw-nas: {error}") from None


def _guarded(logits: Logits, path: Path) -> Logits:
    """The same function; what ONNX Runtime refuses when it runs is told as a fault of the file."""

    def guarded(images: Floats) -> Floats:
        try:
            return logits(images)
        except Exception as error:
            raise RunError(f"{path} cannot be run: {_quote(error)}; export it again") from None

    return guarded


def _quote(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
