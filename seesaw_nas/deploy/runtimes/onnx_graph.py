"""The folded network as an ONNX graph, by torch's exporter.

:mod:`seesaw_nas.deploy.runtimes.recorded_graph` writes the same operators in milliseconds; this one is what ``export``
hands out for ONNX Runtime, with the names of the weights.
"""

from __future__ import annotations

from typing import Any

import torch

from seesaw_nas.core.optional import require
from seesaw_nas.deploy.runtimes.tracing import dynamic_batch, example, hide_warnings
from seesaw_nas.network import folded
from seesaw_nas.network.folded import SplitNetwork
from seesaw_nas.network.models import Network

OPSET = 18  # torch 2.13 uses 20 by default, which gives the same graph and speed; older runtimes only read 18
IMAGES, LOGITS = "images", "logits"


def graph(network: Network) -> Any:
    """The folded network as an ``onnx.ModelProto``: ``images`` (N, C, H, W) to ``logits`` (N, classes), for any N.

    Raises:
        OptionError: onnx or onnxscript is not installed.
    """
    return export_graph(folded.split(network))


def export_graph(network: Network | SplitNetwork) -> Any:
    """As :func:`graph`, of a network as it is."""
    with hide_warnings(), require("onnxscript"):
        program = torch.onnx.export(
            network,
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
