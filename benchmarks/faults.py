"""Searches on two worker processes, each hit by a `kill -9` at a random moment and resumed: what is lost or done twice.

    python benchmarks/faults.py [--searches 50] [--trials 12] [--seed 0]

The victim is the proposing process or a worker, either as often. Training stands for 0.05 to 0.15 s of sleep, and notes
in a file that it begins and that it ends. After the kill the journal is read: what it tells as finished by then must
stay as it is and must not be trained again. A training that was cut off, or finished and not yet told, may be.
The engine, the proposer and the journal are those of a search; its run folder and its report are left out.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from seesaw_nas import space
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.files import write_json
from seesaw_nas.evaluators import Score
from seesaw_nas.search import strategies
from seesaw_nas.search.engines import local
from seesaw_nas.search.engines.worker import Place
from seesaw_nas.search.history.file_history import FileHistory
from seesaw_nas.search.history.trials_file import read_records
from seesaw_nas.search.proposer import Proposer
from seesaw_nas.search.strategies.base import Setting
from seesaw_nas.space import Feasible

RESULTS = Path(__file__).parent / "results" / "faults.json"
WORKERS = 2
STUCK_SECONDS = 120


@dataclass(frozen=True)
class Sleeping:
    """Scores by digest after a short sleep, and notes what begins and what ends."""

    log: Path
    epochs: int = 1

    def evaluate(self, architecture, *, seed, until=None, checkpoint=None, on_epoch=None, on_step=None):
        self._note("begun", architecture.digest, seed)
        part = int(architecture.digest[:6], 16) / 0xFFFFFF
        time.sleep(0.05 + 0.1 * part)
        self._note("ended", architecture.digest, seed)
        return Score(part, "validation", 0.05 + 0.1 * part)

    def _note(self, what: str, digest: str, seed: int) -> None:
        with self.log.open("a") as file:
            file.write(f"{what} {digest} {seed} {os.getpid()}\n")

    def notes(self) -> list[tuple[str, str, int]]:
        """What, of which training, in which process."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [(what, f"{digest} {seed}", int(pid)) for what, digest, seed, pid in map(str.split, lines)]


def one(folder: Path, trials: int) -> None:
    """Begin a search, or go on with it, in this process."""
    feasible = Feasible.of(space.load("seesaw-digits"), "600K")
    setting = Setting(feasible, 0)
    kept = FileHistory(folder / "trials.jsonl", feasible.space, feasible.budget)
    proposer = Proposer(kept, strategies.make("random", setting), trials=trials)
    local.run(proposer, Sleeping(folder / "log"), [Place(f"worker {i}", "cpu") for i in range(WORKERS)])


def told(folder: Path) -> dict[str, float | None]:
    """Top-1 of the trainings that the journal tells as finished."""
    found = read_records(folder / "trials.jsonl")
    return {f"{record.digest} {record.seed}": record.top1 for record in found if record.state == "complete"}


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def waited(holds, why: str) -> None:
    end = time.monotonic() + STUCK_SECONDS
    while not holds():
        if time.monotonic() > end:
            raise SystemExit(f"stuck: {why}")
        time.sleep(0.005)


def hit(folder: Path, trials: int, victim: str, share: float) -> dict[str, object]:
    """One search, its victim killed after this share of the trainings' time."""
    log, command = Sleeping(folder / "log"), [sys.executable, __file__, "--one", str(folder), "--trials", str(trials)]
    search = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    waited(lambda: log.notes() or search.poll() is not None, "nothing was begun")
    time.sleep(share * trials * 0.11 / WORKERS)
    pid = search.pid if victim == "proposer" else log.notes()[-1][2]
    hit_at = search.poll() is None and alive(pid)
    if hit_at:
        os.kill(pid, signal.SIGKILL)
    if victim == "proposer":
        search.communicate()
        workers = {pid for _, _, pid in log.notes()}
        waited(lambda: not any(map(alive, workers)), "the workers of a killed search do not end")
    before, behind = told(folder), len(log.notes())
    resumes = 0
    while search.wait() != 0 and resumes < 3:
        resumes += 1
        search = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        search.communicate()
    after, ended = told(folder), Counter(what for noted, what, _ in log.notes() if noted == "ended")
    begun_later = {what for noted, what, _ in log.notes()[behind:] if noted == "begun"}
    records = read_records(folder / "trials.jsonl")
    return {
        "victim": victim, "share": round(share, 3), "hit": hit_at, "told_before": len(before), "resumes": resumes,
        "lost": sum(after.get(training) != top1 for training, top1 in before.items()),
        "told_and_trained_again": len(before.keys() & begun_later) if victim == "proposer"
        else sum(ended[training] > 1 for training in before),
        "finished_twice": sum(count > 1 for count in ended.values()),
        "complete": len(after), "states": Counter(record.state for record in records),
        "reached": len({record.digest for record in records if record.state == "complete"}) == trials,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--searches", type=int, default=50)
    parser.add_argument("--trials", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one, options.trials)
        return
    rng, rows = np.random.default_rng(options.seed), []
    for number in range(options.searches):
        victim, share = ("proposer", "worker")[number % 2], float(rng.uniform())
        with tempfile.TemporaryDirectory(prefix="faults-") as folder:
            rows.append(hit(Path(folder), options.trials, victim, share))
        print(number, rows[-1], flush=True)
    total = {
        "searches": len(rows), "trials_each": options.trials, "hit": sum(row["hit"] for row in rows),
        **{name: sum(row[name] for row in rows) for name in
           ("told_before", "lost", "told_and_trained_again", "finished_twice", "resumes", "reached")},
    }  # fmt: skip
    print(total)
    setting = {"workers": WORKERS, "trials": options.trials, "seed": options.seed, "engine": "local"}
    write_json(options.out, {"setting": setting, "conditions": conditions(), "total": total, "rows": rows})


if __name__ == "__main__":
    main()
