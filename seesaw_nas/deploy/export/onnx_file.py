"""Writes a network as an ONNX file that describes its own preprocessing, and runs such files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from seesaw_nas.core.documents import DocumentError, read_bytes
from seesaw_nas.core.errors import RunError, SeesawError, SpecError
from seesaw_nas.core.optional import require
from seesaw_nas.data.preprocessing import Floats, Preprocessing
from seesaw_nas.deploy.export import graph_macs
from seesaw_nas.deploy.export.agreement import Logits
from seesaw_nas.deploy.export.source import ExportSource
from seesaw_nas.deploy.export.tracing import dynamic_batch, example, hide_warnings
from seesaw_nas.network import folded
from seesaw_nas.network.models import Network

LARGEST = 2**31  # bytes of a file, the most that its format allows
OPSET = 18  # torch 2.13 uses 20 by default, which gives the same graph and speed; older runtimes only read 18
IMAGES, LOGITS = "images", "logits"
GRAPH_MACS = "graph_macs"  # in the metadata: what the graph computes, where `macs` is what the network does
CUDA, PROVIDERS = "CUDAExecutionProvider", ("CPUExecutionProvider",)


def content(source: ExportSource) -> bytes:
    """The ONNX file of the folded network."""
    proto = graph(source.model)
    for key, text in {**source.about, GRAPH_MACS: str(graph_macs.count(proto))}.items():
        proto.metadata_props.add(key=key, value=text)
    written: bytes = proto.SerializeToString(deterministic=True)
    return written


def macs_in(content: bytes) -> int:
    """The graph's own Multi-Adds, which :func:`content` wrote into its metadata."""
    with require("onnx"):
        from onnx import load_model_from_string
    return next(int(entry.value) for entry in load_model_from_string(content).metadata_props if entry.key == GRAPH_MACS)


def graph(network: Network) -> Any:
    """The folded network as an ``onnx.ModelProto``: ``images`` (N, C, H, W) to ``logits`` (N, classes), for any N.

    Raises:
        OptionError: onnx or onnxscript is not installed.
    """
    with hide_warnings(), require("onnxscript"):
        program = torch.onnx.export(
            folded.split(network),
            example(network.architecture),
            dynamo=True,
            input_names=[IMAGES],
            output_names=[LOGITS],
            dynamic_shapes=dynamic_batch(),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None, "dynamo=True returns a program"
    proto: Any = program.model_proto
    _forget_origins(proto.graph)
    return proto


def _forget_origins(graph: Any) -> None:
    """Remove the exporter's notes on every operator: stack traces with the paths of this machine."""
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
    graph.ClearField("value_info")  # intermediate shapes, which a runtime infers


def open_file(path: Path) -> tuple[Preprocessing, Logits]:
    """Open an ONNX file of ``seesaw-nas export``: its preprocessing, and the network on the CPU.

    Raises:
        RunError: the file cannot be read, or was not exported by this package.
        OptionError: ONNX Runtime is not installed.
    """
    try:
        content = read_bytes(path, LARGEST)
    except DocumentError as error:
        raise RunError(error.about(path, "the network")) from None
    try:
        session = _session(content)
        text = session.get_modelmeta().custom_metadata_map.get("preprocessing", "")
    except SeesawError:
        raise
    except Exception as error:  # ONNX Runtime's exceptions have no common base but Exception
        raise RunError(f"{path} is not an ONNX file that can be run: {_quote(error)}") from None
    if not text:
        raise RunError(f"{path} does not describe its preprocessing; a file of `seesaw-nas export --to onnx` is wanted")
    try:
        return Preprocessing.from_json(text), _guarded(_logits(session), path)
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


def runner(model: bytes, threads: int = 0, providers: Sequence[Any] = PROVIDERS) -> Logits:
    """The network in the content of an ONNX file.

    Args:
        threads: threads per operator; 0 for one per core.
        providers: execution providers of ONNX Runtime, the preferred one first.
    """
    return _logits(_session(model, threads, providers))


def has_cuda() -> bool:
    """Whether this ONNX Runtime was built for CUDA."""
    return CUDA in _runtime().get_available_providers()


def _runtime() -> Any:
    """ONNX Runtime.

    Raises:
        OptionError: it is not installed.
    """
    with require("onnxruntime"):
        import onnxruntime

        return onnxruntime


def _session(model: bytes, threads: int = 0, providers: Sequence[Any] = PROVIDERS) -> Any:
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # silent: its errors are raised as exceptions as well
    options.intra_op_num_threads = threads
    return runtime.InferenceSession(model, options, providers=providers)


def _logits(session: Any) -> Logits:
    def logits(images: Floats) -> Floats:
        logits: Floats = session.run([LOGITS], {IMAGES: images})[0]
        return logits

    return logits
