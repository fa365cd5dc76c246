r"""What each part of the recipe ``modern`` brings, in trainings far shorter than it is for.

Real CIFAR-10 halved to 16x16, the small network of ``schedules.py``, 3,000 images: the recipe, the same with one part
changed, and two older recipes at as many epochs, with the same seeds everywhere. Scored on validation images only. It
shows which learning rates work at all and what a part costs early; what helps in 200 epochs on all images it cannot
show. One thread, about ten minutes and five::

    OMP_NUM_THREADS=1 python benchmarks/modern.py --data-dir FOLDER_WITH_CIFAR
    OMP_NUM_THREADS=1 python benchmarks/modern.py --data-dir FOLDER_WITH_CIFAR --epochs 30 \
        --only "as it is" "learning rate 0.4" "no averaging" "no cutout"
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from schedules import data_sets, network

from seesaw_nas.architecture import cost
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.data import SearchData
from seesaw_nas.network.models import build
from seesaw_nas.training import loop
from seesaw_nas.training.recipes import Recipe, recipe

RESULTS = Path(__file__).parent / "results"
SEEDS = (0, 1, 2)
CHANGES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "learning rate 0.1": {"learning_rate": 0.1},
    "learning rate 0.4": {"learning_rate": 0.4},
    "weight decay 1e-4": {"weight_decay": 1e-4},
    "decay on norms": {"decay_norms": True},
    "no label smoothing": {"label_smoothing": 0.0},
    "no averaging": {"ema": 0.0},
    "no cutout": {"cutout": 0.0},
    "mixup 0.2 added": {"mixup": 0.2},
    "batch 64, learning rate 0.1": {"batch_size": 64, "learning_rate": 0.1},
}


def tried(epochs: int, only: list[str]) -> dict[str, Recipe]:
    if only:
        return {f"modern, {what}": replace(recipe("modern", epochs), **CHANGES[what]) for what in only}
    return {name: recipe(name, epochs) for name in ("paper", "quick")} | tried(epochs, list(CHANGES))


def measure(data: SearchData, name: str, wanted: Recipe) -> dict[str, object]:
    top1, begun = [], time.perf_counter()
    for seed in SEEDS:
        model = build(network(data), dropout=wanted.dropout, seed=seed)
        top1.append(round(loop.train(model, data, wanted, seed=seed, evaluate_each_epoch=False).top1, 4))
    row = {
        "recipe": name, "summary": wanted.summary, "top1": top1, "mean": round(statistics.mean(top1), 4),
        "sd": round(statistics.stdev(top1), 4), "seconds": round((time.perf_counter() - begun) / len(SEEDS), 2),
    }  # fmt: skip
    print(f"{name:36} {row['mean']:.3f} +- {row['sd']:.3f}  {row['seconds']} s", flush=True)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=list(CHANGES), default=[])
    options = parser.parse_args()
    data, _ = data_sets(options.data_dir)
    rows = [measure(data, name, wanted) for name, wanted in tried(options.epochs, options.only).items()]
    settings = {
        "data": data.name, "n_train": len(data.train), "n_validation": len(data.validation), "split": "validation",
        "macs": cost.macs(network(data)), "epochs": options.epochs, "seeds": SEEDS, "threads": torch.get_num_threads(),
    }  # fmt: skip
    write_json(
        RESULTS / f"modern-{options.epochs}.json", {"settings": settings, "conditions": conditions(), "rows": rows}
    )


if __name__ == "__main__":
    main()
