"""Long histories: what looking at them, going on with them and reporting on them takes, beside an earlier build.

    python benchmarks/histories.py --base REV [--marks 1000 10000] [--report 5000] [--rounds 5] [--out FILE]

Each build fills a run folder of seesaw-cifar at 110M with made-up results, through its own history and without fsync.
Then both are measured in turn, every figure in a process of its own, and medians are given: `status` from the command
line; a further look of `status --watch` after one more trial has ended; reopening the history as `resume` does;
`report` at --report trials; the bytes a trial takes; and, beside a bare `import typer`, `--help` and `show`. REV is a
revision of this repository, put into a git worktree for the time of the measurement.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = Path(__file__).parent / "results" / "histories.json"
SPACE, BUDGET, SHOWN = "seesaw-cifar", "110M", "seesaw-shuffle-0.5d"
EPOCHS = 4


def open_history(path: Path):
    """The history of a run folder, as this build opens it."""
    from seesaw_nas import space
    from seesaw_nas.space import Feasible

    feasible = Feasible.of(space.load(SPACE), BUDGET)
    try:
        from seesaw_nas.search.history.file_history import FileHistory

        return FileHistory(path / "trials.jsonl", feasible.space, feasible.budget), feasible
    except ImportError:
        from seesaw_nas.search.history.history import History

        open_study = import_module("seesaw_nas.search.history.journal").open_study  # of builds before the file
        return History(open_study(path / "optuna.journal", path.name), feasible.space, feasible.budget), feasible


def fill(path: Path, count: int) -> None:
    """Make a run of so many trials, or bring one to so many."""
    import numpy as np

    from seesaw_nas import api

    os.fsync = lambda descriptor: None
    if not path.exists():
        api.search(
            SPACE, BUDGET, evaluator=lambda architecture, seed: 0.5, trials=1, name=path.name, runs_dir=path.parent
        )
    history, feasible = open_history(path)
    rng = np.random.default_rng(len(history))
    while len(history) < count:
        end_one(history, feasible, rng)


def end_one(history, feasible, rng) -> None:
    """One more trial, from its proposal to its end."""
    import numpy as np

    from seesaw_nas.training.epoch import Epoch

    top1 = np.sort(rng.uniform(0.1, 0.9, EPOCHS)).tolist()
    curve = tuple(Epoch(n, 1.0 - value, 1.1 - value, value, 0.5 + value) for n, value in enumerate(top1, start=1))
    number = history.add(feasible.draw_fair(rng), "exact draw")
    result = {"state": "complete", "top1": top1[-1], "seconds": 2.0 + top1[0], "curve": curve}
    history.finish(number, replace(history[number], **result))


def look(path: Path) -> float:
    """Seconds of a second look, after one more trial has ended."""
    import numpy as np

    history, feasible = open_history(path)
    from seesaw_nas.workflows import status

    watched = status.RunWatch(path).look if hasattr(status, "RunWatch") else lambda: status.read_status(path)
    watched()
    end_one(history, feasible, np.random.default_rng(len(history)))
    start = time.perf_counter()
    watched()
    return time.perf_counter() - start


def reopen(path: Path) -> float:
    """Seconds until a search can go on."""
    from seesaw_nas import space
    from seesaw_nas.search import strategies
    from seesaw_nas.search.proposer import Proposer
    from seesaw_nas.search.strategies.base import Setting
    from seesaw_nas.space import Feasible

    strategy = strategies.make("random", Setting(Feasible.of(space.load(SPACE), BUDGET), 0))
    start = time.perf_counter()
    history, _ = open_history(path)
    Proposer(history, strategy, trials=1)
    return time.perf_counter() - start


def call(build: Path, *arguments: object) -> float:
    """Seconds of a command line in a build."""
    environment = os.environ | {"PYTHONPATH": str(build)}
    start = time.perf_counter()
    command = [sys.executable, *map(str, arguments)]
    subprocess.run(command, cwd=build, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def inside(build: Path, what: str, *arguments: object) -> float:
    """What one of this file's functions returns in a process of a build."""
    environment = os.environ | {"PYTHONPATH": str(build)}
    command = [sys.executable, __file__, "--inside", what, *map(str, arguments)]
    found = subprocess.run(command, cwd=build, env=environment, stdout=subprocess.PIPE, check=True)
    return float(found.stdout.split()[-1])


def in_turn(builds: dict[str, Path], rounds: int, measure) -> dict[str, float]:
    """The median of each build over so many rounds, in each of which every build is measured once."""
    taken: dict[str, list[float]] = {name: [] for name in builds}
    for _ in range(rounds):
        for name, build in builds.items():
            taken[name].append(measure(name, build))
    return {name: round(statistics.median(seconds), 4) for name, seconds in taken.items()}


def measure_mark(builds: dict[str, Path], folder: Path, count: int, rounds: int) -> dict[str, dict[str, float]]:
    """The figures of histories of so many trials, in seconds and bytes."""
    paths = {name: folder / name / f"h{count}" for name in builds}
    for name, build in builds.items():
        inside(build, "fill", paths[name], count)
    files = {name: next(f for f in paths[name].iterdir() if f.suffix in (".jsonl", ".journal")) for name in builds}
    found = {
        "bytes_a_trial": {name: round(file.stat().st_size / count) for name, file in files.items()},
        "status_s": in_turn(builds, rounds, lambda name, build: call(build, "-m", "seesaw_nas", "status", paths[name])),
        "look_s": in_turn(builds, rounds, lambda name, build: inside(build, "look", paths[name])),
        "reopen_s": in_turn(builds, rounds, lambda name, build: inside(build, "reopen", paths[name])),
    }
    print(count, json.dumps(found), flush=True)
    return found


def measure_report(builds: dict[str, Path], folder: Path, count: int, rounds: int) -> dict[str, float]:
    paths = {name: folder / name / f"r{count}" for name in builds}
    for name, build in builds.items():
        inside(build, "fill", paths[name], count)
    found = in_turn(builds, rounds, lambda name, build: call(build, "-m", "seesaw_nas", "report", paths[name]))
    print("report", count, json.dumps(found), flush=True)
    return found


def measure_starts(builds: dict[str, Path], rounds: int) -> dict[str, dict[str, float]]:
    commands = {
        "import typer": ("-c", "import typer"),
        "--help": ("-m", "seesaw_nas", "--help"),
        "show": ("-m", "seesaw_nas", "show", SHOWN),
    }
    found = {
        what: in_turn(builds, rounds, lambda name, build, command=command: call(build, *command))
        for what, command in commands.items()
    }
    print(json.dumps(found), flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", default="", help="revision of an earlier build")
    parser.add_argument("--marks", type=int, nargs="+", default=[1_000, 10_000])
    parser.add_argument("--report", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path, default=RESULTS)
    parser.add_argument("--inside", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        what, path, *rest = options.inside
        found = {"fill": fill, "look": look, "reopen": reopen}[what](Path(path), *map(int, rest))
        print(found or 0.0)
        return
    from seesaw_nas.core.conditions import conditions
    from seesaw_nas.core.files import write_json

    with tempfile.TemporaryDirectory(prefix="histories-") as name:
        folder, builds = Path(name), {"ours": ROOT}
        if options.base:
            builds["base"] = folder / "checkout"
            git = ["git", "-C", str(ROOT), "worktree"]
            subprocess.run([*git, "add", "--detach", str(builds["base"]), options.base], check=True)
        try:
            found = {
                "starts_s": measure_starts(builds, options.rounds),
                "marks": {str(count): measure_mark(builds, folder, count, options.rounds) for count in options.marks},
                "report_s": {str(options.report): measure_report(builds, folder, options.report, options.rounds)},
            }
        finally:
            if options.base:
                with suppress(subprocess.CalledProcessError):
                    subprocess.run([*git, "remove", "--force", str(builds["base"])], check=True)
    setting = {"space": f"{SPACE} at {BUDGET}", "curve": EPOCHS, "rounds": options.rounds, "base": options.base}
    write_json(options.out, {"setting": setting, "conditions": conditions(), **found})


if __name__ == "__main__":
    main()
