"""What answers of searches on real images are worth: plain TPE's after 100 whole trainings, ours after a fifth of that.

    python benchmarks/shared_plan.py --data-dir DIR [--searches 3] [--retrain 5] [--methods tpe thompson shared]

The case is the one of full_trainings.py, with its images, space, budget, recipe and epochs; its results hold the
trainings of plain TPE, whose answer is the best observed. Ours are `search` with the default strategy, 20 trainings'
worth, and `search --plan shared`, set up to take about as long. The network that each search hands back is trained
again with seeds that no search saw.

worth          mean top-1 of these trainings on the validation split, with its standard error
claim          top-1 that the search says of its network: the estimate, or TPE's observed figure
core_seconds   of the whole search: the supernet, scores, proposals, files and pages included, loading the images not

A line goes to the result file for each search and each training at once; a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from full_trainings import BUDGET, EPOCHS, IMAGE_SIZE, RESULTS, SPACE, TRAIN_SIZE

from seesaw_nas import api, data, space
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.core.conditions import conditions
from seesaw_nas.network.models import build
from seesaw_nas.space import decode
from seesaw_nas.training import recipes
from seesaw_nas.training.loop import train

OUT = RESULTS.with_name("shared-plan.jsonl")
FRESH = 10_000_000  # first of the seeds that no search uses
TRIALS = 20  # of 100 whole trainings
PLAN = {"plan": "shared", "trials": 6, "tuned": 4, "candidates": 60, "supernet_epochs": 4, "min_epochs": 2,
        "confirm": 1, "confirm_seeds": 1}  # fmt: skip


@dataclass(frozen=True)
class Answer:
    """What a search hands back.

    Attributes:
        claim: top-1 that the search says of it, a fraction.
    """

    architecture: Architecture
    claim: float
    core_seconds: float


def main() -> None:
    """Search, train the answers again, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--searches", type=int, default=3)
    parser.add_argument("--retrain", type=int, default=5)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    images = data.load("cifar10", args.data_dir, IMAGE_SIZE)
    images = replace(images, train=data.subset(images.train, TRAIN_SIZE, 0))
    log = Log(args.out)
    for seed in range(args.searches):
        for method in args.methods:
            answer = log.answer(method, seed, partial(METHODS[method], seed, images))
            for fresh in range(FRESH, FRESH + args.retrain):
                log.training(answer.architecture, fresh, images)
    for method in args.methods:
        print(json.dumps(log.summary(method)))


def _of_tpe(seed: int, images: data.SearchData) -> Answer:
    """The best observed of the recorded trainings."""
    lines = [line for line in map(json.loads, RESULTS.read_text().splitlines()[1:]) if line["seed"] == seed]
    best = max(lines, key=lambda line: line["top1"])
    searched = space.load(str(SPACE))
    return Answer(decode(searched, best["genotype"]), best["top1"], sum(line["core_seconds"] for line in lines))


def _of_ours(options: dict[str, object], seed: int, images: data.SearchData) -> Answer:
    """What one call of `search` recommends."""
    settings = api.SearchSettings.of(
        dataset="cifar10", space=str(SPACE), budget=str(BUDGET), objectives="top1", epochs=EPOCHS, curve=False,
        seed=seed, device="cpu", **options,
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        started = time.process_time()
        result = api.begin(settings, given=api.Objects(data=images), name="run", runs_dir=folder)
        spent, best = time.process_time() - started, result.best
    assert best is not None, "every training failed"
    figures = result.standing.figures(best)
    return Answer(best.architecture, best.top1 if figures is None else figures.estimate, spent)


METHODS: dict[str, Callable[[int, data.SearchData], Answer]] = {
    "tpe": _of_tpe,
    "thompson": partial(_of_ours, {"trials": TRIALS}),
    "shared": partial(_of_ours, PLAN),
}


class Log:
    """Searches and trainings done so far, a line each after one with the conditions."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            self._append(conditions("cpu") | {"threads": str(torch.get_num_threads())})
        lines = [json.loads(line) for line in path.read_text().splitlines()[1:]]
        self._answers = {(line["method"], line["search"]): line for line in lines if "method" in line}
        self._top1 = {(line["digest"], line["seed"]): line["top1"] for line in lines if "top1" in line}

    def answer(self, method: str, seed: int, search: Callable[[], Answer]) -> Answer:
        """That of a search, which is carried out where it is not known yet."""
        if (method, seed) not in self._answers:
            found = search()
            line = {"method": method, "search": seed, "claim": found.claim, "core_seconds": found.core_seconds}
            line |= {"digest": found.architecture.digest, "spec": found.architecture.to_dict()}
            self._answers[method, seed] = line
            self._append(line)
        line = self._answers[method, seed]
        return Answer(Architecture.from_dict(line["spec"]), line["claim"], line["core_seconds"])

    def training(self, architecture: Architecture, seed: int, images: data.SearchData) -> None:
        """Train an answer with a fresh seed, as full_trainings.py does, where that was not done yet."""
        if (architecture.digest, seed) in self._top1:
            return
        recipe = recipes.recipe("quick", EPOCHS)
        found = train(build(architecture, seed=seed), images, recipe, seed=seed, evaluate_each_epoch=False)
        self._top1[architecture.digest, seed] = found.top1
        self._append({"digest": architecture.digest, "seed": seed, "top1": found.top1})

    def summary(self, method: str) -> dict[str, object]:
        """A row of the table: worths by search with their standard errors, claims and costs."""
        answers = [line for (name, _), line in sorted(self._answers.items()) if name == method]
        top1 = [[value for (digest, _), value in self._top1.items() if digest == line["digest"]] for line in answers]
        worths = [statistics.mean(values) for values in top1]
        errors = [statistics.stdev(values) / len(values) ** 0.5 if len(values) > 1 else None for values in top1]
        return {
            "method": method, "worth": statistics.mean(worths), "worths": worths, "standard_errors": errors,
            "claims": [line["claim"] for line in answers], "core_seconds": [line["core_seconds"] for line in answers],
        }  # fmt: skip

    def _append(self, line: dict[str, object]) -> None:
        with self._path.open("a") as file:
            file.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
