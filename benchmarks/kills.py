"""Commands of the command line, killed at every kind of step that touches a file, and given again: what is lost.

    python benchmarks/kills.py [--points 500] [--scenarios search train ...] [--seed 0]

A scenario is one command that can be given again after a crash, such as ``search --name r --resume``. It is carried
out once to count its steps: files opened for writing, folders made, files renamed, removed and synced to disk. Then,
for points spread evenly over these steps, it is begun in an empty folder, ends itself by ``SIGKILL`` just before the
chosen step, and is given again, unchanged, until it ends with 0. A worker is killed at a random moment instead.

lost      results that were on disk as complete when the process died, and differ afterwards or are missing
repeated  architectures and seeds that are complete twice at the end
stuck     commands that did not end with 0, with all that they were asked for, when given again
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from seesaw_nas import cli, space
from seesaw_nas.architecture import specfile
from seesaw_nas.cli.parts import searching  # noqa: F401  (loaded here, so that no fork has to)
from seesaw_nas.cli.parts.verbs import load_verbs
from seesaw_nas.core.conditions import conditions
from seesaw_nas.core.errors import SeesawError
from seesaw_nas.core.files import write_json
from seesaw_nas.core.run_folder import RunFolder, is_run
from seesaw_nas.evaluators import table as tables
from seesaw_nas.search.history import places
from seesaw_nas.space import Feasible
from seesaw_nas.workflows import supernets, tabulate, train  # noqa: F401

RESULTS = Path(__file__).parent / "results" / "kills.json"
SECONDS = 180  # after which a command counts as stuck
DIGITS = ["--dataset", "digits", "--train-size", "60"]
SEARCH = ["search", *DIGITS, "--budget", "600K", "--epochs", "1", "--name", "r", "--resume"]
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT
STEPS = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.truncate", "os.link", "os.symlink"}


@dataclass(frozen=True)
class Scenario:
    """A command that may be given again, and what it must have made in the end.

    Attributes:
        command: without the program's name.
        runs: folders of the searches that it makes, with the number of complete trials in each.
        files: other files that it makes.
        victim: ``self``, killed at its steps; or ``worker``, any of its child processes.
    """

    command: list[str]
    runs: tuple[tuple[str, int], ...] = ()
    files: tuple[str, ...] = ()
    victim: str = "self"


SCENARIOS = {
    "search": Scenario([*SEARCH, "--trials", "3"], (("runs/r", 3),), ("runs/r/best.json", "runs/r/pareto.csv")),
    "confirm": Scenario(
        [*SEARCH, "--trials", "2", "--confirm", "1", "--seeds", "2"], (("runs/r", 2),), ("runs/r/confirmed.json",)
    ),
    "halving": Scenario(
        [*SEARCH, "--epochs", "4", "--scheduler", "asha", "--trials", "4"],
        (("runs/r", 1),), ("runs/r/best.json",),
    ),
    "shared": Scenario(
        [*SEARCH, "--plan", "shared", "--supernet-epochs", "1", "--candidates", "8", "--tuned", "2", "--trials", "2"],
        (("runs/r", 2),), ("runs/r/best.json",),
    ),
    "train": Scenario(
        ["train", "spec.json", *DIGITS, "--recipe", "quick", "--epochs", "2", "--out", "t", "--resume"],
        (), ("t/result.json", "t/weights.safetensors"),
    ),
    "supernet": Scenario(
        ["supernet", "seesaw-digits", *DIGITS, "--budget", "600K", "--epochs", "2", "--out", "s", "--resume"],
        (), ("s/run.json",),
    ),
    "tabulate": Scenario(
        ["tabulate", "seesaw-digits", *DIGITS, "--budget", "600K", "--epochs", "1", "--n", "2", "--seeds", "2",
         "--out", "t.parquet"],
        (("t.parquet", 4),),
    ),
    "local": Scenario([*SEARCH, "--trials", "3", "--engine", "local", "--workers", "2"], (("runs/r", 3),)),
    "local worker": Scenario(
        [*SEARCH, "--trials", "4", "--engine", "local", "--workers", "2"], (("runs/r", 4),), victim="worker"
    ),
    "ray": Scenario([*SEARCH, "--trials", "3", "--engine", "ray", "--workers", "2"], (("runs/r", 3),)),
    "ray worker": Scenario(
        [*SEARCH, "--trials", "4", "--engine", "ray", "--workers", "2"], (("runs/r", 4),), victim="worker"
    ),
}  # fmt: skip
SHARES = {"search": 0.24, "confirm": 0.1, "halving": 0.14, "shared": 0.14, "train": 0.12, "supernet": 0.08,
          "tabulate": 0.08, "local": 0.04, "local worker": 0.04, "ray": 0.01, "ray worker": 0.01}  # fmt: skip


def count_steps(at: int | None) -> list[int]:
    """Count this process's steps in the only entry of the list; die before step number ``at``."""
    seen, owner = [0], os.getpid()

    def step() -> None:
        if os.getpid() != owner:
            return
        if seen[0] == at:
            os.kill(owner, signal.SIGKILL)
        seen[0] += 1

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in STEPS or (event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITES):
            step()

    sync = os.fsync

    def counted(file: object) -> None:
        step()
        sync(file)  # type: ignore[arg-type]
        step()

    os.fsync = counted  # type: ignore[assignment]
    sys.addaudithook(hook)
    return seen


def begin(command: list[str], folder: Path, at: int | None = None) -> int:
    """Carry out a command in a fork of this process, which has loaded everything; returns its process id."""
    pid = os.fork()
    if pid:
        return pid
    os.chdir(folder)
    os.setpgid(0, 0)
    output = os.open(folder / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(output, 1)
    os.dup2(output, 2)
    sys.argv = ["seesaw-nas", *command]
    seen = count_steps(at)
    try:
        cli.main()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:
        traceback.print_exc()
        code = 1
    atexit._run_exitfuncs()
    (folder / "steps.txt").write_text(str(seen[0]))
    os._exit(code)


def wait(pid: int) -> int | None:
    """The exit status of a process, negative for a signal; ``None`` where it is stuck and had to be killed."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def offspring(pid: int) -> list[int]:
    """Processes below this one that compute: Python's own, without its trackers of resources."""
    found, parents = [], {pid}
    entries = {int(path.name): path for path in Path("/proc").iterdir() if path.name.isdigit()}
    for number in sorted(entries):
        try:
            parent = int((entries[number] / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entries[number] / "cmdline").read_text()
        except (OSError, IndexError):
            continue
        if parent in parents:
            parents.add(number)
            if ("spawn_main" in command and "tracker" not in command) or command.startswith("ray::"):
                found.append(number)
    return found


def results(folder: Path, scenario: Scenario) -> dict[str, tuple[object, ...]]:
    """What is on disk as complete: figures of trials by run, architecture and seed; the rows of a table."""
    found: dict[str, tuple[object, ...]] = {}
    for name, _ in scenario.runs:
        if not is_run(folder / name):
            continue
        try:
            records = places.records_of(RunFolder.open(folder / name))
        except SeesawError as error:
            found[f"{name} cannot be read: {error}"] = ()
            continue
        for record in records:
            if record.state == "complete":
                key = f"{name} {record.number} {record.digest} {record.seed}"
                found[key] = (record.top1, record.seconds, record.macs, len(record.curve))
    return found | rows_of_table(folder / "t.parquet")


def rows_of_table(path: Path) -> dict[str, tuple[object, ...]]:
    """Top-1 and seconds of every training in a table or, before there is one, in the lines that it is made from."""
    lines = path.with_name(path.name + ".part.jsonl")
    if path.exists():
        rows = [(entry.architecture.digest, seed, [(epoch.top1, epoch.seconds) for epoch in curve])
                for entry in tables.read(path).entries for seed, curve in entry.curves.items()]  # fmt: skip
    elif lines.exists():
        whole = [json.loads(line) for line in lines.read_text().splitlines(keepends=True)[1:] if line.endswith("\n")]
        rows = [(entry["digest"], entry["seed"], [(epoch["top1"], epoch["seconds"]) for epoch in entry["curve"]])
                for entry in whole]  # fmt: skip
    else:
        return {}
    return {f"{path.name} row {digest} {seed}": tuple(curve) for digest, seed, curve in rows}


def is_whole(folder: Path, scenario: Scenario) -> bool:
    """Whether the command made all that it was asked for, and left nothing unfinished behind."""
    kept = results(folder, scenario)
    counts = Counter(key.split()[0] for key in kept)
    enough = all(counts[name] >= number for name, number in scenario.runs)
    return enough and all((folder / name).is_file() and (folder / name).stat().st_size for name in scenario.files)


@contextlib.contextmanager
def new_folder() -> Iterator[Path]:
    """A folder for one command, with a spec; the end of a forked process leaves it there."""
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    shutil.copy(SPEC, folder / "spec.json")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def hit(scenario: Scenario, at: float, steps: int) -> dict[str, object]:
    """One command, killed at this share of its steps or of its time, and given again until it is done."""
    with new_folder() as folder:
        step = int(at * steps) if scenario.victim == "self" else None
        pid = begin(scenario.command, folder, step)
        if scenario.victim == "worker":
            kill_worker(pid, at)
        status = wait(pid)
        time.sleep(0.5 if "--engine" in scenario.command else 0)  # its workers notice that it is gone
        before = results(folder, scenario)
        tries = 0
        if not scenario.runs and is_whole(folder, scenario):
            status = 0  # a training that is finished refuses to be given again, for the test split is read once
        while status != 0 and status is not None and tries < 2:
            tries += 1
            status = wait(begin(scenario.command, folder))
        after = results(folder, scenario)
        trained = Counter(key.split(" ", 2)[2] for key in after)
        stuck = status != 0 or not is_whole(folder, scenario)
        row: dict[str, object] = {
            "at": step if step is not None else round(at, 3), "before": len(before), "tries": tries,
            "lost": sum(after.get(key) != value for key, value in before.items()),
            "repeated": sum(count > 1 for count in trained.values()), "stuck": stuck,
        }  # fmt: skip
        if stuck or row["lost"] or row["repeated"] or tries > 1:
            row["output"] = (folder / "output.txt").read_text()[-1500:]
        return row


def kill_worker(pid: int, share: float) -> None:
    """Kill one of a process's workers, some time after the first appeared."""
    end = time.monotonic() + SECONDS
    while not offspring(pid) and time.monotonic() < end:
        if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.05)
    time.sleep(12 * share)
    if workers := offspring(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(workers[int(share * 997) % len(workers)], signal.SIGKILL)


def points(scenario: Scenario, number: int, rng: np.random.Generator) -> Iterator[tuple[float, int]]:
    """Where to kill: shares spread evenly, and the number of steps that they are of."""
    steps = 0
    if scenario.victim == "self":
        with new_folder() as folder:
            status = wait(begin(scenario.command, folder))
            if status != 0:
                raise SystemExit(
                    f"{scenario.command} ends with {status}:\n{(folder / 'output.txt').read_text()[-2000:]}"
                )
            steps = int((folder / "steps.txt").read_text())
    for share in (np.arange(number) + rng.uniform(size=number)) / number:
        yield float(share), steps


SPEC = Path(tempfile.gettempdir()) / f"kills-spec-{os.getpid()}.json"


def prepare() -> None:
    """Load everything that the commands need, so that a fork begins at once, and write a spec to train."""
    torch.set_num_threads(1)
    load_verbs()
    feasible = Feasible.of(space.load("seesaw-digits"), "600K")
    named = specfile.Named("any", feasible.draw_fair(np.random.default_rng(0)))
    SPEC.write_text(json.dumps(specfile.document(named)))


def run(names: list[str], number: int, seed: int, tell: Callable[[str], None]) -> dict[str, dict[str, object]]:
    """Kill the commands of these scenarios at this many points altogether."""
    rng = np.random.default_rng(seed)
    total = sum(SHARES[name] for name in names)
    found: dict[str, dict[str, object]] = {}
    for name in names:
        scenario, rows = SCENARIOS[name], []
        share_of_all = max(1, round(number * SHARES[name] / total))
        steps = 0
        for share, steps in points(scenario, share_of_all, rng):
            rows.append(hit(scenario, share, steps))
            if "output" in rows[-1]:
                tell(f"{name} {rows[-1]}")
        found[name] = {
            "points": len(rows), "steps": steps, "on_disk": sum(int(str(row["before"])) for row in rows),
            "lost": sum(int(str(row["lost"])) for row in rows), "stuck": sum(bool(row["stuck"]) for row in rows),
            "repeated": sum(int(str(row["repeated"])) for row in rows), "odd": [row for row in rows if "output" in row],
        }  # fmt: skip
        tell(f"{name}: " + ", ".join(f"{value} {key}" for key, value in found[name].items() if key != "odd"))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=500)
    parser.add_argument("--scenarios", nargs="+", default=list(SCENARIOS), choices=list(SCENARIOS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    prepare()
    try:
        found = run(options.scenarios, options.points, options.seed, lambda text: print(text, flush=True))
    finally:
        SPEC.unlink(missing_ok=True)
    total = {key: sum(int(str(row[key])) for row in found.values()) for key in ("points", "lost", "repeated", "stuck")}
    print(total)
    write_json(options.out, {"conditions": conditions(), "total": total, "scenarios": found})


if __name__ == "__main__":
    main()
