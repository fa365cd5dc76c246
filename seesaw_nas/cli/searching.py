"""What ``search`` and ``resume`` show while they work, and at the end."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from seesaw_nas import api
from seesaw_nas.api import Plan, Problem, Result, SearchSettings
from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.cli import terminal
from seesaw_nas.core.errors import OptionError, RunError
from seesaw_nas.core.run_folder import RunFolder
from seesaw_nas.core.units import format_count, format_duration, format_large, format_top1
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.records import CompleteTrial, TrialRecord, as_complete
from seesaw_nas.search.settings import CHANGEABLE
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.workflows import results


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
                time_limit=time_limit,
                on_plan=view.plan,
                listener=view,
                **{name: getattr(settings, name) for name in CHANGEABLE},
            ),
            as_json,
        )
        return
    _watched(
        lambda view: api.begin(
            settings, name=name, runs_dir=runs_dir, time_limit=time_limit, on_plan=view.plan, listener=view
        ),
        as_json,
    )


def join(name: str, settings: SearchSettings, *, runs_dir: Path, time_limit: float | None, as_json: bool) -> None:
    """Work on a search in a database; of ``settings`` count those that a run may go on without."""
    if not settings.storage:
        raise OptionError("--join wants the --storage that the search is in")
    default = SearchSettings()
    changes = {name: getattr(settings, name) for name in CHANGEABLE}
    _watched(
        lambda view: api.join(
            name,
            settings.storage,
            runs_dir=runs_dir,
            time_limit=time_limit,
            on_plan=view.plan,
            listener=view,
            **{name: value for name, value in changes.items() if value != getattr(default, name) and name != "storage"},
        ),
        as_json,
    )


def resume(path: Path, *, time_limit: float | None, as_json: bool, **changes: Any) -> None:
    """Go on with the run in this folder, under ``changes`` of its settings."""
    _watched(lambda view: api.resume(path, time_limit=time_limit, on_plan=view.plan, listener=view, **changes), as_json)


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


MOST_LINES = 200  # of the trials of a stage


class View(Listener):
    """The plan in words, then two bars: trials, and the steps of the running one; a line for each trial that ends."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = terminal.progress(console)
        self._trials = self._progress.add_task("trials", total=None)
        self._steps = self._progress.add_task("", total=None, visible=False)
        self._timing = self._progress.add_task("", total=None, visible=False)
        self._repeating = False
        self._begun: set[int] = set()
        self._in_stages = self._quiet = False

    def stage(self, number: int, total: int, what: str, count: int) -> None:
        """Say what the stage does; of architectures by the thousand only the bar moves."""
        self._in_stages, self._quiet = True, count > MOST_LINES
        judged = f"{count:,} architectures " if count else ""
        self._console.print(f"stage {number} of {total}: {judged}{what}")
        self._begun.clear()
        self._progress.reset(self._trials, total=count or None)
        self._progress.start()

    def remark(self, text: str) -> None:
        """Print it."""
        self._console.print(f"note      {text}", highlight=False, soft_wrap=True)

    def plan(self, problem: Problem, plan: Plan) -> None:
        """Say what is about to happen, and begin to show progress."""
        self._progress.update(self._trials, total=plan.trials)
        self._progress.start()
        if self._in_stages:
            about = f"about {format_duration(plan.trial_seconds)} each, {format_duration(plan.seconds)} in all"
            self._console.print(f"          {about} on {problem.device} (from one timed step)")
            return
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
            *([f"engine    {settings.engine}: {plan.reserves}"] if plan.reserves else []),
            f"plan      {self._work(problem, plan)}",
        )
        for line in lines:
            self._console.print(line)

    @staticmethod
    def _work(problem: Problem, plan: Plan) -> str:
        """How many trials, and how long they take."""
        settings, each = problem.settings, format_duration(plan.trial_seconds)
        if settings.plan == "shared":
            return f"in stages, the last of which trains {plan.trials} architectures for about {each} each"
        stopped = (
            "" if settings.scheduler == "none" else f" if not stopped early, as most will be by {settings.scheduler}"
        )
        return (
            f"{plan.trials} trial{'' if plan.trials == 1 else 's'} by {settings.strategy}, about {each} each{stopped}, "
            f"{format_duration(plan.seconds)} in all on {problem.device} (from one timed step)"
        )

    def stop(self) -> None:
        """Leave the terminal as it was."""
        self._progress.stop()

    def begun(self, number: int, architecture: Architecture, macs: int) -> None:
        """Show the trial's bar."""
        text = f"trial {number}, {format_count(macs)}"
        self._progress.reset(self._steps, description=text, total=None, visible=True)

    def postponed(self, number: int, reason: str, until: str) -> None:
        """Say what the trial waits for."""
        self._console.print(f"trial {number:>4}  {reason}; it is tried again when {until}")

    def step(self, done: int, total: int) -> None:
        """Move the trial's bar."""
        self._progress.update(self._steps, completed=done, total=total)

    def epoch(self, epoch: Epoch) -> None:
        """Say how the trial stands."""
        if epoch.top1 is not None:
            text = f"epoch {epoch.epoch}: {format_top1(epoch.top1)}"
            self._progress.update(self._steps, description=text)

    def ended(self, record: TrialRecord) -> None:
        """Print the trial's line."""
        macs = "-" if record.macs is None else format_count(record.macs)
        if (done := as_complete(record)) is not None:
            text = f"top-1 {format_top1(done.top1):>6}  {format_duration(done.seconds)}"
        elif record.state == "paused":
            top1 = record.curve[-1].top1
            reached = "-" if top1 is None else format_top1(top1)
            text = f"top-1 {reached:>6}  paused after epoch {len(record.curve)}"
        else:
            text = f"{record.state}: {record.reason}"
        if record.state in ("complete", "failed", "paused") and record.number not in self._begun:
            self._begun.add(record.number)  # one that goes on after a pause counts once
            self._progress.advance(self._trials)
        self._progress.update(self._steps, visible=False)
        if self._quiet and record.state in ("complete", "duplicate"):
            return
        self._console.print(f"trial {record.number:>4}  {macs:>7} Multi-Adds  {text}")

    def stopping(self, running: int) -> None:
        """Say what is waited for."""
        what = "the running training is" if running == 1 else f"{running} running trainings are"
        self._console.print(f"stopping: {what} still to end; press Ctrl-C again to drop what runs")

    def confirming(self, done: int, total: int, trial: CompleteTrial) -> None:
        """Show how far the repeats are."""
        if not self._repeating:
            self._repeating = True
            self._console.print(f"training the best again: {total} trainings")
        text = f"again: trial {trial.number}"
        self._progress.update(self._timing, description=text, completed=done, total=total, visible=True)

    def timing(self, what: str, done: int, total: int) -> None:
        """Show how far the timing of the front is."""
        if done == 0:
            self._console.print(f"timing the front by {' and '.join(results.FRONT.backends)}")
        self._progress.update(self._timing, description=f"latency {what}", completed=done, total=total, visible=True)


def _print_result(console: Console, result: Result) -> None:
    counts = _counts(result)
    told = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
    console.print(f"\nended because {result.ended}; {told or 'nothing trained'}")
    _print_stages(console, result)
    if not (front := result.front()):
        return
    table, timings = terminal.plain_table("Pareto front, top-1 on the validation split, one seed each"), result.timings
    spreads = result.confirmed.spreads
    again = ("again",) if spreads else ()
    for heading in ("Multi-Adds", "of budget", "Params", "top-1", *again, *timings.columns.values(), "trial", "digest"):
        table.add_column(heading, justify="right", no_wrap=True)
    for record in front:
        table.add_row(
            f"{record.macs:,}",
            f"{record.macs / result.problem.budget.high:.1%}",
            f"{record.params:,}",
            format_top1(record.top1),
            *((str(spreads.get(record.digest, "-")),) if spreads else ()),
            *timings.cells(record.digest),
            str(record.number),
            record.digest,
        )
    console.print(table)
    folder = result.folder
    if noted := sum(record.state == "complete" and bool(record.reason) for record in result.trials):
        console.print(f"{noted} of the figures are not of a training in this run; the trials' `reason` says of which")
    if spreads:
        console.print(f"again: mean +- standard deviation (trainings), {result.confirmed.conditions['recipe']}")
        console.print(str(result.confirmed.ties))
    files = [(folder.best, "the best architecture"), (folder.pareto, "the front"), (folder.report, "the picture")]
    if timings.columns:
        console.print(f"ms: median of a call, the faster of {' and '.join(results.FRONT.backends)}")
        files.append((folder.latency, "latencies"))
    for path, what in files:
        console.print(f"{what:<22} {path}")


def _print_stages(console: Console, result: Result) -> None:
    """What each stage of the plan cost."""
    if not (stages := result.stages):
        return
    table = terminal.plain_table("Stages, top-1 on the validation split")
    for heading in ("stage", "architectures", "best top-1", "tau", "time", "share"):
        table.add_column(heading, justify="left" if heading == "stage" else "right", no_wrap=True)
    for entry in stages:
        best = "-" if entry["best"] is None else f"{entry['best']:.2%}"
        count, time = f"{entry['count']:,}" if entry["count"] else "-", format_duration(entry["seconds"])
        tau = "-" if entry["tau"] is None else f"{entry['tau']:+.2f} ({entry['both']})"
        table.add_row(entry["what"], count, best, tau, time, f"{entry['share']:.0%}")
    console.print(table)
    console.print("tau: Kendall's, with the stage before, over (so many) architectures that both judged")


def _counts(result: Result) -> dict[str, int]:
    states = [record.state for record in result.trials]
    words = {
        "complete": "trained",
        "stopped": "stopped early",
        "paused": "paused",
        "failed": "failed",
        "infeasible": "outside the budget",
        "duplicate": "duplicates",
    }
    return {word: states.count(state) for state, word in words.items()}  # type: ignore[arg-type]


def _as_json(result: Result) -> dict[str, Any]:
    best = result.best
    return {
        "run": str(result.folder.path),
        "ended": result.ended,
        "budget": {"low": result.problem.budget.low, "high": result.problem.budget.high, "unit": cost.CONVENTION},
        "counts": _counts(result),
        "best": None if best is None else _member(result, best),
        "front": [_member(result, record) for record in result.front()],
    } | ({"stages": result.stages} if result.stages else {})


def _member(result: Result, record: CompleteTrial) -> dict[str, Any]:
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
    if spread := result.confirmed.spreads.get(record.digest):
        member["confirmed"] = asdict(spread) | {"tied_with_best": record.digest in result.confirmed.ties.digests}
    return member | ({"latencies": [asdict(entry) for entry in latencies]} if latencies else {})
