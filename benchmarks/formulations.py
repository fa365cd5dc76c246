"""Which formulation computes a folded block fastest, at every width: what the thresholds of deploy/rule.py rest on.

    python benchmarks/formulations.py [--batch 64] [--threads 1] [--rounds 9]

Each row is a residual block with expansion 6, timed as the difference between stacks of four and of one, so that stem
and head cancel. Formulations run in turn, round by round, in one process with one allocator setting.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Flow, Head, Stage, Stem
from seesaw_nas.core.allocator import keep_freed_memory
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.network.folded import FusedNetwork, SplitNetwork
from seesaw_nas.network.folded.folding import fold
from seesaw_nas.network.folded.rule import Formulation
from seesaw_nas.network.models import build

RESULTS = Path(__file__).parent / "results" / "formulations.json"
SHAPES = ((16, 32), (24, 32), (32, 16), (48, 16), (64, 8), (96, 8), (160, 8), (320, 8))  # channels, side
GROUPINGS: tuple[tuple[str, Flow], ...] = (("1:3", "shuffle"), ("1:3", "share"), ("1:1", "shuffle"), ("1:1", "igcv3"))
Run = Callable[[], object]


def stack(channels: int, side: int, partition: str, flow: Flow, blocks: int) -> Architecture:
    block = Block(6, 3, Partition.parse(partition), flow)
    return Architecture(side, 3, 10, Stem(channels, 1), (Stage(channels, 1, (block,) * blocks),), Head(16))


def runners(architecture: Architecture, images: torch.Tensor, threads: int) -> dict[str, Run]:
    folded = fold(build(architecture, seed=0))
    networks = {
        "torch dense": FusedNetwork(folded, lambda of: False),
        "torch tiles": FusedNetwork(folded, lambda of: True),
    }
    runs: dict[str, Run] = {name: lambda n=network: n(images) for name, network in networks.items()}
    even = architecture.placed[0].block.partition.is_even
    formulations: tuple[Formulation, ...] = ("dense", "split", "native") if even else ("dense", "split")
    for formulation in formulations:
        graph = SplitNetwork(folded, lambda block, f=formulation: f).eval()
        runs[f"onnxruntime {formulation}"] = session(graph, images, threads)
    return runs


def session(network: SplitNetwork, images: torch.Tensor, threads: int) -> Run:
    program = torch.onnx.export(network, (images,), dynamo=True, input_names=["images"], verbose=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    made = onnxruntime.InferenceSession(
        program.model_proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    feed = {"images": np.asarray(images)}
    return lambda: made.run(None, feed)


def milliseconds(run: Run) -> float:
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start)


def measure(shape: tuple[int, int], grouping: tuple[str, Flow], options: argparse.Namespace) -> dict[str, Any]:
    channels, side = shape
    images = torch.randn(options.batch, 3, side, side, generator=torch.Generator().manual_seed(0))
    long, short = (stack(channels, side, *grouping, blocks=n) for n in (4, 1))
    four, one = (runners(architecture, images, options.threads) for architecture in (long, short))
    took: dict[str, list[float]] = {name: [] for name in four}
    for name in four:
        four[name](), one[name]()
    for _ in range(options.rounds):
        for name in four:
            took[name].append((milliseconds(four[name]) - milliseconds(one[name])) / 3)
    at = long.placed[0]
    macs = options.batch * cost.block_macs(at.block, at.c_in, at.c_out, at.size_in, at.size_out)
    medians = {name: statistics.median(times) for name, times in took.items()}
    return {
        "channels": channels,
        "side": side,
        "partition": grouping[0],
        "flow": grouping[1],
        "macs": macs,
        "median_ms": medians,
        "min_ms": {name: min(times) for name, times in took.items()},
        "gmacs_per_second": {name: macs / took / 1e6 for name, took in medians.items()},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    kept = keep_freed_memory()
    rows = []
    with torch.no_grad():
        for shape in SHAPES:
            for grouping in GROUPINGS:
                rows.append(measure(shape, grouping, options))
                cells = "  ".join(f"{name} {ms:.2f}" for name, ms in rows[-1]["median_ms"].items())
                print(f"{shape[0]:>4} {shape[1]:>3} {grouping[0]} {grouping[1]:<8} ms a block: {cells}", flush=True)
    setting = {"batch": options.batch, "threads": options.threads, "rounds": options.rounds, "memory_kept": kept}
    setting["cores"] = len(os.sched_getaffinity(0))
    found = {"setting": setting, "conditions": conditions() | {"onnxruntime": onnxruntime.__version__}, "rows": rows}
    write_json(RESULTS, found)


if __name__ == "__main__":
    main()
