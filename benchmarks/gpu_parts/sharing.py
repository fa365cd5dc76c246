"""A supernet: its step, with a fresh draw each time, beside those of the networks alone; scores with its weights."""

from __future__ import annotations

import time

import torch

from gpu_parts import subjects
from gpu_parts.results import Deadline, Results
from gpu_parts.setting import Setting

RECIPE = "quick"
ALONE = 3  # networks
TOGETHER = 8  # architectures of a call, two where the script is only tried


def measure(setting: Setting, results: Results, deadline: Deadline) -> None:
    """Milliseconds of steps, the host's and all; scores a second, one a call and several."""
    shared = subjects.Shared.of(setting, RECIPE)
    step = shared.steps()
    seconds = setting.seconds_of(step, setting.warm, 3 if setting.smoke else 60)
    begun = time.perf_counter()
    for _ in range(3):
        step()
    host = (time.perf_counter() - begun) / 3
    setting.wait()
    found = {"batch": shared.batch, "ms": 1000 * seconds, "host_ms": 1000 * host}
    if setting.on_cuda:
        found["allocated_GB"] = torch.cuda.memory_allocated(setting.device) / 1e9
    told = f"{1000 * seconds:.1f} ms (host {1000 * host:.1f}), batch {shared.batch}"
    results.keep("supernet", "step", found, f"a step, another architecture each time: {told}")
    if not deadline.over:
        measure_alone(setting, results, shared, seconds)
    for count in (1, 2 if setting.smoke else TOGETHER):
        if not deadline.over:
            measure_scores(setting, results, shared, count)


def measure_alone(setting: Setting, results: Results, shared: subjects.Shared, supernet_seconds: float) -> None:
    """Steps of some drawn networks alone, eager, by the same recipe."""
    recipe = subjects.recipe_of(RECIPE, shared.batch)
    drawn = shared.draw(1 if setting.smoke else ALONE, seed=2)
    taken = [setting.seconds_of(subjects.step_of(setting, "ours", recipe, architecture)) for architecture in drawn]
    mean = sum(taken) / len(taken)
    found = {"ms": [1000 * seconds for seconds in taken], "supernet_times_alone": supernet_seconds / mean}
    told = f"{1000 * mean:.1f} ms, of which the supernet's step is {supernet_seconds / mean:.2f} times"
    results.keep("supernet", "alone", found, f"a step of a network alone, mean of {len(taken)}: {told}")


def measure_scores(setting: Setting, results: Results, shared: subjects.Shared, count: int) -> None:
    """Architectures that were not scored before."""
    calls, warm = (2, 1) if setting.smoke else (max(3, 24 // count), 2)
    drawn = shared.draw(count * (calls + warm), seed=1)
    calls_of = iter([drawn[i : i + count] for i in range(0, len(drawn), count)])
    seconds = setting.seconds_of(lambda: shared.evaluator.scores(next(calls_of)), warm, calls) / count
    images = len(shared.trainer.data.validation)
    found = {"architectures_a_call": count, "scores_per_second": 1 / seconds, "images": images}
    told = f"{1 / seconds:.1f} a second, {images:,} images each"
    results.keep("supernet", f"scores, {count} a call", found, f"inherited scores, {count} a call: {told}")
