"""Which form of the graph each runtime executes fastest: what the rule of forms in network/folded/rule.py rests on.

    python benchmarks/runtime_forms.py [SPEC ...] [--runtimes onnxruntime,openvino] [--forms rule,literal] [--batch 1,8]

Forms: *rule*, as `export` writes it; *split*, groups as tensors of their own wherever there are several, *split24* from
24 channels of the smallest one up; *dense*, zeros computed; *native*, grouped convolutions where groups are even and
dense elsewhere; *literal*, the network as the paper defines it: slices, concatenation, permutation, batch norm. All run
in turn in one process on one thread, in seconds of the process; each is held against torch in float32 first. What was
measured is added to the file of results.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seesaw_nas.architecture import specfile
from seesaw_nas.core.allocator import keep_freed_memory
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.deploy import runtimes
from seesaw_nas.deploy.latency.measuring import _network as random_network
from seesaw_nas.deploy.runtimes import mnn, ncnn, onnx_graph, openvino
from seesaw_nas.network.folded import SplitNetwork, rule
from seesaw_nas.network.folded.folding import FoldedBlock, fold
from seesaw_nas.network.folded.rule import Formulation
from seesaw_nas.network.models import Network

RESULTS = Path(__file__).parent / "results" / "runtime-forms.json"
SPECS = ("seesaw-shuffle-0.5d@cifar10", "igcv3-0.5d@cifar10")
FORMS = ("rule", "split", "split24", "dense", "native", "literal")
CALLS = 3


def form(name: str, runtime: str) -> Callable[[FoldedBlock], Formulation]:
    def choose(block: FoldedBlock) -> Formulation:
        partition, least = block.placed.block.partition, min(piece.stop - piece.start for piece in block.pieces)
        if name.startswith("split") and len(block.pieces) > 1 and least >= int(name.removeprefix("split") or 1):
            return "split"
        return "native" if name == "native" and partition.is_even and not partition.is_dense else "dense"

    return rule.graph(runtime) if name == "rule" else choose


def convert(runtime: Any, network: Network, name: str, batch: int) -> Any:
    """The files of one form; the literal network by way of torch's ONNX exporter where the runtime reads ONNX."""
    if name != "literal":
        return runtime.convert(SplitNetwork(fold(network), form(name, runtime.name)).eval(), batch)
    if runtime.fixed_batch:
        return runtime.convert(network, batch)
    graph = onnx_graph.export_graph(network).SerializeToString()
    readers = {
        "onnxruntime": lambda: {"model.onnx": graph},
        "openvino": lambda: openvino.from_onnx(graph),
        "ncnn": lambda: ncnn.from_onnx(graph, network.architecture.input),
        "mnn": lambda: mnn.from_onnx(graph),
    }
    return readers[runtime.name]()


def prepare(spec: str, names: list[str], forms: list[str], batch: int) -> dict[tuple[str, str], tuple[Any, float]]:
    """The calls of all forms in all runtimes, each with its largest relative difference from torch."""
    network = random_network(specfile.resolve(spec).architecture, 0, None)
    images = np.random.default_rng(0).standard_normal((batch, *network.architecture.input), np.float32)
    with torch.inference_mode():
        wanted = network(torch.from_numpy(images)).numpy()
    calls = {}
    for name in names:
        runtime = runtimes.find(name)
        for one in forms:
            try:
                logits = runtime.open(convert(runtime, network, one, batch), 1, batch)
                difference = float(np.abs(logits(images) - wanted).max() / np.abs(wanted).max())
            except Exception as error:
                print(f"{spec} {name} {one} batch {batch}: {str(error)[:300]}", flush=True)
                continue
            calls[name, one] = (lambda logits=logits: logits(images)), difference
            print(f"{spec} {name} {one} batch {batch}: off by {difference:.1e}", flush=True)
    return calls


def measure(calls: dict[tuple[str, str], tuple[Any, float]], seconds: float) -> dict[tuple[str, str], list[float]]:
    times: dict[tuple[str, str], list[float]] = {key: [] for key in calls}
    end = time.process_time() + seconds * len(calls)
    while time.process_time() < end or min(map(len, times.values())) < 5 * CALLS:
        for key, (call, _) in calls.items():
            call()
            for _ in range(CALLS):
                begun = time.process_time()
                call()
                times[key].append(time.process_time() - begun)
    return times


def rows(spec: str, batch: int, calls: Any, times: Any) -> list[dict[str, Any]]:
    found = []
    for (runtime, one), seconds in times.items():
        lower, median, upper = (1000 * cut for cut in statistics.quantiles(seconds, n=4))
        rule_median = 1000 * statistics.median(times.get((runtime, "rule"), seconds))
        found.append(
            {
                "spec": spec, "batch": batch, "runtime": runtime, "form": one, "median_ms": median, "lower_ms": lower,
                "upper_ms": upper, "calls": len(seconds), "over_rule": median / rule_median,
                "difference": calls[runtime, one][1],
            }
        )  # fmt: skip
        print(
            f"{spec} {batch} {runtime:12} {one:8} {median:8.3f} ms, {median / rule_median:.3f} of the rule's",
            flush=True,
        )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("specs", nargs="*", default=SPECS)
    parser.add_argument("--runtimes", default=",".join(runtimes.RUNTIMES))
    parser.add_argument("--forms", default=",".join(FORMS))
    parser.add_argument("--batch", default="1,8")
    parser.add_argument("--seconds", type=float, default=1.0, help="of the process, for each form")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    found, names = [], options.runtimes.split(",")
    for spec in options.specs:
        for batch in map(int, options.batch.split(",")):
            calls = prepare(spec, names, options.forms.split(","), batch)
            found += rows(spec, batch, calls, measure(calls, options.seconds))
    versions = {k: v for name in names for k, v in runtimes.find(name).versions.items()}
    about = conditions("CPU") | versions | {"threads": "1", "timing": "seconds of the process, forms in turn"}
    before = json.loads(options.out.read_text())["measurements"] if options.out.is_file() else []
    write_json(options.out, {"measurements": [*before, {"conditions": about, "rows": found}]})


if __name__ == "__main__":
    main()
