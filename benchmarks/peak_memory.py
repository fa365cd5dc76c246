"""Peak activation memory and bytes of weights by arithmetic, against the exported graph and ONNX Runtime.

    python benchmarks/peak_memory.py

For each network, float32, one image: the peak by `memory.peak_bytes`; the peak of a walk over the tensors of the
exported ONNX graph, in the graph's order; and what ONNX Runtime's planner reserves for the tensors of a run, with the
scratch buffers that its kernels ask for. Beside them the weights by `cost.weight_bytes` and in the file.
"""

from __future__ import annotations

import argparse
import math
import re
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from seesaw_nas import space
from seesaw_nas.architecture import cost, memory, reference
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.deploy.runtimes import onnx_graph
from seesaw_nas.network.models import build
from seesaw_nas.space import Feasible

RESULTS = Path(__file__).parent / "results"
FLOAT = 4  # bytes
NETWORKS = (  # and the side of its images
    ("seesaw-shuffle-0.5d@cifar10", 32),
    ("seesaw-share-v1-0.5d-t3@cifar10-tiny", 16),
    ("igcv3-0.5d@cifar10", 32),
    ("mobilenetv2@imagenet", 96),
    ("seesaw-shuffle-1.0d@imagenet", 224),
)
SPACES = ("seesaw-digits", "seesaw-cifar-tiny", "seesaw-cifar")
IN_PLACE = ("Clip", "Reshape", "Add")  # may write over an input that nobody reads afterwards, as in ONNX Runtime
RUN = """
import os, sys
import numpy as np
import onnxruntime as ort
ort.set_default_logger_severity(0)
cpu = ort.OrtMemoryInfo("Cpu", ort.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, ort.OrtMemType.DEFAULT)
exact = {"max_mem": 2**36, "arena_extend_strategy": 1, "initial_chunk_size_bytes": 4096}
ort.create_and_register_allocator(cpu, ort.OrtArenaCfg(exact | {"max_dead_bytes_per_chunk": 1024}))
options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.add_session_config_entry("session.use_env_allocators", "1")
session = ort.InferenceSession(sys.argv[1], options, providers=["CPUExecutionProvider"])
images = np.zeros(session.get_inputs()[0].shape, np.float32)
first = ort.RunOptions()
first.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
session.run(None, {"images": images}, first)
os.write(2, b"SECOND RUN\\n")
session.run(None, {"images": images})
"""


def for_one_image(architecture: Architecture) -> Any:
    """The exported graph (``onnx.ModelProto``) for a batch of 1, with the shape of every tensor."""
    network, generator = build(architecture, seed=0).eval(), torch.Generator().manual_seed(0)
    for module in (m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d | torch.nn.Linear)):
        torch.nn.init.normal_(
            module.bias, generator=generator
        )  # the exporter leaves out zeros and shares equal tensors
    model = onnx_graph.graph(network)
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 1
    return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)


def walk(model: Any) -> int:
    """Most values that are alive at once while the operators run in the graph's order, weights excluded.

    An operator's inputs and outputs are alive together, a tensor is freed after its last reader, the graph's output
    never; operators of ``IN_PLACE`` write over an input of the same size that they read last.
    """
    graph = model.graph
    values = (*graph.value_info, *graph.input, *graph.output)
    sizes = {v.name: math.prod(axis.dim_value for axis in v.type.tensor_type.shape.dim) for v in values}
    constants = {tensor.name for tensor in graph.initializer}
    last = {name: i for i, node in enumerate(graph.node) for name in node.input}
    last |= {value.name: len(graph.node) for value in graph.output}
    alive = {value.name for value in graph.input}
    peak = 0
    for i, node in enumerate(graph.node):
        done = {name for name in node.input if name not in constants and last[name] == i}
        if node.op_type in IN_PLACE:
            over = next((name for name in node.input if name in done and sizes[name] == sizes[node.output[0]]), None)
            alive -= {over}
        alive |= set(node.output)
        peak = max(peak, sum(sizes[name] for name in alive))
        alive -= done
    return peak


def stored_bytes(model: Any) -> int:
    """Bytes of the weights and biases in the file, without its constants for operators."""
    held = (tensor for tensor in model.graph.initializer if tensor.name.endswith((".weight", ".bias")))
    return sum(FLOAT * math.prod(tensor.dims) for tensor in held)


def reserved_by_onnxruntime(model: Any) -> tuple[int, int]:
    """Bytes that ONNX Runtime's plan of a run reserves for tensors, and the largest scratch buffer beside it.

    Images and logits belong to the caller and are in neither. The plan is known from the second run on; its one request
    and those of kernels are read from the log of an arena that grows by exactly what is asked for.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.onnx")
        onnx.save(model, path)
        done = subprocess.run([sys.executable, "-c", RUN, path], capture_output=True, text=True, check=True)
    requests = re.findall(r"Extending BFCArena.*num_bytes: (\d+) \(actual\)", done.stderr.partition("SECOND RUN")[2])
    plan, *scratch = map(int, requests)
    return plan, max(scratch, default=0)


def subjects(draws: int) -> list[tuple[str, Architecture]]:
    """The networks by name and, from every space, some drawn evenly in cost."""
    found = [(f"{name}, {size}x{size}", replace(reference.network(name), input_size=size)) for name, size in NETWORKS]
    for name in SPACES:
        feasible, rng = Feasible.of(space.load(name), "100%"), np.random.default_rng(0)
        found += [(f"{name} {i + 1}", feasible.draw_even(rng)) for i in range(draws)]
    return found


def row_of(name: str, architecture: Architecture) -> dict[str, Any]:
    model = for_one_image(architecture)
    plan, scratch = reserved_by_onnxruntime(model)
    return {
        "network": name,
        "digest": architecture.digest,
        "arithmetic_bytes": memory.peak_bytes(architecture, "float32"),
        "graph_bytes": FLOAT * walk(model),
        "onnxruntime_plan_bytes": plan,
        "onnxruntime_scratch_bytes": scratch,
        "weight_bytes": cost.weight_bytes(architecture, "float32"),
        "stored_weight_bytes": stored_bytes(model),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=3, help="networks of every space")
    parser.add_argument("--out", type=Path, default=RESULTS / "peak-memory.json")
    options = parser.parse_args()
    made_on, rows = conditions("cpu", "onnx", "onnxruntime", "onnxscript"), []
    for name, architecture in subjects(options.draws):
        row = row_of(name, architecture)
        rows.append(row)
        print(
            f"{name:<44} {row['arithmetic_bytes']:>10,} bytes; graph {row['graph_bytes']:>10,}; ONNX Runtime "
            f"{row['onnxruntime_plan_bytes']:>10,} + {row['onnxruntime_scratch_bytes']:,}; weights "
            f"{row['weight_bytes']:,}, stored {row['stored_weight_bytes']:,}",
            flush=True,
        )
    write_json(options.out, {"conditions": made_on, "rows": rows})


if __name__ == "__main__":
    main()
