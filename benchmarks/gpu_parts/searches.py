"""A real search by the command line, its trials trained one, two and four at a time on the card."""

from __future__ import annotations

import statistics

from gpu_parts import commands
from gpu_parts.results import Deadline, Results
from gpu_parts.setting import Setting
from seesaw_nas.core.run_folder import RunFolder, is_run
from seesaw_nas.search.records import CompleteTrial, complete

SHORTEST = 15.0  # seconds that a search needs to say anything


def measure(setting: Setting, results: Results, deadline: Deadline) -> None:
    """Seconds of the same few trials, and what the card had to do."""
    for workers in (1,) if setting.smoke else (1, 2, 4):
        if deadline.left < SHORTEST:
            return
        search(setting, results, workers, deadline)


def search(setting: Setting, results: Results, workers: int, deadline: Deadline) -> None:
    trials, size = (2, 64) if setting.smoke else (8, 10_000)
    name, key = f"search-{workers}", f"{workers} at a time"
    shared = "--workers-per-gpu" if setting.on_cuda else "--workers"
    budget = ["--budget", "110M"] if setting.data_dir else []
    with commands.Card() as card:
        ended = commands.run(
            setting, "search", *budget, *setting.data_options, "--device", setting.device, "--trials", trials,
            "--epochs", 1, "--train-size", size, "--engine", "local", shared, workers, "--name", name,
            seconds=deadline.left,
        )  # fmt: skip
    rows = trained(setting, name)
    if ended.error or not rows:
        results.fail("search", key, f"{len(rows)} of {trials} trials: {ended.error or ended.said[-500:]}")
        return
    each = statistics.median(row.seconds for row in rows)
    found = {
        "wall_seconds": ended.seconds,
        "trials": [{"macs": row.macs, "top1": row.top1, "seconds": row.seconds} for row in rows],
        "from_first_to_last_seconds": max(row.ended for row in rows) - min(row.started for row in rows),
        "median_trial_seconds": each,
        **card.figures,
    }
    watched = "".join(f", {figure.replace('_', ' ')} {value:.0f}" for figure, value in card.figures.items())
    told = f"{len(rows)} of {trials} trials in {ended.seconds:.1f} s, {found['from_first_to_last_seconds']:.1f} s of it"
    results.keep("search", key, found, f"{key}: {told} for trials, each {each:.1f} s{watched}")


def trained(setting: Setting, name: str) -> list[CompleteTrial]:
    """The complete trials of a run, if it came so far."""
    from seesaw_nas.search.history.places import records_of  # wants Optuna, which the other parts do without

    path = setting.work / "runs" / name
    return complete(records_of(RunFolder.open(path))) if is_run(path) else []
