"""What ``search`` and ``resume`` show while they work, and at the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from seesaw_nas import api, cost, results
from seesaw_nas.api import Plan, Problem, Result, SearchSettings
from seesaw_nas.cli import terminal
from seesaw_nas.errors import OptionError, RunError
from seesaw_nas.records import Epoch, RunFolder, TrialRecord
from seesaw_nas.search.listener import Listener
from seesaw_nas.spec import Architecture
from seesaw_nas.units import format_count, format_duration, format_large

CHANGEABLE = ("trials", "device", "data_dir", "latency")  # settings of a run that it may go on without


def search(
    settings: SearchSettings, *, name: str, runs_dir: Path, time_limit: float | None, resume: bool, as_json: bool
) -> None:
    """Begin a search, or go on with the one of this name when ``resume`` is asked for and it exists."""
    if resume and not name:
        raise OptionError("--resume wants the --name of the run to go on with")
    path = runs_dir / name
    if resume and (path / "run.json").exists():
        _check_same(settings, path)
        _watched(
            lambda view: api.resume(
                path,
                trials=settings.trials,
                time_limit=time_limit,
                device=settings.device,
                data_dir=settings.data_dir,
                latency=settings.latency,
                on_plan=view.plan,
                listener=view,
            ),
            as_json,
        )
        return
    _watched(
        lambda view: api.search(
            settings, name=name, runs_dir=runs_dir, time_limit=time_limit, on_plan=view.plan, listener=view
        ),
        as_json,
    )


def resume(
    path: Path,
    *,
    trials: int | None,
    time_limit: float | None,
    device: str,
    data_dir: str,
    latency: bool | None,
    as_json: bool,
) -> None:
    """Go on with the run in this folder."""
    _watched(
        lambda view: api.resume(
            path,
            trials=trials,
            time_limit=time_limit,
            device=device,
            data_dir=data_dir,
            latency=latency,
            on_plan=view.plan,
            listener=view,
        ),
        as_json,
    )


def _check_same(settings: SearchSettings, path: Path) -> None:
    """Refuse to go on with a run under settings that are not its own, but for those that :data:`CHANGEABLE` names."""
    before = SearchSettings.from_dict(RunFolder.open(path).read().get("settings", {})).to_dict()
    changed = [
        f"--{key.replace('_', '-')} was {before[key] or 'not given'}, now {value or 'not given'}"
        for key, value in settings.to_dict().items()
        if key not in CHANGEABLE and before[key] != value
    ]
    if changed:
        raise RunError(f"cannot go on with {path} under other settings: {'; '.join(changed)}; choose another --name")


def _watched(work: Callable[[View], Result], as_json: bool) -> None:
    """Do the work under a progress display, and print what it found."""
    console = terminal.console(stderr=as_json)
    view = View(console)
    try:
        result = work(view)
    finally:
        view.stop()
    if as_json:
        print(json.dumps(_as_json(result), indent=2))
    else:
        _print_result(console, result)


class View(Listener):
    """The plan in words, then two bars: trials, and the steps of the running one; a line for each trial that ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = terminal.progress(console)
        self._trials = self._progress.add_task("trials", total=None)
        self._steps = self._progress.add_task("", total=None, visible=False)
        self._timing = self._progress.add_task("", total=None, visible=False)
        self._left = 0

    def plan(self, problem: Problem, plan: Plan) -> None:
        """Say what is about to happen, and begin to show progress."""
        settings, subject, budget = problem.settings, problem.subject, problem.budget
        share = plan.fitting / plan.space_size
        band = f"{budget.low:,} to {budget.high:,}" if budget.low else f"{budget.high:,}"
        lines = (
            f"data      {subject.name}: {subject.n_train:,} images to train on, "
            f"{subject.n_validation:,} to validate on",
            f"budget    {band} {cost.CONVENTION}",
            f"space     {problem.space.name}: {format_large(plan.space_size)} architectures, of which "
            f"{format_large(plan.fitting)} ({share:.2g}) fit the budget",
            f"          the cheapest of all has {format_count(plan.cheapest_macs)} Multi-Adds, the median of "
            f"those that fit {format_count(plan.median_macs)}",
            f"training  {settings.recipe}: {settings.fitted_recipe.summary}",
            f"plan      {plan.trials} trial{'' if plan.trials == 1 else 's'} by {settings.strategy}, about "
            f"{format_duration(plan.trial_seconds)} each, {format_duration(plan.trials * plan.trial_seconds)} in all "
            f"on {problem.device} (from one timed step)",
        )
        for line in lines:
            self._console.print(line)
        self._left = plan.trials
        self._progress.update(self._trials, total=plan.trials)
        self._progress.start()

    def stop(self) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()

    def begun(self, number: int, architecture: Architecture, macs: int) -> None:
        """Show the trial's bar."""
        text = f"trial {number}, {format_count(macs)}"
        self._progress.reset(self._steps, description=text, total=None, visible=True)

    def step(self, done: int, total: int) -> None:
        """Move the trial's bar."""
        self._progress.update(self._steps, completed=done, total=total)

    def epoch(self, epoch: Epoch) -> None:
        """Say how the trial stands."""
        if epoch.top1 is not None:
            text = f"epoch {epoch.epoch}: {epoch.top1:.1%}"
            self._progress.update(self._steps, description=text)

    def ended(self, record: TrialRecord) -> None:
        """Print the trial's line."""
        macs = "-" if record.macs is None else format_count(record.macs)
        if record.state == "complete":
            text = f"top-1 {record.top1:6.2%}  {format_duration(record.seconds)}"
        else:
            text = f"{record.state}: {record.reason}"
        if record.state in ("complete", "failed"):
            self._progress.advance(self._trials)
        self._progress.update(self._steps, visible=False)
        self._console.print(f"trial {record.number:>4}  {macs:>7} Multi-Adds  {text}")

    def timing(self, what: str, done: int, total: int) -> None:
        """Show how far the timing of the front is."""
        if done == 0:
            self._console.print(f"timing the front by {' and '.join(results.FRONT.backends)}")
        self._progress.update(self._timing, description=f"latency {what}", completed=done, total=total, visible=True)


def _print_result(console: Console, result: Result) -> None:
    counts = _counts(result)
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    console.print(f"\nended because {result.ended}; {told or 'nothing trained'}")
    if not result.front:
        return
    table, timings = terminal.plain_table("Pareto front, top-1 on the validation split, one seed each"), result.timings
    for heading in ("Multi-Adds", "of budget", "Params", "top-1", *timings.columns.values(), "trial", "digest"):
        table.add_column(heading, justify="right", no_wrap=True)
    for record in result.front:
        macs = record.macs or 0
        table.add_row(
            f"{macs:,}",
            f"{macs / result.problem.budget.high:.1%}",
            f"{record.params:,}",
            f"{record.top1:.2%}",
            *timings.cells(record.digest),
            str(record.number),
            record.digest,
        )
    console.print(table)
    folder = result.folder
    files = [(folder.best, "the best architecture"), (folder.pareto, "the front"), (folder.report, "the picture")]
    if timings.columns:
        console.print(f"ms: median of a call, the faster of {' and '.join(results.FRONT.backends)}")
        files.append((folder.latency, "latencies"))
    for path, what in files:
        console.print(f"{what:<22} {path}")


def _counts(result: Result) -> dict[str, int]:
    states = [record.state for record in result.trials]
    words = {"complete": "trained", "failed": "failed", "infeasible": "outside the budget", "duplicate": "duplicates"}
    return {word: states.count(state) for state, word in words.items()}  # type: ignore[arg-type]


def _as_json(result: Result) -> dict[str, Any]:
    best = result.best
    return {
        "run": str(result.folder.path),
        "ended": result.ended,
        "budget": {"low": result.problem.budget.low, "high": result.problem.budget.high, "unit": cost.CONVENTION},
        "counts": _counts(result),
        "best": None if best is None else _member(result, best),
        "front": [_member(result, record) for record in result.front],
    }


def _member(result: Result, record: TrialRecord) -> dict[str, Any]:
    latencies = result.timings.latencies.get(record.digest, ())
    member = {
        "trial": record.number,
        "digest": record.digest,
        "macs": record.macs,
        "params": record.params,
        "top1": record.top1,
        "split": record.split,
        "seed": record.seed,
    }
    return member | ({"latencies": [asdict(entry) for entry in latencies]} if latencies else {})
