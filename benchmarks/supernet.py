"""What a step of a supernet's training costs beside a step of the same network alone, and what a score costs.

    OMP_NUM_THREADS=1 python benchmarks/supernet.py [--networks 5] [--rounds 7] [--device cpu] [--quick]

Both steps train the same architecture on the same batch by the same recipe, in the formulation that is fastest on the
device, in turn, round by round, in one process. The supernet's step begins with the draw of an architecture, which is
then put aside for the one that is compared, and includes gathering weights and momentum, putting the network together
and writing back. Core-seconds are told beside, for a machine that others use, too. A score is what evaluator
`inherited` takes for one architecture that was not scored before: weights extracted, batch norm recalibrated on 500
images, 1,000 images classified. Images are random, of the space's size.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from seesaw_nas import cost, recipes, space
from seesaw_nas.allocator import keep_freed_memory
from seesaw_nas.batches import Dealt, draw_blend
from seesaw_nas.conditions import conditions
from seesaw_nas.data import Images, SearchData
from seesaw_nas.device import describe, find_device, synchronise
from seesaw_nas.evaluate.inherited import InheritedEvaluator
from seesaw_nas.records import write_json
from seesaw_nas.sgd import Trainer
from seesaw_nas.space import Feasible, Space
from seesaw_nas.spec import Architecture
from seesaw_nas.supernet import Supernet
from seesaw_nas.supernet.trainer import SupernetTrainer

HERE = Path(__file__).parent
SPACES = {str(HERE / "spaces" / "seesaw-cifar-16.toml"): "600K", "seesaw-cifar": "110M"}
WARM_UP = 2
BATCH = 64
SCORED = 1000


def images_for(searched: Space) -> SearchData:
    generator = torch.Generator().manual_seed(0)
    shape = (SCORED, searched.input_channels, searched.input_size, searched.input_size)
    pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    images = Images(pixels, torch.randint(0, searched.classes, (SCORED,), generator=generator))
    return SearchData.of("random", tuple(map(str, range(searched.classes))), images, images, flip=True, padding=4)


def alone(shared: SupernetTrainer, architecture: Architecture, batch: Dealt) -> Callable[[], None]:
    """A step of the architecture's own training."""
    network = shared.supernet.extract(architecture).train()
    trainer = Trainer.of(network, shared.data, shared.recipe, 0, shared.supernet.device)

    def step() -> None:
        trainer.step(batch.number, batch.images, batch.labels)
        synchronise(trainer.device)

    return step


def together(shared: SupernetTrainer, architecture: Architecture, batch: Dealt) -> Callable[[], None]:
    """A step of the supernet's training that trains the architecture."""
    rng = np.random.default_rng(0)

    def step() -> None:
        shared.sample(rng)
        shared.step(batch, [architecture])
        synchronise(shared.supernet.device)

    return step


def race(steps: dict[str, Callable[[], None]], rounds: int) -> dict[str, dict[str, float]]:
    taken: dict[str, list[float]] = {name: [] for name in steps}
    cores: dict[str, list[float]] = {name: [] for name in steps}
    for turn in range(WARM_UP + rounds):
        for name, step in steps.items():
            start, core_start = time.perf_counter(), time.process_time()
            step()
            if turn >= WARM_UP:
                taken[name].append(time.perf_counter() - start)
                cores[name].append(time.process_time() - core_start)
    return {
        name: {
            "median_s": statistics.median(times),
            "min_s": min(times),
            "max_s": max(times),
            "median_core_s": statistics.median(cores[name]),
        }
        for name, times in taken.items()
    }


def compared(shared: SupernetTrainer, architecture: Architecture, rounds: int) -> dict[str, object]:
    images, labels = shared.data.train.images[:BATCH], shared.data.train.labels[:BATCH]
    batch = Dealt(0, images, labels, BATCH, draw_blend(shared.recipe, shared.data.input, BATCH, 0), 0)
    steps = {"alone": alone(shared, architecture, batch), "supernet": together(shared, architecture, batch)}
    figures = race(steps, rounds)
    share = figures["supernet"]["median_s"] / figures["alone"]["median_s"]
    cores = figures["supernet"]["median_core_s"] / figures["alone"]["median_core_s"]
    blocks = len(architecture.placed)
    print(
        f"  {cost.macs(architecture):,} Multi-Adds, {blocks} blocks: {share:.3f} of alone, in core-seconds {cores:.3f}"
    )
    return {
        "macs": cost.macs(architecture),
        "blocks": blocks,
        "figures": figures,
        "times alone": share,
        "core-seconds, times alone": cores,
    }


def scores(shared: SupernetTrainer, feasible: Feasible, count: int) -> dict[str, float]:
    """Seconds of inherited scores, of architectures that are new each time."""
    evaluator = InheritedEvaluator(shared.supernet, shared.data, shared.supernet.device)
    rng, taken = np.random.default_rng(1), []
    for _ in range(WARM_UP + count):
        architecture, start = feasible.draw_even(rng), time.perf_counter()
        evaluator.evaluate(architecture, seed=0)
        taken.append(time.perf_counter() - start)
    measured = taken[WARM_UP:]
    return {"n": count, "median_s": statistics.median(measured), "min_s": min(measured), "max_s": max(measured)}


def measure(name: str, budget: str, options: argparse.Namespace, device: torch.device) -> dict[str, object]:
    searched = space.load(name)
    feasible, recipe = searched.within(budget), recipes.recipe("quick")
    supernet, data = Supernet.build(searched, seed=0).to(device), images_for(searched)
    shared = SupernetTrainer.of(supernet, feasible, data, recipe, 0, "single-path")
    print(f"{searched.name}, {budget}: {len(supernet.weights):,} weights", flush=True)
    rng = np.random.default_rng(0)
    rows = [compared(shared, feasible.draw_even(rng), options.rounds) for _ in range(options.networks)]
    shares = [float(str(row["times alone"])) for row in rows]
    scored = scores(shared, feasible, options.networks)
    print(f"  median {statistics.median(shares):.3f} of alone; a score {scored['median_s']:.3f} s", flush=True)
    found: dict[str, object] = {
        "space": searched.name,
        "budget": budget,
        "weights": len(supernet.weights),
        "batch": BATCH,
    }
    cores = statistics.median(float(str(row["core-seconds, times alone"])) for row in rows)
    found["median core-seconds, times alone"] = cores
    return {**found, "median times alone": statistics.median(shares), "networks": rows, "inherited score": scored}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--networks", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--spaces", nargs="+", default=list(SPACES), choices=list(SPACES))
    parser.add_argument("--quick", action="store_true", help="one network, three rounds, no file")
    options = parser.parse_args()
    if options.quick:
        options.networks, options.rounds = 1, 3
    kept, device = keep_freed_memory(), find_device(options.device)
    found = [measure(name, budget, options, device) for name, budget in SPACES.items() if name in options.spaces]
    if not options.quick:
        setting = {"networks": options.networks, "rounds": options.rounds, "memory_kept": kept}
        told = {"setting": setting, "conditions": conditions(describe(device)), "spaces": found}
        write_json(HERE / "results" / f"supernet-{device.type}.json", told)


if __name__ == "__main__":
    main()
