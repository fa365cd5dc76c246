"""Inside a step: where the host waits for the device, which kernels run, and whether the forms agree."""

from __future__ import annotations

import collections
import warnings
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile

from gpu_parts import subjects
from gpu_parts.results import Deadline, Results
from gpu_parts.setting import Setting

STEPS = 3
AGREEMENT = 40  # steps


def measure_waits(setting: Setting, results: Results, deadline: Deadline) -> None:
    """Waits of a step by file and line, as torch warns of them; there should be none."""
    batch = setting.batches[0]
    for name, step in {
        "training, paper": subjects.step_of(setting, "ours", subjects.recipe_of("paper", batch)),
        "training, modern": subjects.step_of(setting, "ours", subjects.recipe_of("modern", batch)),
        "training, modern and mixup": subjects.step_of(setting, "ours", subjects.recipe_of("modern", batch, mixup=0.2)),
        "supernet, quick": subjects.Shared.of(setting, "quick").steps(),
        "supernet, modern": subjects.Shared.of(setting, "modern").steps(),
    }.items():
        if deadline.over:
            return
        for _ in range(STEPS):
            step()
        setting.wait()
        places = waits(setting, step)
        told = f"{sum(places.values()) / STEPS:g} a step {dict(places.most_common(4))}"
        results.keep("waits", name, dict(places), f"{name}: {told if setting.on_cuda else 'no GPU to wait for'}")


def waits(setting: Setting, step: subjects.Step) -> collections.Counter[str]:
    """Places in a few steps; without CUDA there are none."""
    if setting.on_cuda:
        torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for _ in range(STEPS):
                step()
    finally:
        if setting.on_cuda:
            torch.cuda.set_sync_debug_mode("default")
    told = [warning for warning in caught if "synchroniz" in str(warning.message)]
    return collections.Counter(f"{Path(warning.filename).name}:{warning.lineno}" for warning in told)


def measure_profile(setting: Setting, results: Results, deadline: Deadline) -> None:
    """Operators, kernels and the device's own time of a step, in a table each: profile-FORM.txt."""
    batch = setting.batches[-1] if setting.smoke else 128
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if setting.on_cuda else [])]
    for form in ("ours", "plain"):
        if deadline.over:
            return
        step = subjects.step_of(setting, form, subjects.recipe_of("modern", batch))
        for _ in range(setting.warm):
            step()
        setting.wait()
        with profile(activities=activities) as seen:
            for _ in range(STEPS):
                step()
            setting.wait()
        kernels = [event for event in seen.events() if str(event.device_type).endswith("CUDA")]
        operators = [event for event in seen.events() if event.name.startswith("aten::")]
        found = {
            "operators": len(operators) / STEPS,
            "kernels": len(kernels) / STEPS,
            "device_ms": sum(event.self_device_time_total for event in kernels) / 1000 / STEPS,
        }
        order = "self_device_time_total" if setting.on_cuda else "self_cpu_time_total"
        table = seen.key_averages().table(sort_by=order, row_limit=25, max_name_column_width=90)
        (setting.out / f"profile-{form}.txt").write_text(table)
        told = f"{found['kernels']:.0f} kernels, {found['device_ms']:.2f} ms of the device a step"
        results.keep("profile", form, found, f"{form}, batch {batch}: {found['operators']:.0f} operators, {told}")


def measure_agreement(setting: Setting, results: Results, deadline: Deadline) -> None:
    """The losses of the same steps in every form, at one rate, on real images where they are at hand."""
    recipe = subjects.recipe_of("quick", setting.batches[0], schedule="step", warm_up=0.0)
    losses: dict[str, list[float]] = {}
    for form in subjects.forms(setting):
        if deadline.over:
            break
        step = subjects.step_of(setting, form, recipe, data=setting.images)
        taken = torch.stack([step() for _ in range(4 if setting.smoke else AGREEMENT)])
        losses[form] = taken.tolist()
        results.keep("agreement", form, losses[form])
    for form in losses:
        apart = max(abs(a - b) / abs(b) for a, b in zip(losses[form], losses["plain"], strict=True))
        told = (
            f"last loss {losses[form][-1]:.4f}, at most {apart:.1e} of it apart from plain in {len(losses[form])} steps"
        )
        results.keep("agreement", f"{form}, apart from plain", apart, f"{form}: {told}")
