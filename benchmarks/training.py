"""Images a second of a training step: ours beside the paper's definition written down plainly.

    python benchmarks/training.py [--threads 1 2] [--batches 64 128] [--device cpu] [--data DIR]

Plain is the network's own forward pass: slices, one convolution a group, concatenation, permutation, NCHW, every batch
norm a pass of its own. Both train the same network from the same weights on the same batches, with the same optimiser,
augmentation and allocator setting, in turn, round by round, in one process. A third figure is what a user would find
who writes the plain network with a DataLoader of single images and leaves the allocator alone: a process of its own.
Real images need --data, the folder of the unpacked CIFAR-10 archive; random ones of the same size take as long.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from seesaw_nas import data, recipes
from seesaw_nas.allocator import keep_freed_memory, minor_faults
from seesaw_nas.batches import draw_blend
from seesaw_nas.conditions import conditions
from seesaw_nas.data import Images, SearchData, augment, normalise
from seesaw_nas.device import describe, find_device, synchronise
from seesaw_nas.models import build
from seesaw_nas.records import write_json
from seesaw_nas.reference import network
from seesaw_nas.sgd import Trainer

RESULTS = Path(__file__).parent / "results"
WARM_UP = 2


def images_of(options: argparse.Namespace) -> SearchData:
    if options.data:
        return data.load("cifar10", Path(options.data))
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (2048, 3, 32, 32), dtype=torch.uint8, generator=generator)
    images = Images(pixels, torch.randint(0, 10, (2048,), generator=generator))
    return SearchData.of("random", tuple("0123456789"), images, images, flip=True, padding=4)


def stepper(trainer: Trainer, batch: int) -> Callable[[], None]:
    """One step on the first images, augmented anew, as the training loop takes it."""
    chosen, blend = torch.arange(batch), draw_blend(trainer.recipe, trainer.data.input, batch, 0)

    def step() -> None:
        for dealt in trainer.data.dealt([chosen], augmented=True, seeds=[0], along=[blend]):
            trainer.step(0, *dealt)
        synchronise(trainer.device)

    return step


def race(steps: dict[str, Callable[[], None]], rounds: int) -> dict[str, dict[str, float]]:
    taken: dict[str, list[float]] = {name: [] for name in steps}
    faults = dict.fromkeys(steps, 0)
    for turn in range(WARM_UP + rounds):
        for name, step in steps.items():
            before, start = minor_faults(), time.perf_counter()
            step()
            if turn >= WARM_UP:
                taken[name].append(time.perf_counter() - start)
                faults[name] += minor_faults() - before
    return {
        name: {
            "median_s": statistics.median(times),
            "min_s": min(times),
            "max_s": max(times),
            "minor_faults": faults[name] / rounds,
        }
        for name, times in taken.items()
    }


class Singles(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Images one by one, augmented and normalised, as a user's data set would give them."""

    def __init__(self, source: SearchData) -> None:
        self.source, self.generator = source, torch.Generator().manual_seed(0)

    def __len__(self) -> int:
        return len(self.source.train)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        one = self.source.train.images[i : i + 1]
        moved = augment(one, flip=True, padding=4, generator=self.generator)
        return normalise(moved, self.source.mean, self.source.std)[0], self.source.train.labels[i]


def as_a_user(options: argparse.Namespace, threads: int, batch: int) -> None:
    """Print seconds of plain steps with a DataLoader and the allocator as it is."""
    torch.set_num_threads(threads)
    source = images_of(options)
    model = build(network(options.network), dropout=0.5, seed=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    taken: list[float] = []
    start = time.perf_counter()
    for x, labels in DataLoader(Singles(source), batch, shuffle=True, drop_last=True):
        optimizer.zero_grad()
        F.cross_entropy(model(x), labels).backward()
        optimizer.step()
        taken.append(time.perf_counter() - start)
        start = time.perf_counter()
        if len(taken) == WARM_UP + options.rounds:
            break
    print(json.dumps(taken[WARM_UP:]))


def measured_as_a_user(options: argparse.Namespace, threads: int, batch: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--as-a-user", str(threads), str(batch), "--network", options.network]
    command += ["--rounds", str(options.rounds), "--data", options.data]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    taken = json.loads(found.stdout)
    return {"median_s": statistics.median(taken), "min_s": min(taken), "max_s": max(taken)}


def measure(options: argparse.Namespace, threads: int, batch: int) -> dict[str, object]:
    torch.set_num_threads(threads)
    device, source = find_device(options.device), images_of(options)
    recipe = replace(recipes.recipe("paper"), batch_size=batch, learning_rate=1e-3)
    trainers = []
    for _ in range(2):
        model = build(network(options.network), dropout=recipe.dropout, seed=0).train()
        trainers.append(Trainer.of(model, source, recipe, 0, device))
    ours, plain = trainers[0], replace(trainers[1], forward=trainers[1].model)
    figures = race({"plain": stepper(plain, batch), "ours": stepper(ours, batch)}, options.rounds)
    if device.type == "cpu":
        figures["as a user"] = measured_as_a_user(options, threads, batch)
    for figure in figures.values():
        figure["images_per_second"] = batch / figure["median_s"]
    row: dict[str, object] = {"threads": threads, "batch": batch, "figures": figures}
    for peer in ("plain", "as a user"):
        if peer in figures:
            row[f"times {peer}"] = figures[peer]["median_s"] / figures["ours"]["median_s"]
    print(f"{threads} threads, batch {batch}: " + ", ".join(_told(*item) for item in row.items()), flush=True)
    return row


def _told(name: str, value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{who} {figure['images_per_second']:.1f} images/s" for who, figure in value.items())
    return f"{name} {value:.2f}" if isinstance(value, float) else f"{name} {value}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="seesaw-shuffle-0.5d@cifar10")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batches", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data", default="")
    parser.add_argument("--as-a-user", type=int, nargs=2, metavar=("THREADS", "BATCH"))
    options = parser.parse_args()
    if options.as_a_user:
        as_a_user(options, *options.as_a_user)
        return
    kept, device = keep_freed_memory(), find_device(options.device)
    rows = [measure(options, threads, batch) for threads in options.threads for batch in options.batches]
    setting = {"network": options.network, "rounds": options.rounds, "memory_kept": kept, "data": bool(options.data)}
    path = RESULTS / f"training-{device.type}.json"
    write_json(path, {"setting": setting, "conditions": conditions(describe(device)), "rows": rows})


if __name__ == "__main__":
    main()
