"""Whole trainings: an epoch of CIFAR-10 alone, and the longest compressed ``modern`` that fits, with its test top-1."""

from __future__ import annotations

import json
import statistics
import time

from gpu_parts import commands, compiling, subjects
from gpu_parts.results import Deadline, Results
from gpu_parts.setting import CIFAR_TRAIN, Setting

RECIPE, BATCH = "modern", 128
MOST_EPOCHS = 60
AROUND = 25.0  # seconds for the start, the test split and the files


def measure_epoch(setting: Setting, results: Results, deadline: Deadline) -> None:
    """Seconds of one epoch of steps at the recipe's batch, without evaluation, once everything is warm."""
    data = setting.images
    recipe = subjects.recipe_of(RECIPE, setting.batches[0] if setting.smoke else BATCH)
    steps = -(-len(data.train) // recipe.batch_size)
    for form in subjects.forms(setting):
        if deadline.over:
            return
        step = subjects.step_of(setting, form, recipe, data=data)
        for _ in range(setting.warm):
            step()
        setting.wait()
        begun = time.perf_counter()
        for _ in range(steps):
            step()
        setting.wait()
        seconds = time.perf_counter() - begun
        found = {"images": len(data.train), "steps": steps, "seconds": seconds, "data": data.name}
        results.keep("epoch", form, found, f"{form}: {len(data.train):,} images of {data.name} in {seconds:.2f} s")


def measure(setting: Setting, results: Results, deadline: Deadline) -> None:
    """By the command line; the compiler fills its cache beside it."""
    compiling.begin(setting)
    form = subjects.forms(setting)[-1]
    epochs = 1 if setting.smoke else affordable(results, form, deadline.left)
    size = ["--train-size", "64"] if setting.smoke else []
    options = [*setting.data_options, "--device", setting.device, *subjects.TRAIN_OPTIONS[form]]
    name = f"{RECIPE}, {epochs} epochs, {form}"
    ended = commands.run(
        setting, "train", setting.spec, *options, "--recipe", RECIPE, "--epochs", epochs, *size,
        "--out", "training", "--json", seconds=deadline.left,
    )  # fmt: skip
    try:
        result = json.loads((setting.work / "training" / "result.json").read_text())
    except (OSError, ValueError):
        results.fail("training", name, ended.error or ended.said or "no result")
        return
    result["wall_seconds"] = ended.seconds
    each = statistics.median(epoch["seconds"] for epoch in result["curve"])
    results.keep(
        "training",
        name,
        result,
        f"{name}: {each:.2f} s an epoch with its evaluation, test top-1 {result['top1']:.2%}, "
        f"validation {result['validation_top1']:.2%}, {ended.seconds:.0f} s in all",
    )


def affordable(results: Results, form: str, seconds: float) -> int:
    """Epochs that fit, by the rate that the steps had; a second an epoch for the evaluation."""
    rate = results.found.get("steps", {}).get(f"{form}, batch {BATCH}", {}).get("images_per_second", 4000.0)
    return max(2, min(MOST_EPOCHS, int((seconds - AROUND) / (CIFAR_TRAIN / rate + 1.0))))
