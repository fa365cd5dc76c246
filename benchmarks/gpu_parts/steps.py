"""Training steps side by side: plain, ours, ours by CUDA graphs, at each batch size; layouts; other networks."""

from __future__ import annotations

import itertools
import time
import traceback
from typing import Any

import torch

from gpu_parts import limits, subjects
from gpu_parts.results import Deadline, Results
from gpu_parts.setting import Setting, random_images
from seesaw_nas.architecture import specfile

OTHERS = ("seesaw-share-v0-0.5d@cifar10", "igcv3-0.5d@cifar10", "mobilenetv2@cifar10")  # v0 has widths 15, 33, 63
RECIPE = "modern"


def measure(setting: Setting, results: Results, deadline: Deadline) -> None:
    """Images a second, the host's own milliseconds, memory, and the share of what bandwidth allows."""
    for batch, form in itertools.product(setting.batches, subjects.forms(setting)):
        if deadline.over:
            break
        keep_step(setting, results, "steps", f"{form}, batch {batch}", form, batch)
    compare(setting, results)


def keep_step(setting: Setting, results: Results, part: str, key: str, form: str, batch: int) -> None:
    """Measure one form, or keep why it cannot be."""
    try:
        found = timed(setting, results, form, batch)
    except (RuntimeError, ValueError) as error:  # of torch: no memory, no such kernel; the other forms go on
        results.fail(part, key, error, traceback.format_exc())
        return
    results.keep(part, key, found, line(form, found))


def timed(setting: Setting, results: Results, form: str, batch: int) -> dict[str, float]:
    if setting.on_cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(setting.device)
    step = subjects.step_of(setting, form, subjects.recipe_of(RECIPE, batch))
    seconds = setting.seconds_of(step)
    found = {"batch": batch, "ms": 1000 * seconds, "images_per_second": batch / seconds}
    begun = time.perf_counter()  # no wait in between: what it takes to hand three steps over
    for _ in range(3):
        step()
    found["host_ms"] = 1000 * (time.perf_counter() - begun) / 3
    setting.wait()
    if setting.on_cuda:
        found["allocated_GB"] = torch.cuda.max_memory_allocated(setting.device) / 1e9
        found["reserved_GB"] = torch.cuda.max_memory_reserved(setting.device) / 1e9
    ceilings = results.found.get("limits", {}).get("images_per_second")
    if ceilings:
        found["share_of_limit"] = found["images_per_second"] / ceilings[limits.EACH_OPERATOR]
    return found


def line(form: str, found: dict[str, float]) -> str:
    memory = f", {found['allocated_GB']:.2f} GB" if "allocated_GB" in found else ""
    share = f", {found['share_of_limit']:.0%} of the limit" if "share_of_limit" in found else ""
    return (
        f"batch {found['batch']:>4} {form:<13} {found['images_per_second']:>9,.0f} images/s {found['ms']:>7.2f} ms "
        f"(host {found['host_ms']:.2f}){memory}{share}"
    )


def compare(setting: Setting, results: Results) -> None:
    """The best batch of each form, and how many times plain ours is at the first batch size."""
    rows: dict[str, dict[int, dict[str, Any]]] = {}
    for key, found in results.found.get("steps", {}).items():
        form, _, batch = key.rpartition(", batch ")
        if form and "images_per_second" in found:
            rows.setdefault(form, {})[int(batch)] = found
    for form, by_batch in rows.items():
        best = max(by_batch.values(), key=lambda found: found["images_per_second"])
        results.keep("steps", f"best of {form}", best, f"best of {form}: {line(form, best)}")
    first = setting.batches[0]
    if first in rows.get("plain", {}):
        plain = rows["plain"][first]["images_per_second"]
        times = {form: by[first]["images_per_second"] / plain for form, by in rows.items() if first in by}
        told = ", ".join(f"{form} {ratio:.2f}" for form, ratio in times.items())
        results.keep("steps", "times plain", times, f"batch {first}, times plain: {told}")


def measure_layouts(setting: Setting, results: Results, deadline: Deadline) -> None:
    """Plain in both layouts, by cuDNN's heuristics and by its benchmark; ours on networks of other widths."""
    batch, architecture = setting.batches[-1] if setting.smoke else 128, setting.architecture
    recipe, data = subjects.recipe_of(RECIPE, batch), random_images(8 * batch, architecture.input)
    layouts = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}
    for (name, layout), tries in itertools.product(layouts.items(), (False, True)):
        if deadline.over:
            return
        before, torch.backends.cudnn.benchmark = torch.backends.cudnn.benchmark, tries
        try:
            seconds = setting.seconds_of(subjects.plain_step(setting, recipe, architecture, data, layout))
        finally:
            torch.backends.cudnn.benchmark = before
        key = f"plain, {name}, cudnn.benchmark {tries}"
        found = {"batch": batch, "ms": 1000 * seconds, "images_per_second": batch / seconds}
        results.keep("layouts", key, found, f"{key}: {found['images_per_second']:,.0f} images/s")
    for name in () if setting.smoke else OTHERS:
        for form in subjects.forms(setting):
            if deadline.over:
                return
            step = subjects.step_of(setting, form, recipe, specfile.resolve(name).architecture)
            rate = batch / setting.seconds_of(step)
            found = {"batch": batch, "images_per_second": rate}
            results.keep("layouts", f"{form}, {name}", found, f"{name} {form}: {rate:,.0f} images/s")
