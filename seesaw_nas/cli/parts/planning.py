"""The plan of a search or a table in words, before it begins and for a dry run: counts, time, and what takes less."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console

from seesaw_nas import evaluators
from seesaw_nas.architecture import cost
from seesaw_nas.cli.parts import terminal
from seesaw_nas.cli.parts.command import print_cheaper, typed_with
from seesaw_nas.cli.parts.epochs import DRY
from seesaw_nas.cli.parts.images import images_as_json
from seesaw_nas.core.files import show_path
from seesaw_nas.core.units import format_duration, format_large
from seesaw_nas.data.unread import PassedOver
from seesaw_nas.evaluators import trains
from seesaw_nas.evaluators.words import words
from seesaw_nas.search.listener import Listener
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.space import Budget, Feasible
from seesaw_nas.space.costs import MACS
from seesaw_nas.training.shortening import Cheaper
from seesaw_nas.workflows import cheaper
from seesaw_nas.workflows.plan import Plan
from seesaw_nas.workflows.problem import Problem

SEARCH, TABLE, RESUMED = "search", "table", "resumed"


def show_plan(work: Callable[[Listener], tuple[Problem, Plan]], as_json: bool, kind: str = SEARCH) -> None:
    """Print what a command would do, and do nothing of it."""
    console = terminal.console(stderr=as_json)
    with terminal.progress(console) as progress:
        view = Waiting(console, progress.add_task("", total=None), progress)
        problem, plan = work(view)
    print_plan(console, problem, plan, kind)
    console.print(DRY)
    if as_json:
        print(json.dumps(_as_json(problem, plan, kind), indent=2))


class Waiting(Listener):
    """Shows what is done until the plan is known."""

    def __init__(self, console: Console, task: Any, progress: Any) -> None:
        self._console, self._task, self._progress = console, task, progress

    def doing(self, what: str) -> None:
        """Show it at the bar."""
        self._progress.update(self._task, description=what, refresh=True)

    def remark(self, text: str) -> None:
        """Print it."""
        self._console.print(f"note      {text}", highlight=False, soft_wrap=True)


def print_plan(console: Console, problem: Problem, plan: Plan, kind: str = SEARCH) -> None:
    """Print the counts, the time and what is to be known of them.

    Args:
        kind: ``SEARCH``, ``TABLE`` or ``RESUMED``, which cannot be given other options.
    """
    settings = problem.settings
    write, unit = problem.feasible.lead.cost.write, plan.unit
    lines = (
        *_data(problem),
        *told_budget(problem.budget),
        *([f"          {problem.budget_origin}"] if problem.budget_origin else []),
        f"space     {problem.space.name}: {format_large(plan.space_size)} architectures, of which "
        f"{format_large(plan.fitting)} ({_share(plan.fitting, plan.space_size)}) fit the budget",
        f"          the cheapest of all has {write(plan.cheapest)} {unit}, the median of those that fit "
        f"{write(plan.median)}",
        *([f"          {told}"] if (told := told_loss(problem.feasible)) else []),
        *_how_scored(settings),
        *([f"engine    {settings.placement.engine}: {plan.reserves}"] if plan.reserves else []),
        *([f"threads   {plan.threads}"] if plan.threads else []),
        f"plan      {_work(problem, plan, kind)}",
        *(f"          {text}" for text in _parts(plan)),
        *(f"note      {text}" for text in _warnings(problem, plan)),
    )
    for line in lines:
        console.print(line)
    print_cheaper(console, _cheaper(problem, plan, kind), on_cpu=problem.device.type == "cpu")


def told_budget(budget: Budget) -> list[str]:
    """Lines of what is bounded, in full figures."""
    lines: list[str] = []
    for bound in budget.bounds:
        if bound.cost == MACS:
            band = f"{bound.low:,} to {bound.high:,}" if bound.low else f"{bound.high:,}"
            words = f"{band} {cost.CONVENTION}"
        else:
            band = " to ".join(map(bound.cost.tell, [bound.low, bound.high] if bound.low else [bound.high]))
            words = f"{band} ({'; '.join(filter(None, [f'{bound.cost.name} {bound}', bound.cost.source]))})"
        lines.append(f"{'' if lines else 'budget':<10}{words}")
    return lines


def told_loss(feasible: Feasible) -> str:
    """How many architectures fit at most, where several costs had to be rounded up to count; empty otherwise."""
    if feasible.pricing.is_exact:
        return ""
    lost = ", ".join(f"{share:.1%} of the {name}" for name, share in feasible.loss.items() if share)
    return f"at most {format_large(feasible.most)} fit; costs are rounded up, which may leave unused {lost}"


def _cheaper(problem: Problem, plan: Plan, kind: str) -> list[Cheaper]:
    return [] if kind == RESUMED else cheaper.of_search(problem, plan, may_stop=kind == SEARCH)


def _as_json(problem: Problem, plan: Plan, kind: str) -> dict[str, Any]:
    budget = problem.budget.to_dict() | {"unit": cost.CONVENTION}
    known = bool(words(problem.settings.scoring.evaluator).timed or plan.trial_seconds)
    found = _cheaper(problem, plan, kind)
    parts = {"seconds": plan.seconds, "trials_seconds": plan.trials_seconds} if known else {"seconds": None}
    return {
        "data": images_as_json(problem),
        "space": problem.space.name,
        "budget": budget,
        "plan": {name: value for name, value in asdict(plan).items() if name != "line"} | parts,
        "warnings": _warnings(problem, plan),
        "cheaper": [{"command": typed_with(one.options), "seconds": one.seconds} for one in found],
    }


def _work(problem: Problem, plan: Plan, kind: str) -> str:
    """How many trials, and how long they take."""
    settings, each = problem.settings, format_duration(plan.trial_seconds)
    strategy, scheduler = settings.proposals.strategy, settings.scheduling.scheduler
    if settings.steps.plan == "shared":
        stages, total = len(plan.before) + 1, format_duration(plan.seconds)
        last = f"which trains {plan.trials} architectures for about {each} each"
        many = f"{stages} stages, the last of {last}" if stages > 1 else f"its last stage, {last}"
        return f"{many}, {total} in all on {problem.device} ({words(settings.scoring.evaluator).timed})"
    stopped = "" if scheduler == "none" else f" if not stopped early, as most will be by {scheduler}"
    if plan.short_trials:
        return (
            f"{plan.epochs} epochs by {strategy}: {plan.short_trials} short trainings by a {plan.short_epochs}-epoch "
            f"schedule, then {plan.trials} whole ones of {plan.whole_epochs} epochs, {time_of(problem, plan)}"
        )
    many = "training" if kind == TABLE else "trial"
    by = "" if kind == TABLE else f" by {strategy}"
    return f"{plan.trials} {many}{'' if plan.trials == 1 else 's'}{by}, {time_of(problem, plan, stopped)}"


def _parts(plan: Plan) -> list[str]:
    """Lines of what a search does beside its trials, and of its time limit."""
    lines = [f"{format_duration(part.seconds):>12}  {part.what}" for part in plan.before]
    if plan.before:
        lines.append(f"{format_duration(plan.trials_seconds):>12}  the last stage")
    if plan.after:
        if not plan.before:
            lines.append(f"{format_duration(plan.trials_seconds):>12}  the trials")
        lines += [f"{format_duration(part.seconds):>12}  {part.what}" for part in plan.after]
    if plan.is_limited and plan.time_limit is not None:
        count = plan.within_limit
        begun = (
            f"about {count} of the {plan.trials} trials begin{'s' if count == 1 else ''}"
            if count
            else "no trial begins"
        )
        lines.append(f"within the time limit of {format_duration(plan.time_limit)} {begun}")
    return lines


def _warnings(problem: Problem, plan: Plan) -> list[str]:
    """What of the plan is not as one would think."""
    wanted = problem.settings.proposals.trials
    fit = "1 architecture fits" if plan.fitting == 1 else f"{plan.fitting:,} architectures fit"
    few = f"{wanted} trials are wanted, but only {fit} the budget; each is tried once"
    again = problem.settings.winners
    fewer = f"{again} are to be trained again at the end, but only {wanted} are tried"
    found = (problem.budget_warning, few if plan.fitting < wanted else "", fewer if again > wanted else "")
    return [text for text in found if text]


def _how_scored(settings: SearchSettings) -> list[str]:
    """Lines that name the evaluator, unless it is the usual one, and the recipe where networks are trained by it."""
    name, training = settings.scoring.evaluator, settings.training
    lines = [] if name == "trained" else [f"evaluator {name}: {evaluators.describe(name)}"]
    if settings.scoring.table:
        lines.append(f"recorded  {training.recipe}: {training.fitted_recipe.summary}")
    elif trains(name):
        lines.append(f"training  {training.recipe}: {training.fitted_recipe.summary}")
    return lines


def _unread(passed_over: PassedOver) -> str:
    return f"; {passed_over.sentence}" if passed_over.count else ""


def time_of(problem: Problem, plan: Plan, stopped: str = "") -> str:
    """How long trials take, and where that is from."""
    said = words(problem.settings.scoring.evaluator)
    if problem.settings.scoring.table:
        return f"looked up in {show_path(Path(problem.settings.scoring.table))}"
    if not said.timed and not plan.trial_seconds:
        return "of which it is not known how long they take"
    each, total = format_duration(plan.trial_seconds), format_duration(plan.seconds)
    beside = f", {plan.lanes} at a time" if plan.lanes > 1 else ""
    source = said.timed or "by the evaluator's own estimate"
    return f"about {each} each{stopped}{beside}, {total} in all on {problem.device} ({source})"


def _data(problem: Problem) -> list[str]:
    """The line of the images; none where a program's own evaluator was given none."""
    subject = problem.subject
    if not subject.name:
        return []
    label = "recorded" if problem.settings.scoring.table else "data    "
    return [
        f"{label}  {subject.name}: {subject.n_train:,} images to train on, "
        f"{subject.n_validation:,} to validate on{_unread(problem.passed_over)}"
    ]


def _share(part: int, whole: int) -> str:
    """A share with three digits, such as ``88.5%``; ``100%`` only for all."""
    return "100%" if part == whole else f"{min(100 * part / whole, 99.9):.3g}%"
