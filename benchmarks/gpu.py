"""What the product does on a GPU, in one call: the most telling part first, each within its own seconds.

    python benchmarks/gpu.py --out FOLDER --data FOLDER_WITH_CIFAR [--seconds 470] [--parts limits steps ...]
    python benchmarks/gpu.py --out FOLDER --smoke

Every figure is in FOLDER/gpu.json as soon as it is there; a table is printed last. A part that fails says so and costs
itself alone. --smoke does the same on next to nothing, on whatever device there is, to try the script itself: its
figures mean nothing. benchmarks/README.md says how all this reaches a machine without a network.

Compared are: plain, the paper's definition as a user would train it (eager, contiguous, torch's own optimiser, autocast
to bfloat16); ours, as the product trains; ours by CUDA graphs; ours by torch.compile.
"""

from __future__ import annotations

import argparse
import time
import traceback
from collections.abc import Callable
from pathlib import Path

from gpu_parts import compiling, deployed, limits, searches, sharing, steps, trainings, watching
from gpu_parts.results import Deadline, Results
from gpu_parts.setting import Setting

from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.device import AUTO, describe, find_device

Part = Callable[[Setting, Results, Deadline], None]

# seconds that each may take at most; in the order of what tells most
PARTS: dict[str, tuple[float, Part]] = {
    "limits": (10, limits.measure),
    "steps": (80, steps.measure),
    "waits": (15, watching.measure_waits),
    "agreement": (25, watching.measure_agreement),
    "supernet": (30, sharing.measure),
    "epoch": (25, trainings.measure_epoch),
    "training": (120, trainings.measure),
    "search": (90, searches.measure),
    "deployed": (45, deployed.measure),
    "profile": (20, watching.measure_profile),
    "layouts": (40, steps.measure_layouts),
    "compiled": (60, compiling.measure),
}
SHORTEST = 10.0  # seconds that any part needs


def main() -> None:
    options = parsed()
    out = options.out.resolve()
    results = Results(out)
    setting = Setting.of(find_device(options.device), out, options.data, options.smoke)
    if options.only_compile:
        compiling.fill_cache(setting)
        return
    about = conditions(describe(setting.device))
    results.found["conditions"] = about | ({"commit": options.commit} if options.commit else {})
    results.keep("setting", "network", setting.spec, about.get("gpu", about["device"]))
    results.keep("setting", "smoke", setting.smoke)
    whole = Deadline(options.seconds)
    try:
        for name in options.parts:
            take(name, setting, results, whole)
    finally:
        setting.background.end()
    print(f"\nsummary\n{results.summary}", flush=True)


def take(name: str, setting: Setting, results: Results, whole: Deadline) -> None:
    """One part, if there is time for it."""
    most, measure = PARTS[name]
    if whole.left < SHORTEST:
        results.keep(name, "left out", f"{whole.left:.0f} s left", f"left out: {whole.left:.0f} s left")
        return
    begun = time.perf_counter()
    try:
        measure(setting, results, Deadline(min(most, whole.left - SHORTEST / 2)))
    except Exception as error:  # whatever it is, the other parts can still tell something
        results.fail(name, "part", error, traceback.format_exc())
    results.keep(name, "part_seconds", round(time.perf_counter() - begun, 1))


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for gpu.json and the profiles")
    parser.add_argument("--data", type=Path, help="folder that holds cifar-10-batches-bin; without, random images")
    parser.add_argument("--seconds", type=float, default=470.0, help="for everything together")
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--device", default=AUTO)
    parser.add_argument("--commit", default="", help="of the code, where it is a copy without its history")
    parser.add_argument("--smoke", action="store_true", help="next to nothing of everything, to try the script")
    parser.add_argument("--only-compile", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
