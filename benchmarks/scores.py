"""Inherited scores a second of whichever build is imported; `benchmarks/supernet.py` calls it for two builds in turn.

    PYTHONPATH=CHECKOUT python benchmarks/scores.py SPACE BUDGET [--images 1000] [--calibration 500] [--scores 48]

A score is what evaluator `inherited` finds for one architecture that was not scored before: weights taken over, batch
norm recalibrated on 500 images or as many as are named, and so many images classified. Images are random, of the
space's size. The first calls are not counted: in them libraries choose their kernels.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import torch

from seesaw_nas import space
from seesaw_nas.core.allocator import keep_freed_memory
from seesaw_nas.core.device import find_device
from seesaw_nas.data import Images, SearchData
from seesaw_nas.evaluators import inherited
from seesaw_nas.space import Feasible, Space
from seesaw_nas.training.supernet import Supernet

WARM_UP = 2  # calls


def images_for(searched: Space, training: int, validation: int) -> SearchData:
    """Random images, so many to recalibrate or train on and so many to classify."""
    generator = torch.Generator().manual_seed(0)

    def images(n: int) -> Images:
        shape = (n, searched.input_channels, searched.input_size, searched.input_size)
        pixels = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
        return Images(pixels, torch.randint(0, searched.classes, (n,), generator=generator))

    classes = tuple(map(str, range(searched.classes)))
    return SearchData.of("random", classes, images(training), images(validation), flip=True, padding=4)


def measure(options: argparse.Namespace) -> dict[str, object]:
    searched, device = space.load(options.space), find_device(options.device)
    feasible, rng = Feasible.of(searched, options.budget), np.random.default_rng(options.seed)
    supernet, data = Supernet.build(searched, seed=0), images_for(searched, options.calibration, options.images)
    evaluator = inherited.InheritedEvaluator(supernet.to(device), data.to(device), device)
    calls = options.scores // options.at_once
    seconds, core_seconds = [], []
    for call in range(WARM_UP + calls):
        drawn = [feasible.draw_even(rng) for _ in range(options.at_once)]
        start, core_start = time.perf_counter(), time.process_time()
        evaluator.scores(drawn)
        if call >= WARM_UP:
            seconds.append((time.perf_counter() - start) / options.at_once)
            core_seconds.append((time.process_time() - core_start) / options.at_once)
    return {"n": calls * options.at_once, "seconds": seconds, "core_seconds": core_seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("space")
    parser.add_argument("budget")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--calibration", type=int, default=inherited.RECALIBRATION_IMAGES)
    parser.add_argument("--scores", type=int, default=48)
    parser.add_argument("--at-once", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0, help="seed of the draws; another one for every round")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    if options.device == "cpu":
        keep_freed_memory()
    print(json.dumps(measure(options)))


if __name__ == "__main__":
    main()
