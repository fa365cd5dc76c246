"""What ``search`` and ``resume`` work with, which their options do without, and what they show meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Console

from seesaw_nas import evaluators
from seesaw_nas.api import begin, join, resume
from seesaw_nas.architecture import cost
from seesaw_nas.architecture.spec import Architecture
from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.outcome import print_outcome, refuse_all_failed
from seesaw_nas.core.units import format_count, format_duration, format_large, format_top1
from seesaw_nas.data.unread import PassedOver
from seesaw_nas.evaluators import is_trained
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.records import CompleteTrial, TrialRecord, as_complete
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.training.epoch import Epoch
from seesaw_nas.workflows import results
from seesaw_nas.workflows.plan import Plan
from seesaw_nas.workflows.problem import Problem
from seesaw_nas.workflows.results import Result

__all__ = ["View", "begin", "join", "resume", "watch"]

MOST_LINES = 200  # of the trials of a stage


def watch(work: Callable[[dict[str, Any]], Result], as_json: bool) -> None:
    """Do the work under a progress display, and print what it found; ``work`` passes its argument on as keywords."""
    console = terminal.console(stderr=as_json)
    view = View(console)
    try:
        result = work({"on_plan": view.plan, "listener": view})
    finally:
        view.stop()
    print_outcome(console, result, as_json)
    refuse_all_failed(result)


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
        self._progress.update(self._trials, total=plan.trials + plan.short_trials)
        self._progress.start()
        if self._in_stages:
            about = f"about {format_duration(plan.trial_seconds)} each, {format_duration(plan.seconds)} in all"
            self._console.print(f"          {about} on {problem.device} ({_source_of_estimate(problem)})")
            return
        settings, subject, budget = problem.settings, problem.subject, problem.budget
        band = f"{budget.low:,} to {budget.high:,}" if budget.low else f"{budget.high:,}"
        lines = (
            f"data      {subject.name}: {subject.n_train:,} images to train on, "
            f"{subject.n_validation:,} to validate on{_unread(problem.passed_over)}",
            f"budget    {band} {cost.CONVENTION}",
            f"space     {problem.space.name}: {format_large(plan.space_size)} architectures, of which "
            f"{format_large(plan.fitting)} ({_share(plan.fitting, plan.space_size)}) fit the budget",
            f"          the cheapest of all has {format_count(plan.cheapest_macs)} Multi-Adds, the median of "
            f"those that fit {format_count(plan.median_macs)}",
            *_how_scored(settings),
            *([f"engine    {settings.placement.engine}: {plan.reserves}"] if plan.reserves else []),
            f"plan      {self._work(problem, plan)}",
        )
        for line in lines:
            self._console.print(line)

    @staticmethod
    def _work(problem: Problem, plan: Plan) -> str:
        """How many trials, and how long they take."""
        settings, each = problem.settings, format_duration(plan.trial_seconds)
        strategy, scheduler = settings.proposals.strategy, settings.scheduling.scheduler
        if settings.steps.plan == "shared":
            return f"in stages, the last of which trains {plan.trials} architectures for about {each} each"
        stopped = "" if scheduler == "none" else f" if not stopped early, as most will be by {scheduler}"
        if plan.short_trials:
            return (
                f"{plan.epochs} epochs by {strategy}: {plan.short_trials} short trainings by a "
                f"{plan.short_epochs}-epoch schedule, then {plan.trials} whole ones of {plan.whole_epochs} epochs, "
                f"about {each} each, "
                f"{format_duration(plan.seconds)} in all on {problem.device} ({_source_of_estimate(problem)})"
            )
        return (
            f"{plan.trials} trial{'' if plan.trials == 1 else 's'} by {strategy}, about {each} each{stopped}, "
            f"{format_duration(plan.seconds)} in all on {problem.device} ({_source_of_estimate(problem)})"
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
        elif record.state == "short":
            text = (
                f"top-1 {_reached(record):>6}  {format_duration(record.seconds)}, by a {record.schedule}-epoch schedule"
            )
        elif record.state == "paused":
            reached = _reached(record)
            text = f"top-1 {reached:>6}  paused after epoch {len(record.curve)}"
        else:
            text = f"{record.state}: {record.reason}"
        if record.state in ("complete", "failed", "paused", "short") and record.number not in self._begun:
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


def _reached(record: TrialRecord) -> str:
    """Top-1 after the last epoch of the curve, in words."""
    top1 = record.curve[-1].top1 if record.curve else None
    return "-" if top1 is None else format_top1(top1)


def _how_scored(settings: SearchSettings) -> list[str]:
    """Lines that name the evaluator, unless it is the usual one, and the recipe where networks are trained by it."""
    name, training = settings.scoring.evaluator, settings.training
    lines = [] if name == "trained" else [f"evaluator {name}: {evaluators.describe(name)}"]
    return lines + ([f"training  {training.recipe}: {training.fitted_recipe.summary}"] if is_trained(name) else [])


def _unread(passed_over: PassedOver) -> str:
    return f"; {passed_over.sentence}" if passed_over.count else ""


def _source_of_estimate(problem: Problem) -> str:
    return "from one timed step" if evaluators.trains(problem.settings.scoring.evaluator) else "estimated"


def _share(part: int, whole: int) -> str:
    """A share with three digits, such as ``88.5%``; ``100%`` only for all."""
    return "100%" if part == whole else f"{min(100 * part / whole, 99.9):.3g}%"
