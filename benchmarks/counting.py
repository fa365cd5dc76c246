"""How fast Multi-Adds are counted: one architecture and a million, beside fvcore, thop and torch's counter.

    OMP_NUM_THREADS=1 python benchmarks/counting.py [--network seesaw-shuffle-0.5d@cifar10] [--repeats 9]

The peers count a network that is built already; building it is not timed. We count an architecture that exists already,
thousands of them one after another, each a value of its own that was never counted before: some are all the same
network, the others all different. A batch is counted from its rows. All take turns in one process, on one thread.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import thop
import torch
from fvcore.nn import FlopCountAnalysis
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.reference import network
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.network.models import build
from seesaw_nas.space import Codebook, load

RESULTS = Path(__file__).parent / "results" / "counting.json"
SPACE = "seesaw-cifar"
BATCH = 1_000_000
FRESH = 2_000  # architectures counted one by one


def by_fvcore(model: nn.Module, image: Tensor) -> dict[str, int]:
    analysis = FlopCountAnalysis(model, (image,)).unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    found = analysis.by_operator()
    return {"fvcore, conv and linear": int(found["conv"] + found["linear"]), "fvcore": int(sum(found.values()))}


def by_thop(model: nn.Module, image: Tensor) -> dict[str, int]:
    return {"thop": int(thop.profile(model, (image,), verbose=False)[0])}


def by_torch(model: nn.Module, image: Tensor) -> dict[str, int]:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(image)
    return {"FlopCounterMode, halved": counter.get_total_flops() // 2}


PEERS: dict[str, Callable[[nn.Module, Tensor], dict[str, int]]] = {
    "fvcore": by_fvcore,
    "thop": by_thop,
    "FlopCounterMode": by_torch,
}


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def count_each(architectures: list[Architecture]) -> None:
    for architecture in architectures:
        cost.macs(architecture)


def measure(architecture: Architecture, book: Codebook, repeats: int) -> tuple[dict[str, list[float]], dict[str, int]]:
    """Seconds for one architecture, by way of counting it, and what each counter finds in the network."""
    rng = np.random.default_rng(0)
    image = torch.zeros(1, *architecture.input)
    took: dict[str, list[float]] = {}
    figures = {"seesaw-nas": cost.macs(architecture)}
    for _ in range(repeats):
        for name, count in PEERS.items():
            model = build(architecture, seed=0).eval()  # a new one each time: thop leaves its buffers behind
            took.setdefault(name, []).append(seconds(lambda c=count, m=model: figures.update(c(m, image))))
        equal = [replace(architecture) for _ in range(FRESH)]
        took.setdefault("one, the same network", []).append(seconds(lambda e=equal: count_each(e)) / FRESH)
        different = [book.decode(row) for row in book.draw(FRESH, rng)]
        took.setdefault("one, all different", []).append(seconds(lambda d=different: count_each(d)) / FRESH)
        rows = book.draw(BATCH, rng)
        took.setdefault("batch, Multi-Adds", []).append(seconds(lambda r=rows: book.macs(r)) / BATCH)
        took.setdefault("batch, Params", []).append(seconds(lambda r=rows: book.params(r)) / BATCH)
        took.setdefault("batch, drawing the rows", []).append(seconds(lambda: book.draw(BATCH, rng)) / BATCH)
    return took, figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="seesaw-shuffle-0.5d@cifar10")
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")  # the peers' deprecations
    book = Codebook(load(SPACE))
    measure(network(options.network), book, repeats=1)  # imports, caches and tables
    wall, processor = time.perf_counter(), time.process_time()
    took, figures = measure(network(options.network), book, options.repeats)
    share = (time.process_time() - processor) / (time.perf_counter() - wall)  # below 1 others had the processor too
    spread = {name: {"median": statistics.median(t), "min": min(t), "max": max(t)} for name, t in took.items()}
    fvcore = spread["fvcore"]["median"]
    result = {
        "network": options.network, "space": SPACE, "repeats": options.repeats, "one_by_one": FRESH, "batch": BATCH,
        "threads": 1, "processor_share": round(share, 3),
        "conditions": conditions() | {peer: metadata.version(peer) for peer in ("fvcore", "thop")},
        "figures": figures, "seconds_each": spread,
        "fvcore_over": {name: round(fvcore / figure["median"], 1) for name, figure in spread.items()},
        "batch_each_second": round(1 / spread["batch, Multi-Adds"]["median"]),
    }  # fmt: skip
    for name, figure in spread.items():
        each = ", ".join(f"{which} {1e6 * value:,.3f}" for which, value in figure.items())
        print(f"{name:<24} {each} us, fvcore takes {fvcore / figure['median']:,.0f} times as long")
    for name, macs in figures.items():
        print(f"{name:<24} {macs:,}")
    print(f"share of the processor: {share:.3f}")
    RESULTS.parent.mkdir(exist_ok=True)
    write_json(RESULTS, result)


if __name__ == "__main__":
    main()
