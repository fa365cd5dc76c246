"""onnx-tool counts the graph that is exported, not the network."""

from __future__ import annotations

import numpy as np

from seesaw_nas.network.counters.counter import Counter, ExportedGraph, Found, Values

PER_CLIP = 2  # comparisons


def _count(graph: ExportedGraph) -> Found:
    import onnx
    import onnx_tool

    model = onnx_tool.Model(onnx.load_model_from_string(graph.content))
    model.graph.graph_reorder_nodes()
    model.graph.shape_infer({"images": np.zeros((1, *graph.shape), np.float32)})
    model.graph.profile()
    return Found(int(sum(model.graph.macs)))


def _beyond(values: Values) -> dict[str, int]:
    return {
        "bias": values.biases,
        "activations": PER_CLIP * values.activations,
        "pooling": values.pool_in,
        "sums": values.sums,
    }


COUNTER = Counter("onnx_tool", "onnx-tool", "1.0.1", _beyond, of_graph=_count, variant="exported graph")
