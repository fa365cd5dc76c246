"""The network as an ONNX file that says of itself what it must be given, and running such a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from seesaw_nas.core.errors import RunError, SeesawError, SpecError
from seesaw_nas.core.optional import require
from seesaw_nas.data.preprocessing import Floats, Preprocessing
from seesaw_nas.deploy.export.agreement import Logits
from seesaw_nas.deploy.export.source import ExportSource
from seesaw_nas.deploy.export.tracing import dynamic_batch, example, quiet
from seesaw_nas.network import folded
from seesaw_nas.network.models import Network

OPSET = 18  # torch 2.13 would take 20: the same graph at the same speed, but older runtimes read 18 only
IMAGES, LOGITS = "images", "logits"
CUDA, PROVIDERS = "CUDAExecutionProvider", ("CPUExecutionProvider",)


def content(source: ExportSource) -> bytes:
    """The ONNX file of the folded network."""
    proto = graph(source.model)
    for key, text in source.about.items():
        proto.metadata_props.add(key=key, value=text)
    written: bytes = proto.SerializeToString(deterministic=True)
    return written


def graph(network: Network) -> Any:
    """The folded network as an ``onnx.ModelProto``: ``images`` (N, C, H, W) to ``logits`` (N, classes), for any N.

    Raises:
        OptionError: onnx or onnxscript is not installed.
    """
    with quiet(), require("onnxscript"):
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
    """Drop what the exporter notes at every operator, which is stack traces with the paths of this machine."""
    for part in (graph, *graph.node, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
    graph.ClearField("value_info")  # shapes in between, which a runtime infers


def open_file(path: Path) -> tuple[Preprocessing, Logits]:
    """An ONNX file that was exported here: what its images must become, and the network on the CPU.

    Raises:
        RunError: it cannot be read, or was not exported here.
        OptionError: ONNX Runtime is not installed.
    """
    try:
        session = _session(path.read_bytes())
    except OSError as error:
        raise RunError(f"cannot read {path}: {error.strerror}") from None
    except SeesawError:
        raise
    except Exception as error:  # ONNX Runtime's failures have a class each, and Exception above them
        raise RunError(f"{path} is no ONNX file that can be run: {error}") from None
    text = session.get_modelmeta().custom_metadata_map.get("preprocessing", "")
    if not text:
        raise RunError(
            f"{path} does not say what its images must become; a file of `seesaw-nas export --to onnx` is wanted"
        )
    try:
        return Preprocessing.from_json(text), _logits(session)
    except SpecError as error:
        raise RunError(f"{path} was not exported by this release of seesaw-nas: {error}") from None


def runner(written: bytes, threads: int = 0, providers: Sequence[Any] = PROVIDERS) -> Logits:
    """The network in the content of an ONNX file.

    Args:
        threads: that compute an operator; 0 for one a core.
        providers: of ONNX Runtime, the best first.
    """
    return _logits(_session(written, threads, providers))


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


def _session(written: bytes, threads: int = 0, providers: Sequence[Any] = PROVIDERS) -> Any:
    runtime = _runtime()
    options = runtime.SessionOptions()
    options.log_severity_level = 4  # its errors come as exceptions too
    options.intra_op_num_threads = threads
    return runtime.InferenceSession(written, options, providers=providers)


def _logits(session: Any) -> Logits:
    def logits(images: Floats) -> Floats:
        logits: Floats = session.run([LOGITS], {IMAGES: images})[0]
        return logits

    return logits
