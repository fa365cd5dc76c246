"""What `search --plan shared` spends to reach the best top-1 that plain TPE finds by training every trial whole.

    python benchmarks/shared_plan.py --data-dir DIR [--seeds 3] [--trials 8] ...

The peer's trainings are read from the results of full_trainings.py, measured on the same machine with one thread:
same images, space, budget, recipe and epochs. Ours is one call of `api.begin` for each seed. Everything is counted in
core-seconds of the whole process: the supernet, scores, proposals, files and pages included, loading the images not.
A trial counts as having reached the target when it was trained from scratch by the peer's recipe to its last epoch and
its validation top-1, which is of one seed as the peer's are, is at least that of the peer's best. Trials that were
trained on from the supernet's weights reach more; they are told and do not count.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import torch
from full_trainings import BUDGET, EPOCHS, IMAGE_SIZE, RESULTS, SPACE, TRAIN_SIZE

from seesaw_nas import api, data
from seesaw_nas.core.conditions import conditions
from seesaw_nas.search.listener import Listener

OUT = RESULTS.with_name("shared-plan.json")


class Spent(Listener):
    """Core-seconds at the end of each trial and stage."""

    def __init__(self) -> None:
        self.started = time.process_time()
        self.stages: list[tuple[str, float]] = []
        self.trials: list[tuple[float, float]] = []

    @property
    def seconds(self) -> float:
        """So far."""
        return time.process_time() - self.started

    def stage(self, number: int, total: int, what: str, count: int) -> None:
        """Note when it begins, and forget the trials of those before."""
        self.stages.append((what, self.seconds))
        self.trials.clear()

    def ended(self, record) -> None:
        """Note what it reached."""
        if record.state == "complete":
            self.trials.append((record.top1, self.seconds))


def main() -> None:
    """Search with every seed, and write what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--peer", type=Path, default=RESULTS)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--trials", type=int, default=8)
    parser.add_argument("--tuned", type=int, default=16)
    parser.add_argument("--candidates", type=int, default=300)
    parser.add_argument("--supernet-epochs", type=int, default=12)
    parser.add_argument("--min-epochs", type=int, default=EPOCHS)
    parser.add_argument("--sampling", default="single-path")
    parser.add_argument("--validation-size", type=int, default=0)
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    images = data.load("cifar10", args.data_dir, IMAGE_SIZE)
    images = replace(images, train=data.subset(images.train, TRAIN_SIZE, 0))
    peer = [json.loads(line) for line in args.peer.read_text().splitlines()[1:]]
    runs = []
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        theirs = [line for line in peer if line["seed"] == seed]
        runs.append(_run(seed, args, images, theirs))
        print(json.dumps(runs[-1], indent=1), flush=True)
        _write(args, runs)


def _run(seed: int, args: argparse.Namespace, images: data.SearchData, theirs: list[dict]) -> dict:
    settings = api.SearchSettings.of(
        dataset="cifar10",
        space=str(SPACE),
        budget=str(BUDGET),
        objectives="top1",
        plan="shared",
        epochs=EPOCHS,
        min_epochs=args.min_epochs,
        trials=args.trials,
        tuned=args.tuned,
        candidates=args.candidates,
        supernet_epochs=args.supernet_epochs,
        sampling=args.sampling,
        confirm=1,
        confirm_seeds=1,
        curve=False,
        seed=seed,
        device="cpu",
    )
    with tempfile.TemporaryDirectory() as folder:
        spent = Spent()
        result = api.begin(settings, given=api.Objects(data=images), name="run", runs_dir=folder, listener=spent)
        stages = [{**entry} for entry in result.stages]
    target, cost = max(line["top1"] for line in theirs), sum(line["core_seconds"] for line in theirs)
    reached = next((seconds for top1, seconds in spent.trials if top1 >= target), None)
    total = spent.trials[-1][1]
    return {
        "seed": seed,
        "target": target,
        "their_trainings": len(theirs),
        "their_core_seconds": cost,
        "core_seconds": total,
        "share": total / cost,
        "reached_after": reached,
        "share_when_reached": None if reached is None else reached / cost,
        "trials": spent.trials,
        "begun_at": spent.stages,
        "stages": stages,
    }


def _write(args: argparse.Namespace, runs: list[dict]) -> None:
    options = {name: value for name, value in vars(args).items() if not isinstance(value, Path)}
    reached = [run["share_when_reached"] for run in runs if run["reached_after"] is not None]
    summary = {
        "reached": f"{len(reached)} of {len(runs)}",
        "median_share_when_reached": statistics.median(reached) if reached else None,
        "best": [max(top1 for top1, _ in run["trials"]) for run in runs],
        "target": [run["target"] for run in runs],
    }
    about = conditions("cpu") | {"threads": str(torch.get_num_threads())}
    document = {"conditions": about, "options": options, "summary": summary, "runs": runs}
    args.out.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    main()
