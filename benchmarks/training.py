"""Images a second of a training step: ours beside the paper's definition written down plainly, and an earlier build.

    python benchmarks/training.py [--threads 1 2] [--batches 64 128] [--base CHECKOUT] [--data DIR] [--out NAME]
    python benchmarks/training.py --network benchmarks/spaces/seesaw-cifar-16.toml --batches 64 --base CHECKOUT

Plain is the network's own forward pass: slices, one convolution a group, concatenation, permutation, NCHW, every batch
norm a pass of its own. All train the same network from the same weights on batches of the same images, with the same
optimiser, augmentation and allocator setting, each in a process of its own, in turn, round by round. A further figure
is what a user would find who writes the plain network with a DataLoader of single images and leaves the allocator
alone. A space in place of a network stands for architectures drawn evenly in cost. Real images need --data, the folder
of the unpacked CIFAR-10 archive; random ones of the same size take as long.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from peers.plain import Plain
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

from seesaw_nas import data, space
from seesaw_nas.architecture import specfile
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.allocator import keep_freed_memory, minor_faults
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.device import describe, find_device, synchronise
from seesaw_nas.core.files import write_json
from seesaw_nas.data import Images, SearchData, normalise
from seesaw_nas.data.augment import augment
from seesaw_nas.network.models import build
from seesaw_nas.space import Feasible
from seesaw_nas.training import recipes
from seesaw_nas.training.step import Trainer

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
WARM_UP = 2
IMAGES = 2048


def architecture_of(name: str, seed: int) -> Architecture:
    """The network, or a draw from a space."""
    if not name.endswith(".toml"):
        return specfile.resolve(name).architecture
    searched = space.load(name)
    return Feasible.of(searched, searched.default_budget).draw_even(np.random.default_rng(seed))


def images_of(folder: str, architecture: Architecture) -> SearchData:
    if folder:
        return data.load("cifar10", Path(folder))
    generator = torch.Generator().manual_seed(0)
    pixels = torch.randint(0, 256, (IMAGES, *architecture.input), dtype=torch.uint8, generator=generator)
    images = Images(pixels, torch.randint(0, architecture.classes, (IMAGES,), generator=generator))
    classes = tuple(map(str, range(architecture.classes)))
    return SearchData.of("random", classes, images, images, flip=True, padding=architecture.input_size // 8)


def stepper(options: argparse.Namespace, form: str, threads: int, batch: int) -> Callable[[], None]:
    """Takes one step of a training as its loop does, dealing and augmentation included."""
    torch.set_num_threads(threads)
    device = find_device(options.device)
    architecture = architecture_of(options.network, options.seed)
    recipe = replace(recipes.recipe("paper"), batch_size=batch, learning_rate=1e-3, epochs=1_000_000)
    model: nn.Module = build(architecture, dropout=recipe.dropout, seed=0).train()
    model = Plain(model) if form == "plain" else model
    trainer = Trainer.of(model, images_of(options.data, architecture), recipe, 0, device)

    def steps() -> Iterator[torch.Tensor]:
        for number in range(1, recipe.epochs):
            yield from trainer.epoch(number)

    taken = steps()

    def step() -> None:
        next(taken)
        synchronise(device)

    return step


def serve(options: argparse.Namespace, form: str, threads: int, batch: int) -> None:
    """Take as many steps as each line says, and print seconds, seconds of the processor and page faults a step."""
    keep_freed_memory()
    step = stepper(options, form, threads, batch)
    for line in sys.stdin:
        count, faults, start, cores = int(line), minor_faults(), time.perf_counter(), time.process_time()
        for _ in range(count):
            step()
        found = (time.perf_counter() - start, time.process_time() - cores, minor_faults() - faults)
        print(json.dumps([value / count for value in found]), flush=True)


class Peer:
    """A process that takes steps when it is asked to."""

    def __init__(self, options: argparse.Namespace, form: str, threads: int, batch: int) -> None:
        root = Path(options.base).resolve() if form == "base" else ROOT
        command = [sys.executable, __file__, "--serve", form, str(threads), str(batch), "--network", options.network]
        command += ["--seed", str(options.seed), "--device", options.device, "--data", options.data]
        environment = os.environ | {"PYTHONPATH": str(root), "OMP_NUM_THREADS": str(threads)}
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, env=environment, **pipes)  # type: ignore[call-overload]
        self.taken: list[tuple[float, float, float]] = []

    def ask(self, steps: int, counts: bool) -> None:
        self.process.stdin.write(f"{steps}\n")
        self.process.stdin.flush()
        found = json.loads(self.process.stdout.readline())
        if counts:
            self.taken.append(found)

    def figures(self, batch: int) -> dict[str, float]:
        seconds, cores, faults = zip(*self.taken, strict=True)
        median = statistics.median(seconds)
        return {
            "median_s": median,
            "min_s": min(seconds),
            "max_s": max(seconds),
            "median_core_s": statistics.median(cores),
            "minor_faults": statistics.median(faults),
            "images_per_second": batch / median,
        }

    def end(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def race(options: argparse.Namespace, threads: int, batch: int) -> dict[str, dict[str, float]]:
    forms = ["plain", "ours"] + (["base"] if options.base else [])
    peers = {form: Peer(options, form, threads, batch) for form in forms}
    for turn in range(WARM_UP + options.rounds):
        for peer in peers.values():
            peer.ask(options.steps, counts=turn >= WARM_UP)
    for peer in peers.values():
        peer.end()
    return {form: peer.figures(batch) for form, peer in peers.items()}


class Singles(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Images one by one, augmented and normalised, as a user's data set would give them."""

    def __init__(self, source: SearchData) -> None:
        self.source, self.generator = source, torch.Generator().manual_seed(0)

    def __len__(self) -> int:
        return len(self.source.train)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        assert isinstance(self.source.train, Images)
        one = self.source.train.images[i : i + 1]
        moved = augment(one, flip=True, padding=self.source.padding, generator=self.generator)
        return normalise(moved, self.source.mean, self.source.std)[0], self.source.train.labels[i]


def step_as_a_user(options: argparse.Namespace, threads: int, batch: int) -> None:
    """Print seconds of plain steps with a DataLoader and the allocator as it is."""
    torch.set_num_threads(threads)
    architecture = architecture_of(options.network, options.seed)
    model = build(architecture, dropout=0.5, seed=0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)
    taken: list[float] = []
    start = time.perf_counter()
    source = Singles(images_of(options.data, architecture))
    for x, labels in DataLoader(source, batch, shuffle=True, drop_last=True):
        optimizer.zero_grad()
        F.cross_entropy(model(x), labels).backward()
        optimizer.step()
        taken.append(time.perf_counter() - start)
        start = time.perf_counter()
        if len(taken) == WARM_UP + options.rounds:
            break
    print(json.dumps(taken[WARM_UP:]))


def measure_as_a_user(options: argparse.Namespace, threads: int, batch: int) -> dict[str, float]:
    command = [sys.executable, __file__, "--as-a-user", str(threads), str(batch), "--network", options.network]
    command += ["--rounds", str(options.rounds), "--data", options.data, "--seed", str(options.seed)]
    found = subprocess.run(command, capture_output=True, text=True, check=True)
    taken = json.loads(found.stdout)
    median = statistics.median(taken)
    return {"median_s": median, "min_s": min(taken), "max_s": max(taken), "images_per_second": batch / median}


def measure(options: argparse.Namespace, threads: int, batch: int) -> dict[str, object]:
    figures = race(options, threads, batch)
    if find_device(options.device).type == "cpu":
        figures["as a user"] = measure_as_a_user(options, threads, batch)
    row: dict[str, object] = {"threads": threads, "batch": batch, "figures": figures}
    for peer in ("plain", "as a user", "base"):
        if peer in figures:
            row[f"times {peer}"] = figures[peer]["median_s"] / figures["ours"]["median_s"]
    if "base" in figures:
        row["times base, core seconds"] = figures["base"]["median_core_s"] / figures["ours"]["median_core_s"]
    print(f"{threads} threads, batch {batch}: " + ", ".join(describe_entry(*item) for item in row.items()), flush=True)
    return row


def describe_entry(name: str, value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{who} {figure['images_per_second']:.1f} images/s" for who, figure in value.items())
    return f"{name} {value:.2f}" if isinstance(value, float) else f"{name} {value}"


def commit_of(checkout: str) -> str:
    command = ["git", "-C", checkout, "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() if checkout else "none"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", default="seesaw-shuffle-0.5d@cifar10", help="a spec, or a space's .toml")
    parser.add_argument("--seed", type=int, default=0, help="seed for the draw from a space")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--batches", type=int, nargs="+", default=[64, 128])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1, help="steps a round")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data", default="", help="folder of the unpacked CIFAR-10 archive")
    parser.add_argument("--base", default="", help="checkout of an earlier build to compare with")
    parser.add_argument("--out", default="", help="name of the result, training-DEVICE if omitted")
    parser.add_argument("--as-a-user", type=int, nargs=2, metavar=("THREADS", "BATCH"))
    parser.add_argument("--serve", nargs=3, metavar=("FORM", "THREADS", "BATCH"))
    options = parser.parse_args()
    if options.as_a_user:
        step_as_a_user(options, *options.as_a_user)
        return
    if options.serve:
        form, threads, batch = options.serve
        serve(options, form, int(threads), int(batch))
        return
    device = find_device(options.device)
    rows = [measure(options, threads, batch) for threads in options.threads for batch in options.batches]
    names = ("network", "seed", "rounds", "steps")
    setting = {name: getattr(options, name) for name in names} | {"data": bool(options.data)}
    setting["base"] = commit_of(options.base)
    path = RESULTS / f"{options.out or f'training-{device.type}'}.json"
    write_json(path, {"setting": setting, "conditions": conditions(describe(device)), "rows": rows})


if __name__ == "__main__":
    main()
