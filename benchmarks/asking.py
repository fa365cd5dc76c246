"""How long a search takes to ask and tell, after a thousand and ten thousand trials, beside an earlier build.

    python benchmarks/asking.py --base CHECKOUT [--trials 1000 10000] [--rounds 3]

The default strategy proposes in `seesaw-digits` within 600K, and is told a made-up top-1 for four epochs at once. Each
build runs in a process of its own, in turn; what is measured is the processor's time of one `ask` and `tell` together,
the median over the last hundred trials. Estimates are followed by the builds that have them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from seesaw_nas import space
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.evaluators import Score
from seesaw_nas.search.history.file_history import FileHistory
from seesaw_nas.search.proposer import Proposer
from seesaw_nas.search.strategies import make
from seesaw_nas.search.strategies.base import Setting
from seesaw_nas.space import Feasible
from seesaw_nas.training.epoch import Epoch

RESULTS = Path(__file__).parent / "results" / "asking.json"
HERE = Path(__file__).parents[1]
SPACE, BUDGET, EPOCHS, LAST = "seesaw-digits", "600K", 4, 100


def proposer(trials: int) -> Proposer:
    """The default strategy at the beginning of a search in memory, with estimates where the build has them."""
    feasible = Feasible.of(space.load(SPACE), BUDGET)
    more: dict[str, Any] = {}
    try:
        from seesaw_nas.search.estimates.live import Live

        more["live"] = Live(feasible.space, feasible.budget, EPOCHS)
    except ImportError:  # a build without estimates
        pass
    setting = Setting(feasible, 0, "front", (EPOCHS,), **more)
    history = FileHistory(None, feasible.space, feasible.budget, 0)
    return Proposer(history, make("thompson", setting), trials=trials + 1, epochs=EPOCHS, **more)


def measure(trials: int) -> dict[str, float]:
    """Milliseconds of one ask and tell: the median of the last hundred, and the mean of all."""
    search, rng, took = proposer(trials), np.random.default_rng(0), []
    for _ in range(trials):
        start = time.process_time()
        job = search.ask()
        took.append(time.process_time() - start)
        assert job is not None, "the space is far larger"
        top1 = float(np.clip(0.5 + 0.4 * job.macs / 600_000 + 0.03 * rng.standard_normal(), 0.01, 0.99))
        curve = tuple(Epoch(n, 2 - top1, 2.1 - top1, top1 * n / EPOCHS, 1.0) for n in range(1, EPOCHS + 1))
        score = Score(top1, "validation", 1.0, curve)
        start = time.process_time()
        search.tell(job, score)
        took[-1] += time.process_time() - start
    return {"last_ms": 1000 * statistics.median(took[-LAST:]), "mean_ms": 1000 * statistics.fmean(took)}


def in_a_process(checkout: Path, trials: int) -> dict[str, float]:
    """A round by the code of a checkout."""
    command = [sys.executable, __file__, "--round", str(trials)]
    environment = os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    found = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(found.stdout)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--base", type=Path, help="another checkout of the project, measured in turn")
    parser.add_argument("--trials", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--round", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.round:
        print(json.dumps(measure(options.round)))
        return
    builds = {"": HERE} | ({"base": options.base} if options.base else {})
    result: dict[str, Any] = {"space": SPACE, "budget": BUDGET, "conditions": conditions(), "trials": {}}
    for trials in options.trials:
        rounds: dict[str, list[dict[str, float]]] = {name: [] for name in builds}
        for _ in range(options.rounds):
            for name, checkout in builds.items():
                rounds[name].append(in_a_process(checkout, trials))
        figures = {
            name or "here": {key: [round(one[key], 2) for one in several] for key in several[0]}
            for name, several in rounds.items()
        }
        result["trials"][str(trials)] = figures
        print(trials, json.dumps(figures))
    write_json(options.out, result)


if __name__ == "__main__":
    main()
