"""What several workers gain, and what they cost: per trial, by engine, by the number of workers, jobs and nodes.

    python benchmarks/parallel.py [--parts overhead ray sleeping training nodes asking]

overhead   seconds between one told trial and the next when nothing is trained: serial, and local with 1 and 2 workers
ray        the same on Ray, whose actors are used again, with 1 and 2 workers
sleeping   trials a second of an evaluator that sleeps 0.2 s, 2 workers against 1
training   the same for digits candidates that are trained, one thread a worker; wants a quiet machine
nodes      trials a second of nothing, and of 8 s of sleep, on simulated Ray clusters of one CPU a node, all of them
           on this machine; where a trial takes no time, one actor may do them all
asking     seconds to propose with 1 to 64 jobs out

Trials are counted from the first told by the last worker to join on, so that the start of processes is left out. The
history is a journal on the disk that holds --dir; proposals are random draws, but in `asking`. The load average of the
minute before each part stands beside its figures: other work on the machine adds to all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from seesaw_nas import space
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.evaluators import Score
from seesaw_nas.search import strategies
from seesaw_nas.search.engines import local, serial
from seesaw_nas.search.engines.worker import Place
from seesaw_nas.search.history.file_history import FileHistory
from seesaw_nas.search.proposer import Proposer
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.search.strategies.base import Setting
from seesaw_nas.space import Feasible

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).parent / "results" / "parallel.json"
SPACE, BUDGET = "seesaw-digits", "600K"
SLEEP = 0.2  # seconds
NODE_SLEEP = 8.0  # seconds of a trial on simulated clusters, the second time: longer than an actor takes to begin,
# since Ray gives the next trial to an actor that is idle before it begins another; the first time it takes none


@dataclass(frozen=True)
class Sleeping:
    """Scores by digest after so many seconds."""

    seconds: float = 0.0
    epochs: int = 1

    def evaluate(self, architecture, *, seed, until=None, checkpoint=None, on_epoch=None, on_step=None):
        time.sleep(self.seconds)
        return Score(int(architecture.digest[:6], 16) / 0xFFFFFF, "validation", self.seconds)


@dataclass
class Timed:
    """A search whose trials are timed as they are told.

    Attributes:
        told: the second and the worker of each.
    """

    proposer: Proposer
    told: list[tuple[float, str]]

    @classmethod
    def begin(cls, folder: Path, trials: int, strategy: str = "random") -> Timed:
        feasible = Feasible.of(space.load(SPACE), BUDGET)
        kept = FileHistory(folder / "trials.jsonl", feasible.space, feasible.budget)
        told: list[tuple[float, str]] = []
        proposer = Proposer(
            kept,
            strategies.make(strategy, Setting(feasible, 0)),
            trials=trials,
            on_closed=lambda record: told.append((time.perf_counter(), record.worker)),
        )
        return cls(proposer, told)

    def figures(self) -> dict[str, Any]:
        """Of the trials told since every worker has told one."""
        first = {worker: number for number, (_, worker) in reversed(list(enumerate(self.told)))}
        seconds = np.array([second for second, _ in self.told[max(first.values()) :]])
        gaps = np.diff(seconds)
        low, middle, high = np.quantile(gaps, (0.25, 0.5, 0.75))
        return {
            "workers": len(first), "trials": len(gaps), "seconds_a_trial": round(float(gaps.mean()), 5),
            "median": round(float(middle), 5), "q1": round(float(low), 5), "q3": round(float(high), 5),
            "trials_a_second": round(1 / float(gaps.mean()), 3),
        }  # fmt: skip


def workers(count: int, threads: int = 0) -> list[Place]:
    return [Place(f"worker {i}", "cpu", threads) for i in range(count)]


def on_ray(search: Timed, evaluator: Any, count: int, folder: Path) -> None:
    from seesaw_nas.search.engines import ray_tune

    ray_tune.run(SearchSettings.of(engine="ray", workers=count), search.proposer, evaluator, folder / "ray")


def searched(trials: int, work: Callable[[Timed, Path], object], options: argparse.Namespace) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=options.dir, prefix="parallel-") as folder:
        search = Timed.begin(Path(folder), trials)
        work(search, Path(folder))
        return search.figures()


def overhead(options: argparse.Namespace) -> list[dict[str, Any]]:
    found = [{"engine": "serial", **searched(300, lambda s, _: serial.run(s.proposer, Sleeping()), options)}]
    for count in (1, 2):
        work = lambda s, _, count=count: local.run(s.proposer, Sleeping(), workers(count))  # noqa: E731
        found.append({"engine": "local", **searched(300, work, options)})
    return found


def ray(options: argparse.Namespace) -> list[dict[str, Any]]:
    import ray as cluster

    from seesaw_nas.search.engines.ray_tune import QUIET

    os.environ.update(QUIET)
    cluster.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        return [
            {"engine": "ray", "at_a_time": n, **searched(60, lambda s, f, n=n: on_ray(s, Sleeping(), n, f), options)}
            for n in (1, 2)
        ]
    finally:
        cluster.shutdown()


def sleeping(options: argparse.Namespace) -> list[dict[str, Any]]:
    return against_one(lambda s, _, n: local.run(s.proposer, Sleeping(SLEEP), workers(n)), 60, options)


def training(options: argparse.Namespace) -> list[dict[str, Any]]:
    import torch

    from seesaw_nas.workflows.problem import make_problem

    torch.set_num_threads(1)
    settings = SearchSettings.of(budget=BUDGET, epochs=2, train_size=500, device="cpu")
    evaluator = make_problem(settings).evaluator
    return against_one(lambda s, _, n: local.run(s.proposer, evaluator, workers(n, threads=1)), 40, options)


def against_one(work: Callable[[Timed, Path, int], object], trials: int, options: argparse.Namespace) -> list[Any]:
    """One worker and two in turn, three times each; the same trials every time."""
    rows = []
    for repeat in range(options.repeats):
        for count in (1, 2):
            found = searched(trials, lambda s, f, count=count: work(s, f, count), options)
            rows.append({"engine": "local", "repeat": repeat, **found})
    rate = {n: float(np.median([r["trials_a_second"] for r in rows if r["workers"] == n])) for n in (1, 2)}
    return [*rows, {"trials_a_second_1": rate[1], "trials_a_second_2": rate[2], "gain": round(rate[2] / rate[1], 3)}]


def nodes(options: argparse.Namespace) -> list[dict[str, Any]]:
    import ray as driver
    from ray.cluster_utils import Cluster

    from seesaw_nas.search.engines.ray_tune import QUIET

    os.environ.update(QUIET)
    rows = []
    for count in options.nodes:
        cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
        try:
            for _ in range(count - 1):
                cluster.add_node(num_cpus=1)
            cluster.wait_for_nodes()
            driver.init(address=cluster.address, log_to_driver=False, logging_level="ERROR")
            for seconds in (0.0, NODE_SLEEP):
                trials = (4 if seconds else 30) * count
                found = searched(trials, lambda s, f, t=seconds: on_ray(s, Sleeping(t), 0, f), options)
                rows.append({"engine": "ray", "nodes": count, "sleep_s": seconds, **found})
        finally:
            driver.shutdown()
            cluster.shutdown()
    return rows


def asking(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Behind 100 told trials: so many jobs are asked for before any is told, ten times."""
    rows = []
    for strategy in ("random", "thompson"):
        for jobs in (1, 4, 16, 64):
            with tempfile.TemporaryDirectory(dir=options.dir, prefix="parallel-") as folder:
                search, taken = Timed.begin(Path(folder), 10**6, strategy), []
                proposer, evaluator = search.proposer, Sleeping()

                def tell(job, proposer=proposer, evaluator=evaluator):
                    proposer.tell(job, evaluator.evaluate(job.architecture, seed=job.seed))

                for _ in range(100):
                    tell(proposer.ask())
                for _ in range(max(3, 40 // jobs)):
                    out = []
                    for _ in range(jobs):
                        start = time.perf_counter()
                        out.append(proposer.ask())
                        taken.append(time.perf_counter() - start)
                    assert len({job.architecture.digest for job in out}) == jobs
                    for job in out:
                        tell(job)
            low, middle, high = np.quantile(taken, (0.25, 0.5, 0.75)) * 1000
            rows.append({"strategy": strategy, "jobs": jobs, "asks": len(taken), "median_ms": round(middle, 2),
                         "q1_ms": round(low, 2), "q3_ms": round(high, 2)})  # fmt: skip
    return rows


PARTS = {part.__name__: part for part in (overhead, ray, sleeping, training, nodes, asking)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--repeats", type=int, default=3, help="of sleeping and training")
    parser.add_argument("--nodes", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--dir", type=Path, default=ROOT / "runs", help="on the disk to measure; left as it was")
    parser.add_argument("--out", type=Path, default=RESULTS, help="parts that are there and not asked for are kept")
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    found = json.loads(options.out.read_text()) if options.out.exists() else {}
    for name in options.parts:
        before = os.getloadavg()[0]
        rows = PARTS[name](options)
        found[name] = {"load_average_before": round(before, 2), "conditions": conditions(), "rows": rows}
        print(name, f"(load average {before:.2f})")
        for row in rows:
            print("  ", json.dumps(row), flush=True)
        write_json(options.out, found)


if __name__ == "__main__":
    main()
