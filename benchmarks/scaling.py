"""What the search itself takes beside the trainings: time to ask and to tell as the history grows, and memory.

    python benchmarks/scaling.py [--strategies random evolution thompson local tpe] [--spaces seesaw-digits:600K]
        [--marks 10 1000 10000] [--dir FOLDER] [--profile]

The history is the default one, `trials.jsonl`, on the disk that holds --dir; nothing is trained. At each
mark some trials are asked and told as a search does it, every fsync carried out and timed. In between the history is
filled with exact draws, through its own methods and without fsync, so that the strategy finds it as long as it would
be. Each run is a process of its own, after --profile one more, which prints where the time goes at the last mark.
Beside it stands what 200 bytes appended and brought to the disk take, measured in the same process. CPU is the
process's own time, which neither the disk nor another process on the core adds to.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import os
import pstats
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from seesaw_nas import space
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.evaluators import Score
from seesaw_nas.search import strategies
from seesaw_nas.search.history.file_history import FileHistory
from seesaw_nas.search.history.history import History
from seesaw_nas.search.proposer import Proposer
from seesaw_nas.search.strategies.base import ExactDraws, Setting
from seesaw_nas.space import Feasible
from seesaw_nas.training.epoch import Epoch

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).parent / "results" / "scaling.json"
MARKS = (10, 1_000, 10_000)
AT_MOST = {"tpe": 1_000, "gp": 100, "nsga2": 1_000}  # beyond it a mark takes longer than anyone would wait
TIMED = 15  # trials at a mark
WARM_UP = 2  # trials before them: a strategy that reads the history once does so here
EPOCHS = 4
APPENDED = 200  # bytes


class Disk:
    """Takes the place of ``os.fsync``: carried out and timed, or left out."""

    def __init__(self) -> None:
        self._sync, self.on, self.seconds, self.calls = os.fsync, True, 0.0, 0
        os.fsync = self

    def __call__(self, descriptor: int) -> None:
        if self.on:
            start = time.perf_counter()
            self._sync(descriptor)
            self.seconds += time.perf_counter() - start
            self.calls += 1


@dataclass
class Search:
    """A search whose history can be filled.

    Attributes:
        filled_s: seconds that filling took.
    """

    feasible: Feasible
    trials: History
    setting: Setting
    strategy: strategies.base.Strategy
    rng: np.random.Generator
    filled_s: float = 0.0

    @classmethod
    def begin(cls, name: str, feasible: Feasible, path: Path) -> Search:
        setting = Setting(feasible, 0)
        trials = FileHistory(path, feasible.space, feasible.budget, setting.seed)
        return cls(feasible, trials, setting, strategies.make(name, setting), np.random.default_rng(0))

    def score(self) -> Score:
        """Of nothing: a random top-1 behind a curve."""
        top1 = np.sort(self.rng.uniform(0.1, 0.9, EPOCHS)).round(4).tolist()
        curve = tuple(Epoch(n, 1.0 - value, 1.1 - value, value, 0.5) for n, value in enumerate(top1, start=1))
        return Score(top1[-1], "validation", 2.0, curve)

    def fill(self, count: int) -> None:
        """Bring the history to so many trials."""
        start, draws, known = time.perf_counter(), ExactDraws(self.setting), self.digests()
        while (number := len(self.trials)) < count:
            architecture = draws.draw(number, known)
            known.add(architecture.digest)
            number = self.trials.add(architecture, "exact draw")
            found = self.score()
            record = replace(self.trials[number], state="complete", top1=found.top1, seconds=2.0, curve=found.curve)
            self.trials.finish(number, record)
        self.filled_s += time.perf_counter() - start

    def digests(self) -> set[str]:
        return {record.digest for record in self.trials.records()}

    def proposer(self) -> Proposer:
        """Anew at each mark, for what was filled in did not go through the last one."""
        return Proposer(self.trials, self.strategy, trials=10**9, epochs=EPOCHS)


def spread(seconds: list[float]) -> dict[str, float]:
    low, middle, high = np.quantile(seconds, (0.25, 0.5, 0.75)) * 1000
    return {"median_ms": round(middle, 3), "q1_ms": round(low, 3), "q3_ms": round(high, 3)}


def appending(folder: Path, disk: Disk) -> dict[str, float]:
    """What it takes to append to a file and to bring that to the disk."""
    taken, path = [], folder / "appended"
    for _ in range(TIMED):
        start = time.perf_counter()
        with path.open("ab") as file:
            file.write(b"x" * APPENDED)
            file.flush()
            disk(file.fileno())
        taken.append(time.perf_counter() - start)
    return spread(taken)


def at_mark(search: Search, disk: Disk, folder: Path) -> dict[str, object]:
    """The figures of some trials asked and told."""
    proposer, calls = search.proposer(), {"ask": [], "tell": []}
    taken: dict[str, list[float]] = {f"{what}{part}": [] for what in calls for part in ("", "_cpu", "_fsync")}

    def timed(what: str, work: Callable[[], object]) -> object:
        synced, called, worked, start = disk.seconds, disk.calls, time.process_time(), time.perf_counter()
        found = work()
        taken[what].append(time.perf_counter() - start)
        taken[f"{what}_cpu"].append(time.process_time() - worked)
        taken[f"{what}_fsync"].append(disk.seconds - synced)
        calls[what].append(disk.calls - called)
        return found

    for _ in range(WARM_UP + TIMED):
        job = timed("ask", proposer.ask)
        score = search.score()
        timed("tell", lambda job=job, score=score: proposer.tell(job, score))
    figures: dict[str, object] = {what: spread(seconds[WARM_UP:]) for what, seconds in taken.items()}
    for part in ("", "_cpu", "_fsync"):
        both = [ask + tell for ask, tell in zip(taken[f"ask{part}"], taken[f"tell{part}"], strict=True)]
        figures[f"ask_and_tell{part}"] = spread(both[WARM_UP:])
    figures["first_ask_ms"] = round(1000 * taken["ask"][0], 3)
    figures["fsyncs"] = {what: float(np.mean(counts[WARM_UP:])) for what, counts in calls.items()}
    figures["append_and_fsync"] = appending(folder, disk)
    figures["peak_rss_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    return figures


def one(name: str, where: str, marks: list[int], folder: Path, *, profiled: bool = False) -> dict[str, object]:
    """One run, in this process."""
    disk, (space_name, budget) = Disk(), where.split(":", 1)
    search = Search.begin(name, Feasible.of(space.load(space_name), budget), folder / "trials.jsonl")
    found: dict[str, object] = {}
    for mark in marks:
        disk.on = False
        search.fill(mark)
        disk.on = True
        if profiled and mark == marks[-1]:
            _profile(search)
        elif not profiled:
            found[str(mark)] = at_mark(search, disk, folder)
    trials, size = len(search.trials), (folder / "trials.jsonl").stat().st_size
    start = time.perf_counter()
    if not profiled:
        Search.begin(name, search.feasible, folder / "trials.jsonl")
    reopened = time.perf_counter() - start
    return {
        "marks": found, "bytes_a_trial": round(size / trials), "reopen_s": round(reopened, 2),
        "fill_ms_a_trial": round(1000 * search.filled_s / trials, 2),
    }  # fmt: skip


def _profile(search: Search) -> None:
    proposer = search.proposer()
    for _ in range(WARM_UP):
        proposer.tell(proposer.ask(), search.score())
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(TIMED):
        proposer.tell(proposer.ask(), search.score())
    profile.disable()
    pstats.Stats(profile, stream=sys.stderr).sort_stats("cumulative").print_stats(45)


def in_its_own_process(name: str, where: str, marks: list[int], options: argparse.Namespace) -> dict[str, object]:
    command = [sys.executable, __file__, "--one", name, where, "--marks", *map(str, marks), "--dir", str(options.dir)]
    if options.profile:
        subprocess.run([*command, "--profile"], stdout=subprocess.DEVNULL, check=True)
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


def show(name: str, where: str, found: dict) -> None:
    for mark, figures in found["marks"].items():
        cells = [
            f"{what} {figures[what]['median_ms']:7.2f} ({figures[what]['q1_ms']:.2f}-{figures[what]['q3_ms']:.2f})"
            for what in ("ask", "tell", "ask_and_tell")
        ]
        cpu, disk = (figures[f"ask_and_tell{part}"]["median_ms"] for part in ("_cpu", "_fsync"))
        plain = figures["append_and_fsync"]["median_ms"]
        print(f"{name:10} {where:20} {mark:>6}: {', '.join(cells)} ms, of it CPU {cpu:.2f}, fsync {disk:.2f} "
              f"(one alone {plain:.2f}), {figures['peak_rss_mib']:.0f} MiB")  # fmt: skip
    print(f"{'':10} reopened in {found['reopen_s']} s, {found['bytes_a_trial']} bytes a trial", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--strategies", nargs="+", default=["random", "evolution", "thompson", "local", "tpe"])
    parser.add_argument("--spaces", nargs="+", default=["seesaw-digits:600K", "seesaw-cifar:110M"])
    parser.add_argument("--marks", type=int, nargs="+", default=list(MARKS))
    parser.add_argument("--dir", type=Path, default=ROOT / "runs", help="on the disk to measure; left as it was")
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--one", nargs=2, metavar=("STRATEGY", "SPACE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.dir.mkdir(parents=True, exist_ok=True)
    if options.one:
        name, where = options.one
        with tempfile.TemporaryDirectory(dir=options.dir, prefix="scaling-") as folder:
            print(json.dumps(one(name, where, options.marks, Path(folder), profiled=options.profile)))
        return
    rows = []
    for where in options.spaces:
        for name in options.strategies:
            marks = [mark for mark in options.marks if mark <= AT_MOST.get(name, mark)]
            found = in_its_own_process(name, where, marks, options)
            show(name, where, found)
            rows.append({"strategy": name, "space": where, **found})
    setting = {
        "timed": TIMED, "warm_up": WARM_UP, "curve": EPOCHS, "objectives": "front", "evaluator": "random top-1",
        "appended_bytes": APPENDED, "history": "trials.jsonl",
        "fsync": "carried out at the marks, left out between them",
        "between_marks": "exact draws, added and finished through the history, not proposed by the strategy",
        "file_system": file_system(options.dir),
    }  # fmt: skip
    write_json(options.out, {"setting": setting, "conditions": conditions(), "rows": rows})


def file_system(path: Path) -> str:
    found = subprocess.run(["stat", "-f", "-c", "%T", str(path)], capture_output=True, text=True, check=True)
    return found.stdout.strip()


if __name__ == "__main__":
    main()
