"""Deployed networks against the paper's definition written down plainly, and against IGCV3 and MobileNetV2.

    python benchmarks/deployed.py --threads 1
    python benchmarks/deployed.py --threads 2

Plain is the network as it is trained, in eval mode: slices, one convolution a group, concatenation, permutation, NCHW.
All forms of a network have the same weights and take turns, round by round, in one process that keeps freed memory;
networks follow one another. Two rates of the machine's matrix products stand beside: of large squares, and of the
network's own pointwise products, group by group, each at its own size, without depthwise convolutions or anything else.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import torch

from seesaw_nas.architecture import cost, specfile
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.files import write_json
from seesaw_nas.deploy import latency
from seesaw_nas.deploy.latency import LatencySettings, NetworkLatencies
from seesaw_nas.deploy.latency.measuring import conditions

RESULTS = Path(__file__).parent / "results"
NETWORKS = (
    "seesaw-shuffle-0.5d@cifar10",
    "seesaw-share-v1-0.5d@cifar10",
    "igcv3-0.5d@cifar10",
    "mobilenetv2@cifar10",
    "seesaw-shuffle-1.0d@imagenet",
    "igcv3-1.0d@imagenet",
    "mobilenetv2@imagenet",
)
SQUARE, REPEATS = 2048, 7


def seconds(rows: int, inner: int, columns: int) -> float:
    """Of one float32 product (rows, inner) by (inner, columns), the median of several."""
    left, right, out = torch.randn(rows, inner), torch.randn(inner, columns), torch.empty(rows, columns)
    taken = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        torch.mm(left, right, out=out)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken[1:])


def square_rate() -> float:
    """GMAC/s of products of large squares, the most that the machine gives at this moment."""
    return SQUARE**3 / seconds(SQUARE, SQUARE, SQUARE) / 1e9


def own_rate(architecture: Architecture, batch: int) -> float:
    """GMAC/s of the network's pointwise products and its head, each group at its own size."""
    macs = taken = 0.0
    for layer in cost.layers(architecture):
        if layer.kind == "pointwise" or layer.name == "head":
            rows = batch * layer.size_out**2
            groups = zip(layer.partition.sizes(layer.c_in), layer.partition.sizes(layer.c_out), strict=True)
            taken += sum(seconds(rows, inputs, outputs) for inputs, outputs in groups)
            macs += batch * layer.macs
    return macs / taken / 1e9


def rows_of(measured: NetworkLatencies, square: float, own: dict[int, float]) -> list[dict[str, object]]:
    rows = []
    for found in measured.latencies:
        rate = measured.gmacs_per_second(found)
        rows.append(
            {
                "network": measured.named.name,
                "macs": measured.macs,
                "backend": found.backend,
                "batch": found.batch,
                "threads": found.threads,
                "images_per_second": found.images_per_second,
                "median_ms": found.median_ms,
                "quartiles_ms": [found.lower_ms, found.upper_ms],
                "calls": found.calls,
                "minor_faults": found.minor_faults,
                "difference": found.difference,
                "times_plain": measured.speedup(found),
                "gmacs_per_second": rate,
                "square_gmacs_per_second": square,
                "own_gmacs_per_second": own[found.batch],
                "of_square_products": rate and rate / square,
                "of_own_products": rate and rate / own[found.batch],
                "picoseconds_per_multi_add": rate and 1000 / rate,
                "reason": found.reason,
            }
        )
    return rows


def show(row: dict[str, object]) -> None:
    if row["reason"]:
        print(f"{row['network']:<30} {row['backend']:<12} {row['batch']:>3}  {row['reason']}", flush=True)
        return
    print(
        f"{row['network']:<30} {row['backend']:<12} {row['batch']:>3} {row['images_per_second']:>8.1f} images/s "
        f"{row['times_plain']:>5.2f} times plain  {row['gmacs_per_second']:>6.1f} GMAC/s, "
        f"{row['of_square_products']:.0%} of square products, {row['of_own_products']:.0%} of its own, "
        f"{row['minor_faults']:.0f} faults a call",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    settings = LatencySettings(
        batches=tuple(options.batches), threads=(options.threads,), device="cpu", seconds=options.seconds
    )
    made_on = conditions(settings)
    rows: list[dict[str, object]] = []
    for name in options.networks:
        named = specfile.resolve(name)
        own = {batch: own_rate(named.architecture, batch) for batch in options.batches}
        before = square_rate()
        measured = NetworkLatencies(named, latency.measure(named.architecture, settings))
        square = (before + square_rate()) / 2
        print(f"square products {square:.1f} GMAC/s (mean of before and after), {options.threads} threads", flush=True)
        for row in rows_of(measured, square, own):
            rows.append(row)
            show(row)
    write_json(RESULTS / f"deployed-{options.threads}.json", {"conditions": made_on, "rows": rows})


if __name__ == "__main__":
    main()
