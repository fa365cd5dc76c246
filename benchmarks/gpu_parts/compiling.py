"""Training steps by torch.compile. The compiler fills its cache in a process of its own, beside the trainings."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from gpu_parts import steps, subjects
from gpu_parts.results import Deadline, Results
from gpu_parts.setting import Setting

SCRIPT = Path(__file__).resolve().parents[1] / "gpu.py"
BATCHES = (128, 1024)
MEASURING = 40.0  # seconds that the measurement itself wants after the compiling


def begin(setting: Setting) -> None:
    """Start the compiler, unless it has been started or the script is only being tried."""
    if setting.background.process is None and not setting.smoke:
        setting.background.start([sys.executable, str(SCRIPT), "--out", str(setting.work), "--only-compile"])


def fill_cache(setting: Setting) -> None:
    """Take one compiled step at each batch size."""
    for batch in BATCHES:
        subjects.step_of(setting, subjects.COMPILED, subjects.recipe_of(steps.RECIPE, batch))()
        setting.wait()


def measure(setting: Setting, results: Results, deadline: Deadline) -> None:
    """As the other forms of a step, and the seconds in all; it takes minutes, so the script is tried without."""
    if setting.smoke:
        results.keep("compiled", "left out", "compiling takes minutes")
        return
    setting.background.wait(deadline.left - MEASURING)
    for batch in BATCHES:
        if deadline.over:
            return
        begun = time.perf_counter()
        steps.keep_step(setting, results, "compiled", f"compiled, batch {batch}", subjects.COMPILED, batch)
        results.keep("compiled", f"seconds in all, batch {batch}", time.perf_counter() - begun)
