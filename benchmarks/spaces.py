"""How long counting, drawing and moving in a budgeted space take, beside rejection sampling.

    python benchmarks/spaces.py [--space seesaw-cifar] [--budgets 110M 60M 45M 109.5M:110M] [--repeats 5]

The peer is what most toolkits do: draw repeats and blocks evenly and independently, price the architecture with the
same closed form, and throw it away when it misses the budget. Both run in turn in the same process. What the peer
draws is not uniform over the architectures that fit; how many of its attempts fit is counted.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.space import Budget, Feasible, Space, load

RESULTS = Path(__file__).parent / "results" / "spaces.json"
DRAWS = 200


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def attempt(space: Space, rng: np.random.Generator) -> int:
    """The Multi-Adds of an architecture whose repeats and blocks are drawn evenly and independently."""
    width = int(rng.integers(space.widths))
    repeats = [int(rng.choice(stage.repeats)) for stage in space.stages]
    blocks: list[list] = [[] for _ in space.stages]
    for slot in space.slots(width):
        if slot.index < repeats[slot.stage]:
            offered = space.options(slot)
            blocks[slot.stage].append(offered[int(rng.integers(len(offered)))])
    return cost.macs(space.build(width, blocks))


def measure(space: Space, budget: Budget, repeats: int) -> dict[str, object]:
    rng = np.random.default_rng(0)
    figures: dict[str, list[float]] = {}
    accepted = attempts = 0
    for _ in range(repeats):
        fresh = load(space.name)
        start = time.perf_counter()
        feasible = Feasible(fresh, budget)
        figures.setdefault("tables_s", []).append(time.perf_counter() - start)
        figures.setdefault("count_s", []).append(seconds(lambda f=feasible: f.count))
        parents: list[Architecture] = []
        draws = seconds(lambda f=feasible, p=parents: p.extend(f.draw(rng) for _ in range(DRAWS)))
        even = seconds(lambda f=feasible: [f.draw_even(rng) for _ in range(DRAWS)])
        mutants = seconds(lambda f=feasible, p=parents: [f.mutate(parent, rng) for parent in p])
        children = seconds(lambda f=feasible, p=parents: [f.crossover(a, b, rng) for a, b in itertools.pairwise(p)])
        tried: list[int] = []
        rejection = seconds(lambda t=tried, s=fresh: t.extend(attempt(s, rng) for _ in range(DRAWS)))
        accepted += sum(macs in budget for macs in tried)
        attempts += len(tried)
        for name, took in (("draw", draws), ("draw_even", even), ("mutate", mutants), ("crossover", children)):
            figures.setdefault(f"{name}_ms", []).append(1000 * took / DRAWS)
        figures.setdefault("rejection_attempt_ms", []).append(1000 * rejection / DRAWS)
    spread = {
        name: {"median": statistics.median(took), "min": min(took), "max": max(took)} for name, took in figures.items()
    }
    return spread | {"rejection_accepted": accepted, "rejection_attempts": attempts, "fitting": str(feasible.count)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--space", default="seesaw-cifar")
    parser.add_argument("--budgets", nargs="+", default=["110M", "60M", "45M", "109.5M:110M"])
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    space = load(options.space)
    result: dict[str, object] = {"space": space.name, "repeats": options.repeats, "draws_each": DRAWS}
    result |= {"conditions": conditions(), "budgets": {}}
    for text in options.budgets:
        figures = measure(space, Budget.parse(text, space.costliest), options.repeats)
        result["budgets"][text] = figures
        print(text)
        for name, figure in figures.items():
            print(f"    {name:<24} {figure}")
    RESULTS.parent.mkdir(exist_ok=True)
    write_json(RESULTS, result)


if __name__ == "__main__":
    main()
