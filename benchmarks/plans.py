"""How long the plan says that work takes, and how long it takes: searches, tables, final trainings and supernets.

    python benchmarks/plans.py [--data-dir FOLDER_WITH_CIFAR] [--cases search train ...] [--tiny]

Every kind of work runs once on the digits and, with CIFAR's folder, once on CIFAR-10 at 16x16: eight minutes of two
cores. Time counts from when the plan is made to the end, with everything that is written. Beside the plan's estimate
stands the one that the search gives when half of its trials are done. A busy machine is no place for this: what else
runs there changes between the two.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from seesaw_nas import api
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.device import describe
from seesaw_nas.core.files import write_json
from seesaw_nas.search.records import TrialRecord
from seesaw_nas.workflows.forecast import Forecast

HERE = Path(__file__).parent
RESULTS = HERE / "results" / "plans.json"
AIM = 1.5  # times as long or as short as was said
DIGITS: dict[str, Any] = {"dataset": "digits", "budget": "600K", "epochs": 4}
CIFAR: dict[str, Any] = {
    "dataset": "cifar10", "image_size": 16, "space": str(HERE / "spaces" / "seesaw-cifar-16.toml"), "budget": "600K",
    "epochs": 2, "train_size": 4000,
}  # fmt: skip
TINY: dict[str, Any] = {"epochs": 1, "train_size": 200, "validation_size": 100}
SHARED: dict[str, Any] = {"plan": "shared", "supernet_epochs": 2, "candidates": 64, "tuned": 4, "trials": 2}
SEARCHES: dict[str, dict[str, Any]] = {
    "search": {"trials": 6},
    "stopped early": {"trials": 8, "scheduler": "asha", "min_epochs": 1},
    "two workers": {"trials": 8, "engine": "local", "workers": 2},
    "confirm": {"trials": 3, "confirm": 1, "confirm_seeds": 1, "latency": True},
    "shared": SHARED | {"confirm": 1, "confirm_seeds": 1},
}
OF_ONE = ("stopped early", "two workers")  # say nothing new of other images
OF_TRAINING = ("dataset", "epochs", "train_size", "data_dir", "device")


@dataclass
class Watch(api.Listener):
    """Hears what a plan says, and what a search says halfway.

    Attributes:
        said: seconds by the plan, the first where there are several.
        since: when it was said.
        halfway: seconds in all, by what was foreseen when half of the trials were done.
    """

    said: float = 0.0
    since: float = 0.0
    halfway: float | None = None
    _forecasts: list[Forecast] = field(default_factory=list)
    _wanted: int = 0
    _seen: set[int] = field(default_factory=set)

    def plan(self, problem: api.Problem, plan: api.Plan) -> None:
        if not self.since:
            self.seconds(plan.seconds)
            if not plan.before:
                self._forecasts, self._wanted = [Forecast(plan)], plan.trials

    def seconds(self, seconds: float) -> None:
        self.said, self.since = seconds, time.monotonic()

    def ended(self, record: TrialRecord) -> None:
        self._seen.add(record.number)
        for forecast in self._forecasts:
            forecast.ended(record)
            if self.halfway is None and 2 * len(self._seen) >= self._wanted:
                self.halfway = forecast.ends - self.since


def search(own: dict[str, Any], options: dict[str, Any], folder: Path, watch: Watch) -> None:
    api.begin(api.SearchSettings.of(**own | options), runs_dir=folder, on_plan=watch.plan, listener=watch)


def tabulate(own: dict[str, Any], folder: Path, watch: Watch) -> None:
    settings = api.SearchSettings.of(**own, trials=4)
    api.tabulate(settings, folder / "table.parquet", seeds=2, on_plan=watch.plan, listener=watch)


def supernet(own: dict[str, Any], folder: Path, watch: Watch) -> None:
    settings = api.SearchSettings.of(**own, supernet_epochs=3 * own["epochs"])
    api.supernet(settings, folder / "supernet", on_estimate=watch.seconds)


def train(own: dict[str, Any], folder: Path, watch: Watch) -> None:
    scored = api.SearchSettings.of(**own | {"evaluator": "proxy:params", "trials": 1})
    found = api.begin(scored, name="one", runs_dir=folder).folder.best  # a network for images of this size
    wanted = api.TrainSettings.of(str(found), **{key: value for key, value in own.items() if key in OF_TRAINING})
    api.train(wanted, folder / "trained", on_estimate=watch.seconds)


Case = Callable[[dict[str, Any], Path, Watch], None]
CASES: dict[str, Case] = {
    **{name: partial(lambda own, folder, watch, more: search(own, more, folder, watch), more=more)
       for name, more in SEARCHES.items()},
    "tabulate": tabulate, "supernet": supernet, "train": train,
}  # fmt: skip


def measure(case: Case, own: dict[str, Any]) -> dict[str, Any]:
    """What was said and what it took, in seconds; the ratio is of what was said to what it took."""
    watch, load = Watch(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        case(own, Path(folder), watch)
        took, planning = time.monotonic() - watch.since, watch.since - begun
    found = {"said": watch.said, "took": took, "ratio": watch.said / took, "planning": planning, "load_before": load}
    if watch.halfway is not None:
        found["ratio_halfway"] = watch.halfway / took
    return {name: round(value, 3) for name, value in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data-dir", type=Path, help="folder with the unpacked CIFAR-10 archive; digits alone without")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--tiny", action="store_true", help="few images and one epoch, to try the script itself")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    small = TINY if options.tiny else {}
    images = {"digits": DIGITS | small}
    if options.data_dir:
        images["cifar10 at 16x16"] = CIFAR | small | {"data_dir": str(options.data_dir)}
    about = conditions(describe(torch.device("cpu"))) | {"threads": str(torch.get_num_threads())}
    result: dict[str, Any] = {"conditions": about, "aim": AIM, "tiny": options.tiny}
    for name, own in images.items():
        result[name] = {}
        for case in options.cases:
            if own["dataset"] != "digits" and case in OF_ONE:
                continue
            found = result[name][case] = measure(CASES[case], own | {"device": "cpu"})
            within = "within" if 1 / AIM <= found["ratio"] <= AIM else "NOT within"
            halfway = f", halfway {found['ratio_halfway']:.2f}" if "ratio_halfway" in found else ""
            print(f"{name:18} {case:14} said {found['said']:6.1f} s, took {found['took']:6.1f} s: ratio "
                  f"{found['ratio']:.2f}{halfway}, {within} {AIM}", flush=True)  # fmt: skip
            write_json(options.out, result)


if __name__ == "__main__":
    main()
