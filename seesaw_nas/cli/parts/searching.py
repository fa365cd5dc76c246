"""What ``search`` and ``resume`` work with, which their options do without, and what they show meanwhile."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console

from seesaw_nas.api import begin, join, resume
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.failures import remember
from seesaw_nas.cli.parts.outcome import print_outcome, refuse_all_failed
from seesaw_nas.cli.parts.planning import RESUMED, SEARCH, TABLE, print_plan, show_plan, time_of
from seesaw_nas.cli.parts.threads import begun_in, settle_threads
from seesaw_nas.core.errors import OptionError
from seesaw_nas.core.units import format_count, format_duration
from seesaw_nas.evaluators.words import TRAINED, words
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.records import CompleteTrial, TrialRecord, as_complete
from seesaw_nas.search.settings import CHANGEABLE, SearchSettings
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.training.options import MOST_THREADS
from seesaw_nas.workflows import results
from seesaw_nas.workflows.forecast import Forecast
from seesaw_nas.workflows.plan import Plan
from seesaw_nas.workflows.preview import preview, preview_resumed, preview_table
from seesaw_nas.workflows.pricing import AGAIN, LATENCY
from seesaw_nas.workflows.problem import Problem
from seesaw_nas.workflows.results import Result

__all__ = [
    "RESUMED",
    "TABLE",
    "View",
    "begin",
    "begun_in",
    "join_another",
    "preview",
    "preview_resumed",
    "preview_table",
    "print_plan",
    "resume",
    "settle_resumed",
    "settle_threads",
    "show_plan",
    "watch",
]

MOST_LINES = 200  # of the trials of a stage


def watch(work: Callable[[dict[str, Any]], Result], as_json: bool, kind: str = SEARCH) -> None:
    """Do the work under a progress display, and print what it found.

    Args:
        work: passes its argument on as keywords.
        kind: of the command, as of :func:`seesaw_nas.cli.parts.planning.print_plan`.
    """
    console = terminal.console(stderr=as_json)
    view = View(console, kind)
    try:
        result = work({"on_plan": view.plan, "listener": view})
    finally:
        view.stop()
    print_outcome(console, result, as_json)
    refuse_all_failed(result)


def settle_resumed(path: Path, changes: Mapping[str, Any]) -> None:
    """Settle the threads of a search that goes on: as many as before, unless the changes or the system name others."""
    if (begun := begun_in(path)) is None:
        return  # which is said when it is opened
    own = begun.get("settings")
    settings = (own if isinstance(own, dict) else {}) | {name: value for name, value in changes.items() if value}
    wanted = settings.get("threads", 0)
    if type(wanted) is not int or not 0 <= wanted <= MOST_THREADS:
        return  # which is refused when the settings are read
    settle_threads(str(settings.get("device", "")), wanted, begun)


def join_another(
    settings: SearchSettings, name: str, runs_dir: Path, limit: float | None, *, dry_run: bool, as_json: bool
) -> None:
    """Work on the search of this name in the database that the settings name."""
    if not settings.placement.storage:
        raise OptionError("--join wants the --storage that the search is in")
    settle_threads(settings.training.device, settings.training.threads)
    if dry_run:
        raise OptionError(
            "--join works on a search that others began, of which `status` says more; leave out --dry-run"
        )
    defaults = SearchSettings().to_dict()
    changes = {
        key: value
        for key, value in settings.to_dict().items()
        if key in CHANGEABLE and key != "storage" and value != defaults[key]
    }
    storage = settings.placement.storage
    watch(
        lambda how: join(name, storage, runs_dir=runs_dir, time_limit=limit, **how, **changes),
        as_json,
        RESUMED,
    )


class View(Listener):
    """The plan in words, then two bars: trials, and the steps of the running one; a line for each trial that ends."""

    def __init__(self, console: Console, kind: str = SEARCH) -> None:
        self._console, self._kind = console, kind
        self._progress = terminal.progress(console)
        self._trials = self._progress.add_task("trials", total=None)
        self._steps = self._progress.add_task("", total=None, visible=False)
        self._timing = self._progress.add_task("", total=None, visible=False)
        self._repeating = False
        self._begun: set[int] = set()
        self._in_stages = self._quiet = False
        self._words = TRAINED
        self._best: tuple[float, int] | None = None  # score and number of the best trial so far
        self._has_folder = False
        self._whole: Plan | None = None
        self._forecast: Forecast | None = None
        self._later = 0.0  # seconds of the stages after this one, and of what follows them

    def stage(self, number: int, total: int, what: str, count: int) -> None:
        """Say what the stage does; of architectures by the thousand only the bar moves."""
        self._in_stages, self._quiet = True, count > MOST_LINES
        judged = f"{count:,} architectures " if count else ""
        self._console.print(f"stage {number} of {total}: {judged}{what}")
        self._begun.clear()
        self._best = None
        self._progress.reset(self._trials, total=count or None, description="trials" if count else what)
        self._progress.start()
        if (plan := self._whole) is None:
            return
        if (left := total - number) == 0:
            self._forecast, self._later = Forecast(replace(plan, before=())), 0.0
            self._foresee()
            return
        seconds = [*(part.seconds for part in plan.before), plan.trials_seconds]
        own = seconds[-left - 1] if left < len(seconds) else 0.0
        self._forecast = None  # the stage has a plan of its own
        self._later = sum(seconds[len(seconds) - left :]) + sum(part.seconds for part in plan.after)
        self._foresee(time.monotonic() + own)

    def _foresee(self, ends: float | None = None) -> None:
        """Show when everything is over: at ``ends`` and the later stages; by default as the forecast says."""
        if ends is None and self._forecast is not None:
            ends = self._forecast.ends
        if ends is not None:
            self._progress.update(self._trials, ends=ends + self._later)

    def doing(self, what: str) -> None:
        """Show it in place of the trials, of which there is none yet."""
        self._progress.update(self._trials, description=what, refresh=True)
        self._progress.start()

    def opened(self, folder: Path) -> None:
        """Note how the run is gone on with, for when it is interrupted."""
        if not self._has_folder:
            self._has_folder = True
            remember(shlex.join(["seesaw-nas", "resume", str(folder)]))

    def remark(self, text: str) -> None:
        """Print it."""
        self._console.print(f"note      {text}", highlight=False, soft_wrap=True)

    def plan(self, problem: Problem, plan: Plan) -> None:
        """Say what is about to happen, and begin to show progress."""
        self._words = words(problem.settings.scoring.evaluator)
        self._progress.update(self._trials, total=plan.trials + plan.short_trials, description="trials")
        self._progress.start()
        in_steps = problem.settings.steps.plan == "shared"
        self._forecast = None if in_steps else Forecast(plan)
        self._foresee()
        if self._in_stages:
            self._console.print(f"          {time_of(problem, plan)}")
            return
        self._whole = plan
        print_plan(self._console, problem, plan, self._kind)

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
            text = f"epoch {epoch.epoch}: {self._words.figure(epoch.top1)}"
            self._progress.update(self._steps, description=text)

    def ended(self, record: TrialRecord) -> None:
        """Print the trial's line."""
        macs = "-" if record.macs is None else format_count(record.macs)
        if (done := as_complete(record)) is not None:
            text = f"{self._words.score} {self._words.figure(done.top1):>6}  {format_duration(done.seconds)}"
        elif record.state in ("short", "paused"):
            top1 = record.curve[-1].top1 if record.curve else None
            reached = f"{self._words.score} {'-' if top1 is None else self._words.figure(top1):>6}"
            if record.state == "short":
                text = f"{reached}  {format_duration(record.seconds)}, by a {record.schedule}-epoch schedule"
            else:
                text = f"{reached}  paused after epoch {len(record.curve)}"
        else:
            text = f"{record.state}: {record.reason}"
        if record.state in ("complete", "failed", "paused", "short") and record.number not in self._begun:
            self._begun.add(record.number)  # one that goes on after a pause counts once
            self._progress.advance(self._trials)
        self._show_best(record)
        self._progress.update(self._steps, visible=False)
        if self._forecast is not None:
            self._forecast.ended(record)
            self._foresee()
        if self._quiet and record.state in ("complete", "duplicate"):
            return
        self._console.print(f"trial {record.number:>4}  {macs:>7} Multi-Adds  {text}")

    def _show_best(self, record: TrialRecord) -> None:
        """Name the best so far at the bar of all trials."""
        done = as_complete(record)
        if done is None or (self._best is not None and done.top1 <= self._best[0]):
            return
        self._best = (done.top1, done.number)
        text = f"trials, best {self._words.score} {self._words.figure(done.top1)} by trial {done.number}"
        self._progress.update(self._trials, description=text)

    def stopping(self, running: int) -> None:
        """Say what is waited for."""
        what = "the running training is" if running == 1 else f"{running} running trainings are"
        self._console.print(f"stopping: {what} still to end; press Ctrl-C again to drop what runs")

    def confirming(self, done: int, total: int, trial: CompleteTrial) -> None:
        """Show how far the repeats are."""
        if not self._repeating:
            self._repeating = True
            what = "training" if self._words.many == "trainings" else "scoring"
            self._console.print(f"{what} the best again: {total} {self._words.many}")
        self._follow(AGAIN, done, total)
        text = f"again: trial {trial.number}"
        self._progress.update(self._timing, description=text, completed=done, total=total, visible=True)

    def _follow(self, kind: str, done: int, total: int) -> None:
        if self._forecast is not None:
            self._forecast.follow(kind, done, total)
            self._foresee()

    def timing(self, what: str, done: int, total: int) -> None:
        """Show how far the timing of the front is."""
        if done == 0:
            self._console.print(f"timing the front by {' and '.join(results.FRONT.backends)}")
        self._follow(LATENCY, done, total)
        self._progress.update(self._timing, description=f"latency {what}", completed=done, total=total, visible=True)
