"""How long counting, drawing and moving in a budgeted space take, beside rejection sampling and an earlier build.

    python benchmarks/spaces.py [--repeats 5] [--base CHECKOUT] [--budgets 110M "110M, 900K params"]

The peer is what most toolkits do: draw repeats and blocks evenly and independently, price the architecture with the
same closed form, and throw it away when it misses the budget. What the peer draws is not uniform over the architectures
that fit; how many of its attempts fit is counted. Each budget is measured in a process of its own, which says how much
memory it needed at most; with ``--base``, the code in another checkout does the same in turn, for budgets of Multi-Adds
alone, which are all that it knows.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.space import Feasible, Space, load

RESULTS = Path(__file__).parent / "results" / "spaces.json"
HERE = Path(__file__).parents[1]
DRAWS = 200
BUDGETS = (
    "110M", "60M", "45M", "109.5M:110M",
    "110M, 900K params", "60M:110M, 900K params", "110M, 900KB int8 weights", "110M, 1MB memory",
    "110M, 900K params, 900KB int8 weights, 1MB memory",
)  # fmt: skip


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def attempt(space: Space, rng: np.random.Generator) -> Architecture:
    """An architecture whose repeats and blocks are drawn evenly and independently."""
    width = int(rng.integers(space.widths))
    repeats = [int(rng.choice(stage.repeats)) for stage in space.stages]
    blocks: list[list[Any]] = [[] for _ in space.stages]
    for slot in space.slots(width):
        if slot.index < repeats[slot.stage]:
            offered = space.options(slot)
            blocks[slot.stage].append(offered[int(rng.integers(len(offered)))])
    return space.build(width, blocks)


def measure(space: Space, written: str) -> dict[str, Any]:
    """One round: seconds of the tables and the count, milliseconds of a draw or move, and what the peer gets."""
    rng = np.random.default_rng(0)
    start = time.perf_counter()
    feasible = Feasible.of(space, written)
    figures: dict[str, Any] = {"tables_s": time.perf_counter() - start}
    figures["count_s"] = seconds(lambda: feasible.count)
    parents: list[Architecture] = []
    tried: list[Architecture] = []
    work = {
        "draw_ms": lambda: parents.extend(feasible.draw(rng) for _ in range(DRAWS)),
        "draw_even_ms": lambda: [feasible.draw_even(rng) for _ in range(DRAWS)],
        "mutate_ms": lambda: [feasible.mutate(parent, rng) for parent in parents],
        "crossover_ms": lambda: [feasible.crossover(a, b, rng) for a, b in itertools.pairwise(parents)],
        "rejection_attempt_ms": lambda: tried.extend(attempt(space, rng) for _ in range(DRAWS)),
    }
    for name, task in work.items():
        figures[name] = 1000 * seconds(task) / DRAWS
    figures["most_kb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    figures["fitting"] = str(feasible.count)
    if hasattr(feasible.budget, "bounds"):
        assert all(network in feasible.budget for network in parents), "a draw is outside the budget"
        figures["accepted"] = sum(network in feasible.budget for network in tried)
        figures["at_most"] = str(feasible.most)
    return figures


def in_a_process(checkout: Path, space: str, budget: str) -> dict[str, Any]:
    """A round in a process of its own, by the code of a checkout."""
    command = [sys.executable, __file__, "--space", space, "--round", budget]
    environment = os.environ | {"PYTHONPATH": str(checkout)}
    found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(found.stdout)
    return figures


def summarise(rounds: list[dict[str, Any]]) -> dict[str, Any]:
    """Median and range of each time; what does not vary as it is."""
    found: dict[str, Any] = {"fitting": rounds[0]["fitting"]}
    if "accepted" in rounds[0]:
        found["fitting_at_most"] = rounds[0]["at_most"]
        found["rejection_accepts"] = f"{sum(one['accepted'] for one in rounds)} of {DRAWS * len(rounds):,}"
    for name in rounds[0]:
        if name.endswith(("_s", "_ms", "_kb")):
            took = [one[name] for one in rounds]
            found[name] = {"median": round(statistics.median(took), 4), "min": min(took), "max": max(took)}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--space", default="seesaw-cifar")
    parser.add_argument("--budgets", nargs="+", default=list(BUDGETS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--base", type=Path, help="another checkout of the project, measured in turn")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--round", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.round:
        print(json.dumps(measure(load(options.space), options.round)))
        return
    result: dict[str, Any] = {"space": options.space, "repeats": options.repeats, "draws_each": DRAWS}
    result |= {"conditions": conditions(), "budgets": {}}
    for text in options.budgets:
        builds = {"": HERE} | ({"base": options.base} if options.base and "," not in text else {})
        rounds: dict[str, list[dict[str, Any]]] = {name: [] for name in builds}
        for _ in range(options.repeats):
            for name, checkout in builds.items():
                rounds[name].append(in_a_process(checkout, options.space, text))
        figures = summarise(rounds[""])
        if "base" in rounds:
            figures["base"] = summarise(rounds["base"])
        result["budgets"][text] = figures
        print(text)
        for name, figure in figures.items():
            print(f"    {name:<24} {figure}")
    write_json(options.out, result)


if __name__ == "__main__":
    main()
