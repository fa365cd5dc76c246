"""What is recommended after so many random trainings worth, and does the estimate say so, on recorded tables.

    python benchmarks/estimates.py [--repeats 40]

So many architectures of a table are drawn and trained once each, every one with one of its recorded seeds. Recommended
is the best observed, the best estimate among those trained, and the best estimate of the whole table. What each is
worth is the mean top-1 of the seeds that the run did not see. Claims are compared with that; held-out means are to fall
into intervals of 90% as often as these say, the noise of the seeds held out included.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.evaluators import table as tables
from seesaw_nas.search.estimates.model import Estimates
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.space import Feasible, load
from seesaw_nas.workflows.problem import make_problem

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "estimates.json"
TABLES = tuple(HERE / "tables" / f"{name}.parquet" for name in ("digits-small", "cifar16-band", "cifar16-wide"))
SIZES = (16, 30, 60, 100)
SHORT = 3  # epochs of the short trainings
HALVED = 3  # one in so many of the short trainings, the best by top-1, is trained to its end
DEVIATES = 1.645  # of an interval of 90%
SPEED = (1_000, 10_000)
Array = npt.NDArray[np.float64]


class Recorded:
    """A table as arrays; top-1 of each training is (architectures, seeds)."""

    def __init__(self, path: Path) -> None:
        table = tables.read(path)
        self.space = make_problem(SearchSettings.of(evaluator="table", table=str(path), device="cpu")).space
        self.epochs = table.epochs
        self.architectures = [entry.architecture for entry in table.entries]
        self._macs = [entry.macs for entry in table.entries]
        self.curves = [list(entry.curves.values()) for entry in table.entries]
        self.top1 = np.array([[curve[-1].top1 for curve in curves] for curves in self.curves], np.float64)

    @cached_property
    def rows(self) -> dict[str, Array]:
        """Features, worked out once for all repeats."""
        estimates = Estimates(self.space, self.epochs)
        return {one.digest: estimates.row(one) for one in self.architectures}

    def truth(self, seeds: Array) -> Array:
        """Mean top-1 of all seeds but one of each architecture: (architectures,)."""
        others = self.top1.shape[1] - 1
        return np.asarray((self.top1.sum(axis=1) - self.top1[np.arange(len(seeds)), seeds]) / others, np.float64)

    def record(self, number: int, k: int, seed: int, epochs: int) -> TrialRecord:
        curve, whole = self.curves[k][seed][:epochs], epochs == self.epochs
        top1 = curve[-1].top1 if whole else None
        state = "complete" if whole else "stopped"
        return TrialRecord(number, state, self.architectures[k], self._macs[k], 1, top1, curve=curve)

    def repeat(self, n: int, plan: str, number: int) -> dict[str, float]:
        """One run of n trainings by a plan: what it recommends and claims."""
        rng = np.random.default_rng([n, number])
        chosen = rng.choice(len(self.architectures), n, replace=False)
        seeds = rng.integers(self.top1.shape[1], size=len(self.architectures))
        truth = self.truth(seeds)
        epochs = dict.fromkeys(chosen.tolist(), self.epochs if plan == "whole" else SHORT)
        early = {k: float(self.curves[k][seeds[k]][SHORT - 1].top1 or 0.0) for k in epochs}
        if plan == "halving":
            epochs |= dict.fromkeys(sorted(epochs, key=lambda k: -early[k])[: max(1, n // HALVED)], self.epochs)
        estimates = Estimates(self.space, self.epochs, rows=self.rows)
        for place, (k, count) in enumerate(epochs.items()):
            estimates.tell(self.record(place, k, int(seeds[k]), count))
        estimate = estimates.of(self.architectures)
        seen = {k: float(self.curves[k][seeds[k]][count - 1].top1 or 0.0) for k, count in epochs.items()}
        longest = max(epochs.values())
        lucky = max((k for k in seen if epochs[k] == longest), key=lambda k: seen[k])
        own, best = chosen[np.argmax(estimate.mean[chosen])], int(np.argmax(estimate.mean))
        found = {"worth of the best observed": truth[lucky], "worth of the best estimate, trained": truth[own]}
        found["worth of the best estimate, of all"] = truth[best]
        found["says that it knows"] = float(estimates.knows)
        if plan != "short":  # otherwise the estimates are of the short recipe, which has another worth
            found["claim minus worth, observed"] = seen[lucky] - truth[lucky]
            found["claim minus worth, trained"] = estimate.mean[own] - truth[own]
            found["claim minus worth, of all"] = estimate.mean[best] - truth[best]
            width = DEVIATES * np.sqrt(estimate.sd**2 + estimate.noise**2 / (self.top1.shape[1] - 1))
            inside = np.abs(truth - estimate.mean) < width
            others = np.setdiff1d(np.arange(len(truth)), chosen)
            found["in intervals, trained"] = inside[chosen].mean()
            found["in intervals, others"] = inside[others].mean()
            found["in intervals, recommended"] = inside[own]
        return {name: float(value) for name, value in found.items()}


def measured(recorded: Recorded, repeats: int) -> dict[str, dict[str, object]]:
    """By number of trainings and plan, the mean over the repeats and its standard error."""
    found: dict[str, dict[str, object]] = {}
    for n in SIZES:
        if n > 0.7 * len(recorded.architectures):
            continue
        for plan in ("short", "whole", "halving"):
            runs = [recorded.repeat(n, plan, number) for number in range(repeats)]
            values = {name: np.array([run[name] for run in runs]) for name in runs[0]}
            told = {
                name: [_rounded(v.mean()), _rounded(v.std(ddof=1) / np.sqrt(repeats))] for name, v in values.items()
            }
            found[f"{n} {plan}"] = told
            print(f"{n:4} {plan:8}", {name: mean for name, (mean, _) in told.items()}, flush=True)
    return found


def _rounded(value: float) -> float:
    return round(float(value), 4)


def timed() -> dict[str, dict[str, float]]:
    """Milliseconds of CPU for a trial told and ten architectures asked, in a run of the digits, by trials before."""
    space, rng = load("seesaw-digits"), np.random.default_rng(0)
    feasible, found = Feasible.of(space, "600K"), {}
    recorded = Recorded(TABLES[0])
    curves = [curve for curves in recorded.curves for curve in curves]
    for count in SPEED:
        drawn = [feasible.draw(rng) for _ in range(count + count // 10)]
        estimates = Estimates(space, recorded.epochs)
        for one in drawn:
            estimates.row(one)  # not the estimates' own time
        records = [
            TrialRecord(i, "complete", one, 1, 1, curves[i % len(curves)][-1].top1, curve=curves[i % len(curves)])
            for i, one in enumerate(drawn)
        ]
        for record in records[:count]:
            estimates.tell(record)
        estimates.of(drawn[:10])
        each = []
        for record in records[count:]:
            start = time.process_time()
            estimates.tell(record)
            estimates.of(drawn[:10])
            each.append(1000 * (time.process_time() - start))
        start = time.process_time()
        estimates.best(feasible.budget)
        found[str(count)] = {
            "tell and of, median": round(float(np.median(each)), 2),
            "tell and of, mean": round(float(np.mean(each)), 2),
            "tell and of, longest": round(max(each), 1),
            "best of the space": round(1000 * (time.process_time() - start), 1),
        }
        print(f"after {count} trials, ms: {found[str(count)]}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    result: dict[str, object] = {"conditions": conditions("cpu", "pyarrow"), "repeats": options.repeats}
    for path in TABLES:
        recorded = Recorded(path)
        print(path.stem, flush=True)
        result[path.stem] = {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "split": "validation",
            "architectures": len(recorded.architectures), "trainings_of_each": recorded.top1.shape[1],
            "epochs": recorded.epochs, "short": SHORT, "mean_and_error": measured(recorded, options.repeats),
        }  # fmt: skip
    result["milliseconds"] = timed()
    write_json(options.out, result)


if __name__ == "__main__":
    main()
