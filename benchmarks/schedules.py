"""Which schedule, learning rate and batch suit trainings of a few epochs: the measurement behind the recipe ``quick``.

Real CIFAR-10 halved to 16x16 and digits, one small network each, a full grid with the same seeds in every cell; the
paper's recipe, shortened, is the baseline. Scored on validation images only. One thread, about eight minutes::

    OMP_NUM_THREADS=1 python benchmarks/schedules.py --data-dir FOLDER_WITH_CIFAR
"""

from __future__ import annotations

import argparse
import itertools
import json
import statistics
import time
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn import functional as F

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.partition import Partition
from seesaw_nas.architecture.spec import Architecture, Block, Head, Stage, Stem
from seesaw_nas.core.conditions import conditions
from seesaw_nas.data import Images, SearchData, load, subset
from seesaw_nas.evaluators.trained import TrainedEvaluator
from seesaw_nas.training.recipes import Recipe, Schedule, recipe

RESULTS = Path(__file__).parent / "results" / "schedules.json"
TRAIN, VALIDATION, EPOCHS, SEEDS = 3_000, 2_000, 3, (0, 1, 2)
WARM_UPS: dict[Schedule, float] = {"cosine": 0.0, "one-cycle": 0.2}
LEARNING_RATES = (0.05, 0.1, 0.2, 0.4)
BATCHES = (32, 64)


def network(data: SearchData) -> Architecture:
    """Five 1:3 shuffle blocks behind a stem that brings the maps to 8x8."""

    def stage(channels: int, stride: int, repeats: int, expansion: int) -> Stage:
        return Stage(channels, stride, (Block(expansion, 3, Partition((1, 3)), "shuffle"),) * repeats)

    channels, size, _ = data.input
    stages = (stage(16, 1, 1, 1), stage(24, 2, 2, 3), stage(32, 2, 2, 3))
    return Architecture(size, channels, len(data.classes), Stem(16, size // 8), stages, Head(64))


def halved(images: Images) -> Images:
    """Each 2x2 pixels averaged to one."""
    return Images(F.avg_pool2d(images.images.float(), 2).round().to(torch.uint8), images.labels)


def data_sets(data_dir: Path) -> list[SearchData]:
    whole = load("cifar10", data_dir)
    train, validation = halved(subset(whole.train, TRAIN, 0)), halved(subset(whole.validation, VALIDATION, 0))
    return [SearchData.of("cifar10 at 16x16", whole.classes, train, validation, flip=True, padding=2), load("digits")]


def cell(schedule: Schedule, rate: float, batch: int, epochs: int = EPOCHS) -> Recipe:
    return replace(
        recipe("quick"),
        name=f"{schedule}, {rate:g}, batch {batch}, {epochs} epochs",
        epochs=epochs,
        schedule=schedule,
        warm_up=WARM_UPS[schedule],
        learning_rate=rate,
        batch_size=batch,
    )


def recipes() -> list[Recipe]:
    """The shortened paper's recipe, the grid, and the larger batch with the epoch more that its speed pays for."""
    grid = [cell(*values) for values in itertools.product(WARM_UPS, LEARNING_RATES, BATCHES)]
    longer = [cell("one-cycle", rate, max(BATCHES), EPOCHS + 1) for rate in LEARNING_RATES]
    return [recipe("paper").with_epochs(EPOCHS), *grid, *longer]


def measure(data: SearchData, tried: Recipe) -> dict[str, object]:
    scores = [TrainedEvaluator(data, tried).evaluate(network(data), seed=seed) for seed in SEEDS]
    top1 = [round(score.top1, 4) for score in scores]
    row = {
        "data": data.name, "recipe": tried.name, "summary": tried.summary, "top1": top1,
        "mean": round(statistics.mean(top1), 4), "sd": round(statistics.stdev(top1), 4),
        "seconds": round(statistics.mean(score.seconds for score in scores), 2),
    }  # fmt: skip
    print(f"{data.name:17} {tried.name:37} {row['mean']:.3f} +- {row['sd']:.3f}  {row['seconds']} s", flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    start = time.perf_counter()
    sets = data_sets(options.data_dir)
    rows = [measure(data, tried) for data in sets for tried in recipes()]
    setting = {
        data.name: {
            "n_train": len(data.train), "n_validation": len(data.validation), "macs": cost.macs(network(data)),
        } for data in sets
    }  # fmt: skip
    about = {
        "split": "validation", "epochs": EPOCHS, "seeds": SEEDS, "data": setting, "threads": torch.get_num_threads(),
        "seconds": round(time.perf_counter() - start),
        "core_seconds": round(time.process_time()), **conditions(),
    }  # fmt: skip
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"conditions": about, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
