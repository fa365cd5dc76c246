"""The exported graph of an architecture, made without weights in milliseconds, for counters of graphs."""

from __future__ import annotations

import math
from typing import Any

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.optional import require
from seesaw_nas.deploy.runtimes import graph_macs
from seesaw_nas.deploy.runtimes.recorded_graph import write_graph
from seesaw_nas.deploy.runtimes.recording import record, without_weights
from seesaw_nas.network.counters import ExportedGraph, Values


def make(architecture: Architecture) -> ExportedGraph:
    """The graph that ``export --to onnx`` writes for this architecture, with random weights, and what is in it.

    Raises:
        OptionError: onnx is not installed.
    """
    content = write_graph(record(without_weights(architecture)))
    with require("onnx"):
        from onnx import load_model_from_string
    model = load_model_from_string(content)
    return ExportedGraph(content, architecture.input, graph_macs.count(model), values_in(model))


def values_in(model: Any) -> Values:
    """Values that the operators of an ``onnx.ModelProto`` handle for one image; batch norm is folded in there."""
    sized = graph_macs.for_one_image(model)
    shapes, nodes = graph_macs.shapes_of(sized), sized.graph.node

    def written(*kinds: str, inputs: int = 0) -> int:
        found = (node for node in nodes if node.op_type in kinds and len(node.input) >= inputs)
        return sum(math.prod(shapes[node.output[0]]) for node in found)

    return Values(
        norm=0,
        norm_params=0,
        activations=written("Clip"),
        pool_in=sum(math.prod(shapes[node.input[0]]) for node in nodes if node.op_type == "AveragePool"),
        pool_out=written("AveragePool"),
        biases=written("Conv", "Gemm", inputs=3),
        sums=written("Add"),
    )
