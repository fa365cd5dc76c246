"""What a step of a supernet's training costs beside a step of the network that it trains, and what a score costs.

    OMP_NUM_THREADS=1 python benchmarks/supernet.py [--draws 40] [--base CHECKOUT] [--device cpu] [--quick]

Every round draws an architecture that the supernet has not trained before. A trainer of that network by itself takes
two steps to warm up and a third that is timed; the supernet's step is timed before it in one round and behind it in the
next. Both are on the same batch by the same recipe, in one process. The supernet's step begins with the draw of the
architecture and includes what is worked out for blocks that it meets for the first time; the first draws, in which
libraries choose their kernels, are not counted. `prepare` is the host's part of it that the network alone has not: the
draw, the check that the space has it, and the entries that it takes. Core-seconds are told beside, for a machine that
others use, too.

Scores are by `benchmarks/scores.py`, in processes of their own; with --base also of another checkout, in turn.
`overhead` shows next to no images to tiny networks: what is left is the host's work.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scores import images_for

from seesaw_nas import space
from seesaw_nas.architecture import cost
from seesaw_nas.core.allocator import keep_freed_memory
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.device import describe, find_device, synchronise
from seesaw_nas.core.files import write_json
from seesaw_nas.data import Images
from seesaw_nas.space import Feasible
from seesaw_nas.training import recipes
from seesaw_nas.training.batches import TrainingBatch, draw_blend
from seesaw_nas.training.step import Trainer
from seesaw_nas.training.supernet import Supernet
from seesaw_nas.training.supernet.trainer import SupernetTrainer

HERE = Path(__file__).resolve().parent
SPACES = {"seesaw-cifar-16": "600K", "seesaw-digits": "600K", "seesaw-cifar": "110M"}
SCORED = {  # space, budget, images that batch norm is recalibrated on, images that are classified, scores a round
    "overhead": ("tiny", "100%", 8, 8, 96),
    "tiny": ("tiny", "100%", 500, 100, 96),
    "digits": ("seesaw-digits", "300K", 500, 359, 48),
    "cifar-16": ("seesaw-cifar-16", "600K", 500, 1000, 16),
}
BATCH, IMAGES = 64, 1000
WARM_UP = 8  # draws
ROUNDS = 3  # of processes that score
Times = dict[str, list[float]]


def find(name: str) -> str:
    """The space's file here, or its name where it is shipped."""
    path = HERE / "spaces" / f"{name}.toml"
    return str(path) if path.exists() else name


class Race:
    """Steps of the supernet and of each drawn network by itself."""

    def __init__(self, name: str, budget: str, device: torch.device) -> None:
        searched = space.load(find(name))
        self.feasible, self.recipe = Feasible.of(searched, budget), recipes.recipe("quick")
        data = images_for(searched, IMAGES, BATCH)
        supernet = Supernet.build(searched, seed=0).to(device)
        self.shared = SupernetTrainer.of(supernet, self.feasible, data, self.recipe, 0, "single-path")
        self.rng, self.device = np.random.default_rng(0), device
        train = self.shared.data.train
        assert isinstance(train, Images)
        images, labels = train.images[:BATCH], train.labels[:BATCH]
        blend = draw_blend(self.recipe, data.input, len(labels), 0).to(device)
        self.batch = TrainingBatch(0, images, labels, len(labels), blend, 0)

    def timed(self, work: Callable[[], object]) -> tuple[float, float]:
        """Seconds and core-seconds."""
        synchronise(self.device)
        start, core_start = time.perf_counter(), time.process_time()
        work()
        synchronise(self.device)
        return time.perf_counter() - start, time.process_time() - core_start

    def round(self, number: int) -> dict[str, object]:
        """The figures of one draw."""
        state = self.rng.bit_generator.state
        (architecture,) = self.shared.sample(self.rng)
        network = self.shared.supernet.extract(architecture).train()
        trainer = Trainer.of(network, self.shared.data, self.recipe, 0, self.device)
        batch = self.batch

        def alone() -> None:
            trainer.step(0, batch.images, batch.labels, batch.blend)

        def together() -> None:
            self.rng.bit_generator.state = state  # to draw the same again
            self.shared.step(batch, self.shared.sample(self.rng))

        def prepare() -> None:
            (another,) = self.shared.sample(self.rng)
            self.shared.supernet.select(another, self.shared.formulation.multiple)

        for _ in range(2):
            alone()
        if number % 2:
            by_itself, shared = self.timed(alone), self.timed(together)
        else:
            shared, by_itself = self.timed(together), self.timed(alone)
        figures = {"alone": by_itself, "supernet": shared, "prepare": self.timed(prepare)}
        named = {name: dict(zip(("s", "core_s"), figure, strict=True)) for name, figure in figures.items()}
        return {"macs": cost.macs(architecture), "blocks": len(architecture.placed), **named}


def measure_steps(name: str, budget: str, draws: int, device: torch.device) -> dict[str, object]:
    race = Race(name, budget, device)
    rows: list[dict[str, object]] = [race.round(number) for number in range(WARM_UP + draws)][WARM_UP:]
    of = {
        (what, unit): [row[what][unit] for row in rows]
        for what in ("alone", "supernet", "prepare")
        for unit in ("s", "core_s")
    }
    shares = {
        unit: statistics.median(a / b for a, b in zip(of["supernet", unit], of["alone", unit], strict=True))
        for unit in ("s", "core_s")
    }
    prepare = statistics.median(of["prepare", "core_s"])
    space_name = race.feasible.space.name
    print(f"{space_name}, {budget}: {shares['s']:.3f} of alone, in core-seconds {shares['core_s']:.3f}; ", end="")
    print(f"prepared in {1e3 * prepare:.1f} ms", flush=True)
    return {
        "space": space_name,
        "budget": budget,
        "weights": len(race.shared.supernet.weights),
        "batch": BATCH,
        "median times alone": shares["s"],
        "median core-seconds, times alone": shares["core_s"],
        "median core-seconds of prepare": prepare,
        "draws": rows,
    }


def score(checkout: Path, name: str, seed: int, device: torch.device) -> dict[str, list[float]]:
    """What `benchmarks/scores.py` prints for a build."""
    searched, budget, calibration, images, scores = SCORED[name]
    values = {"scores": scores, "calibration": calibration, "images": images, "seed": seed, "device": device}
    command = [sys.executable, str(HERE / "scores.py"), find(searched), budget]
    command += [word for option, value in values.items() for word in (f"--{option}", str(value))]
    ended = subprocess.run(
        command,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
        check=True,
        cwd=checkout,
    )
    found: dict[str, list[float]] = json.loads(ended.stdout)
    return found


def measure_scores(name: str, base: Path | None, rounds: int, device: torch.device) -> dict[str, object]:
    builds = {"ours": HERE.parent} | ({"base": base} if base else {})
    seconds: dict[str, Times] = {build: {"seconds": [], "core_seconds": []} for build in builds}
    for seed in range(rounds):
        for build, checkout in builds.items():
            found = score(checkout, name, seed, device)
            for unit in ("seconds", "core_seconds"):
                seconds[build][unit] += found[unit]
    medians = {build: {unit: statistics.median(values) for unit, values in of.items()} for build, of in seconds.items()}
    fields = ("space", "budget", "images recalibrated on", "images classified", "scores a round")
    row: dict[str, object] = {"name": name, **dict(zip(fields, SCORED[name], strict=True)), "a score": medians}
    told = ", ".join(f"{build} {1 / figure['seconds']:.1f} scores/s" for build, figure in medians.items())
    if base:
        times = {unit: medians["base"][unit] / medians["ours"][unit] for unit in ("seconds", "core_seconds")}
        row["times base"] = times
        told += f", {times['seconds']:.1f} times, in core-seconds {times['core_seconds']:.1f}"
    print(f"scores of {name}: {told}", flush=True)
    return row


def commit_of(checkout: Path) -> str:
    command = ["git", "-C", str(checkout), "rev-parse", "--short=12", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="of processes that score")
    parser.add_argument("--base", type=Path, help="another checkout, whose scores are timed beside ours")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--spaces", nargs="*", default=list(SPACES), choices=list(SPACES), help="for steps")
    parser.add_argument("--scored", nargs="*", default=list(SCORED), choices=list(SCORED), help="which scores")
    parser.add_argument("--quick", action="store_true", help="four draws, one round, no file")
    options = parser.parse_args()
    if options.quick:
        options.draws, options.rounds = 4, 1
    kept, device = keep_freed_memory(), find_device(options.device)
    steps = [measure_steps(name, SPACES[name], options.draws, device) for name in options.spaces]
    scored = [measure_scores(name, options.base, options.rounds, device) for name in options.scored]
    if not options.quick:
        setting: dict[str, object] = {"draws": options.draws, "rounds": options.rounds, "memory_kept": kept}
        if options.base:
            setting["base"] = commit_of(options.base)
        told = {"setting": setting, "conditions": conditions(describe(device)), "steps": steps, "scores": scored}
        write_json(HERE / "results" / f"supernet-{device.type}.json", told)


if __name__ == "__main__":
    main()
