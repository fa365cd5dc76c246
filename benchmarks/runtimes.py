"""What our form of the graph gains in each runtime, and what uneven groups cost for a Multi-Add.

    OMP_NUM_THREADS=1 python benchmarks/runtimes.py [--runtimes onnxruntime,openvino] [--batch 1,8] [--rounds 30]

Two questions, each answered in every runtime that is installed, on one thread:

- the same network in the form that `export` writes, over the literal graph: slices, concatenation, permutation, and
  batch norm, of which exporters fold what stands behind a single convolution;
- the time for a Multi-Add of the network's, 1:3 with a permutation over IGCV3, over 1:1 groups of the same widths with
  a permutation, and over a dense network of equal Multi-Adds: narrower expansion, inner widths in multiples of 16.

In a round each network runs in turn for three calls, after one that is not timed; a round's figure is their median, in
seconds of the process. Ratios are of medians over rounds; 95% intervals are from resampled rounds, paired. Each is held
against torch in float32 first, and that stands beside its figure. Times depend on no weight, so weights are random.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from runtime_forms import convert, random_network

from seesaw_nas.architecture import cost, reference
from seesaw_nas.architecture.partition import DENSE, Partition
from seesaw_nas.architecture.spec import Architecture, Stage
from seesaw_nas.core.allocator import keep_freed_memory
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.deploy import runtimes

RESULTS = Path(__file__).parent / "results" / "runtimes.json"
CALLS, IMAGES, RESAMPLED = 3, 64, 2_000
BLOCKED = 16  # channels of a block in runtimes that store channels so; narrower widths compute empty ones
UNEVEN, LITERAL = "uneven", "uneven, literal"
Call = Callable[[], Any]


def with_groups(architecture: Architecture, partition: Partition, flow: str) -> Architecture:
    """The same widths with other groups in every block that has groups."""
    stages = [
        Stage(stage.channels, stage.stride, tuple(replace(b, partition=partition, flow=flow) for b in stage.blocks))
        for stage in architecture.stages
    ]
    return replace(architecture, stages=tuple(stages))


def dense_of(macs: int, like: Architecture) -> Architecture:
    """A dense network of about these Multi-Adds: expansions of ``like`` narrowed block by block, in multiples of 16.

    The widest expansions are narrowed first, so that all end up alike; the widths between blocks stay.
    """
    found = with_groups(like, DENSE, "none")
    while True:
        widest = max(placed.block.expansion for placed in found.placed)
        candidates = [at for at, placed in enumerate(found.placed) if placed.block.expansion == widest]
        narrower = [one for at in candidates if (one := _narrowed(found, at)) is not None]
        closest = min(narrower, key=lambda one: abs(cost.macs(one) - macs), default=found)
        if abs(cost.macs(closest) - macs) >= abs(cost.macs(found) - macs):
            return found
        found = closest


def _narrowed(architecture: Architecture, at: int) -> Architecture | None:
    placed = architecture.placed[at]
    options = [t for t in range(1, placed.block.expansion) if t * placed.c_in % BLOCKED == 0]
    if not options:
        return None
    stages = list(architecture.stages)
    blocks = list(stages[placed.stage].blocks)
    blocks[placed.index] = replace(placed.block, expansion=max(options))
    stages[placed.stage] = replace(stages[placed.stage], blocks=tuple(blocks))
    return replace(architecture, stages=tuple(stages))


def networks() -> dict[str, Architecture]:
    uneven = reference.network("seesaw-shuffle-0.5d@cifar10")
    return {
        UNEVEN: uneven,
        "igcv3": reference.network("igcv3-0.5d@cifar10"),
        "even": with_groups(uneven, Partition((1, 1)), "shuffle"),
        "dense": dense_of(cost.macs(uneven), uneven),
    }


def prepare(runtime: Any, name: str, architecture: Architecture, batch: int) -> tuple[Call, dict[str, Any]]:
    """A call of a network, and how far it is from torch on images of noise."""
    network = random_network(architecture, 0, None)
    images = np.random.default_rng(0).standard_normal((IMAGES, *architecture.input), np.float32)
    with torch.inference_mode():
        wanted = network(torch.from_numpy(images)).numpy()
    files = convert(runtime, network, "literal" if name == LITERAL else "rule", batch)
    logits = runtime.open(files, 1, batch)
    came = np.concatenate([logits(images[i : i + batch]) for i in range(0, IMAGES, batch)])
    agreement = {
        "difference": float(np.abs(came - wanted).max() / np.abs(wanted).max()),
        "top1_agreement": float((came.argmax(1) == wanted.argmax(1)).mean()),
        "images": IMAGES,
    }
    first = np.ascontiguousarray(images[:batch])
    return lambda: logits(first), agreement


def measure(calls: dict[str, Call], rounds: int) -> dict[str, np.ndarray]:
    """Seconds of a call, by network and round."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            call()
            taken = []
            for _ in range(CALLS):
                begun = time.process_time()
                call()
                taken.append(time.process_time() - begun)
            times[name].append(statistics.median(taken))
    return {name: np.array(taken) for name, taken in times.items()}


def ratio(times: dict[str, np.ndarray], over: str, under: str, scale: float) -> dict[str, Any]:
    """The ratio of the medians of two networks over rounds, times ``scale``, with its 95% interval."""
    a, b = times[over], times[under]
    drawn = np.random.default_rng(0).integers(0, len(a), (RESAMPLED, len(a)))
    resampled = scale * np.median(a[drawn], axis=1) / np.median(b[drawn], axis=1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    return {"ratio": scale * float(np.median(a) / np.median(b)), "low": float(low), "high": float(high)}


def rows_of(name: str, batch: int, rounds: int) -> list[dict[str, Any]]:
    runtime, built = runtimes.find(name), networks()
    calls, agreements = {}, {}
    for network, architecture in {**built, LITERAL: built[UNEVEN]}.items():
        try:
            calls[network], agreements[network] = prepare(runtime, network, architecture, batch)
        except Exception as error:
            print(f"{name} {network} batch {batch}: {str(error)[:300]}", flush=True)
    times, rows = measure(calls, rounds), []
    for network in calls:
        median, macs = float(np.median(times[network])), cost.macs(built.get(network, built[UNEVEN]))
        row = {"runtime": name, "batch": batch, "network": network, "macs": macs, "rounds": rounds}
        row |= {"median_ms": 1000 * median, "picoseconds_per_multi_add": 1e12 * median / macs / batch}
        if network == LITERAL:
            row["literal_over_ours"] = ratio(times, network, UNEVEN, 1.0)
        elif network != UNEVEN and UNEVEN in times:
            row["uneven_over_it"] = ratio(times, UNEVEN, network, macs / cost.macs(built[UNEVEN]))
        rows.append(row | agreements[network])
        print({k: round(v, 7) if isinstance(v, float) else v for k, v in rows[-1].items()}, flush=True)
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    """The results as Markdown: a line for each runtime and batch size, ratios with their intervals."""
    heads = {"runtime": "", "batch": "", LITERAL: "literal over ours"}
    heads |= {name: f"uneven over {name}" for name in ("even", "igcv3", "dense")}
    lines = [f"| {' | '.join(text or key for key, text in heads.items())} |", "|" + "---|" * len(heads)]
    for name, batch in dict.fromkeys((row["runtime"], row["batch"]) for row in rows):
        found = {row["network"]: row for row in rows if (row["runtime"], row["batch"]) == (name, batch)}
        cells = [name, str(batch)]
        for network in list(heads)[2:]:
            row = found.get(network, {})
            told = row.get("literal_over_ours") or row.get("uneven_over_it")
            cells.append(f"{told['ratio']:.2f} ({told['low']:.2f} to {told['high']:.2f})" if told else "-")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runtimes", default=",".join(runtimes.RUNTIMES))
    parser.add_argument("--batch", default="1,8")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    names, rows = options.runtimes.split(","), []
    versions = {k: v for name in names for k, v in runtimes.find(name).versions.items()}
    about = conditions("CPU") | versions | {"threads": "1", "timing": "seconds of the process, networks in turn"}
    for name in names:
        for batch in map(int, options.batch.split(",")):
            rows += rows_of(name, batch, options.rounds)
            write_json(options.out, {"conditions": about, "rows": rows})
    print(table(rows))


if __name__ == "__main__":
    main()
