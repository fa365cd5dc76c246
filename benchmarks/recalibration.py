"""What batch norm's running averages cost a short training of a deep network, and at which learning rates.

seesaw-shuffle-0.5d (17 blocks) on real CIFAR-10 at 32x32, one epoch of ``quick`` on few images; each trained network is
scored twice on the same validation images, with its running averages and recalibrated::

    python benchmarks/recalibration.py --data-dir FOLDER_WITH_CIFAR
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import replace
from pathlib import Path

from seesaw_nas.architecture import reference
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.data import load, subset
from seesaw_nas.network import models
from seesaw_nas.training import accuracy, loop
from seesaw_nas.training.recalibration import recalibrate
from seesaw_nas.training.recipes import recipe

RESULTS = Path(__file__).parent / "results" / "recalibration.json"
TRAIN, VALIDATION, RECALIBRATION, EPOCHS = 2_000, 1_000, 1_000, 1
RATES, SEEDS = (0.05, 0.1, 0.2), (0, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True)
    whole = load("cifar10", parser.parse_args().data_dir)
    data = replace(whole, train=subset(whole.train, TRAIN, 0), validation=subset(whole.validation, VALIDATION, 0))
    rows = []
    for rate in RATES:
        quick = replace(recipe("quick"), epochs=EPOCHS, learning_rate=rate, recalibration_images=0)
        running, measured = [], []
        for seed in SEEDS:
            model = models.build(reference.network("seesaw-shuffle-0.5d"), seed=seed)
            running.append(loop.train(model, data, quick, seed=seed).top1)
            recalibrate(model, data.train.first(RECALIBRATION), data.mean, data.std)
            measured.append(accuracy.measure(model, data.validation, data.mean, data.std).top1)
        row = {"learning_rate": rate, "top1_running_averages": running, "top1_recalibrated": measured}
        rows.append(row)
        print(f"rate {rate}: {statistics.mean(running):.3f} by running averages, {statistics.mean(measured):.3f} anew")
    settings = {"network": "seesaw-shuffle-0.5d@cifar10", "train": TRAIN, "validation": VALIDATION, "epochs": EPOCHS}
    settings |= {"recalibration_images": RECALIBRATION, "seeds": SEEDS, "split": "validation"}
    write_json(RESULTS, {"settings": settings, "conditions": conditions(), "rows": rows})


if __name__ == "__main__":
    main()
