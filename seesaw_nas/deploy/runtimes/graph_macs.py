"""Multi-Adds that an ONNX graph computes, by arithmetic on its operators.

They may exceed those of the network, :func:`seesaw_nas.architecture.cost.macs`: a block with narrow groups is stored as
dense convolutions, because that is faster, and a runtime multiplies its zeros like weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from seesaw_nas.core.optional import require
from seesaw_nas.deploy.runtimes.recorded_graph import write_graph
from seesaw_nas.deploy.runtimes.recording import record
from seesaw_nas.network.folded import SplitNetwork

Shape = tuple[int, ...]


def count(model: Any) -> int:
    """Multiply-adds of the convolutions and linear layers of an ``onnx.ModelProto``, for one image; no bias.

    Args:
        model: a graph of one input with the images on its first axis, whose other sizes are known; it is not changed.

    Raises:
        OptionError: onnx is not installed.
    """
    sized = for_one_image(model)
    shapes = shapes_of(sized)
    return sum(macs for _, macs in layers(sized, shapes))


def of_network(network: SplitNetwork) -> int:
    """As :func:`count`, of the graph that a network is written as."""
    with require("onnx"):
        from onnx import load_model_from_string
    return count(load_model_from_string(write_graph(record(network))))


def layers(model: Any, shapes: Mapping[str, Shape]) -> Iterator[tuple[str, int]]:
    """Name of the result and multiply-adds of every ``Conv`` and ``Gemm``, in the order of the graph."""
    for node in model.graph.node:
        if node.op_type in ("Conv", "Gemm"):
            weight, (written, *_) = shapes[node.input[1]], node.output
            # (C_out, C_in / groups, k, k), or (C_out, C_in): each value written takes one row of the weight
            transposed = node.op_type == "Conv" or any(a.name == "transB" and a.i for a in node.attribute)
            row = weight[1:] if transposed else weight[:1]
            yield written, math.prod(shapes[written]) * math.prod(row)


def for_one_image(model: Any) -> Any:
    """A copy of the graph for a batch of 1, in which every value has its shape."""
    with require("onnx"):
        from onnx import ModelProto, shape_inference
    sized = ModelProto()
    sized.CopyFrom(model)
    for value in (*sized.graph.input, *sized.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    return shape_inference.infer_shapes(sized, strict_mode=True, data_prop=True)


def shapes_of(model: Any) -> dict[str, Shape]:
    """Shapes of all values and weights of a graph of :func:`for_one_image`, by name."""
    graph = model.graph
    values = (*graph.value_info, *graph.input, *graph.output)
    shapes = {v.name: tuple(axis.dim_value for axis in v.type.tensor_type.shape.dim) for v in values}
    return shapes | {tensor.name: tuple(tensor.dims) for tensor in graph.initializer}
