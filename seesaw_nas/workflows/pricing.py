"""What the parts of a search cost in seconds, by a few architectures that are timed before anything is trained."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from seesaw_nas.architecture import cost
from seesaw_nas.core import threads
from seesaw_nas.evaluators import on_device, trains
from seesaw_nas.evaluators.inherited import InheritedEvaluator
from seesaw_nas.search import engines
from seesaw_nas.search.strategies.base import ExactDraws, Exhausted, Setting
from seesaw_nas.training import memory
from seesaw_nas.training.supernet import Supernet
from seesaw_nas.training.timing import SPREAD, Line, spread, trial_images
from seesaw_nas.workflows import results, supernets
from seesaw_nas.workflows.search_images import load_images, load_whole
from seesaw_nas.workflows.shared_plan import Step

if TYPE_CHECKING:
    from seesaw_nas.architecture.spec import Architecture
    from seesaw_nas.data import SearchData
    from seesaw_nas.workflows.problem import Problem

STAGE, AGAIN, LATENCY = "stage", "again", "latency"
DRAWS = 24  # architectures that are drawn as a strategy asks for them
ENDING = 1.6  # times the seconds that calls are timed for: what is taken beside them to warm up and to compare
PREPARING = 3.5  # seconds for each member of a front, to export it and to load what runs it
FRONT_POWER = 0.6  # a front has one member more than the trials to this power: 5 of 10, 17 of 100


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a search beside its trials.

    Attributes:
        kind: ``STAGE``, ``AGAIN`` or ``LATENCY``.
        what: it does, in words.
        seconds: that it takes.
    """

    kind: str
    what: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Price:
    """What a whole evaluation takes.

    Attributes:
        line: its seconds by Multi-Adds.
        mean: over the architectures that the strategy asks for.
    """

    line: Line
    mean: float


def draw(problem: Problem, first: int, count: int) -> list[Architecture]:
    """What the trials from number ``first`` on are where they are drawn: by ``random``, or before a strategy learns."""
    settings = problem.settings
    found: dict[str, Architecture] = {}
    draws = ExactDraws(Setting(problem.feasible, settings.training.seed, settings.proposals.objectives))
    for number in range(first, first + count):
        with suppress(Exhausted):
            architecture = draws.draw(number, found.keys())
            found[architecture.digest] = architecture
    return list(found.values())


def price(problem: Problem, architectures: Sequence[Architecture] = (), first: int = 0, count: int = DRAWS) -> Price:
    """Time evaluations, with as many threads as trials get; memory is given back where others are to train.

    Args:
        architectures: what is to be evaluated, where that is known; else what a strategy asks for.
        first, count: number of the first trial, and how many there are.
    """
    settings = problem.settings
    asked = list(architectures) or draw(problem, first, max(SPREAD, min(DRAWS, count)))
    drawn = sorted(asked, key=cost.macs)
    with threads.use(engines.lanes(settings, problem.device).threads):
        try:
            line = _time(problem, spread(drawn))
        finally:
            if not settings.trains_here:
                memory.release()
    meant = asked if architectures else asked[: max(1, count)]
    return Price(line, fmean(line.at(cost.macs(one)) for one in meant))


def _time(problem: Problem, architectures: Sequence[Architecture]) -> Line:
    """The line through what each of these takes on the device."""
    settled = problem.settings.trains_here
    evaluator = problem.placed if settled else on_device(problem.evaluator, problem.device)
    return Line.through([(cost.macs(one), evaluator.estimate(one)) for one in architectures])


def ending(problem: Problem, paid: Price, trained: int, repeated: int) -> list[Part]:
    """What follows the trials: the best trained again, and the front timed.

    Args:
        trained: architectures that the search will have trained.
        repeated: trainings of the best that were done before.
    """
    settings, found = problem.settings, list[Part]()
    best = min(settings.winners, trained)
    if (repeats := best * settings.ending.confirm_seeds - repeated) > 0 and settings.winners:
        what = "training" if trains(settings.scoring.evaluator) else "scoring"
        each = paid.line.at(problem.budget.high) * _whole_share(problem)  # the best are mostly the costliest
        many = f"{repeats} {'evaluation' if what == 'scoring' else what}{'' if repeats == 1 else 's'}"
        which = "best" if best == 1 else f"{best} best"
        found.append(Part(AGAIN, f"{what} the {which} again ({many})", repeats * each))
    if settings.ending.latency and trained:
        members, front = min(trained, round(1 + trained**FRONT_POWER)), results.FRONT
        figures = len(front.backends) * len(front.batches) * max(1, len(front.threads))
        each = PREPARING + ENDING * figures * front.seconds
        found.append(Part(LATENCY, f"timing a front of about {members}", members * each))
    return found


def _whole_share(problem: Problem) -> float:
    """How many times as long as a trial a training by the whole recipe on all images takes."""
    settings, subject = problem.settings, problem.subject
    if settings.scoring.evaluator != "trained" or not problem.whole:
        return 1.0
    own = trial_images(subject.n_train, subject.n_validation, settings.training.fitted_recipe)
    return trial_images(problem.whole, subject.n_validation, settings.whole.training.fitted_recipe) / own


def price_steps(problem: Problem, steps: Sequence[Step], paid: Price) -> list[Part]:
    """What the steps of plan ``shared`` before its last cost; of the device's memory nothing is kept."""
    if not steps:
        return []
    whole, found = load_whole(problem.settings, problem.given.data), list[Part]()
    drawn = sorted(draw(problem, 0, DRAWS), key=cost.macs)
    for step in steps:
        judged = f"{step.count:,} architectures " if step.count else ""
        found.append(Part(STAGE, f"{judged}{step.what}", _step_seconds(problem, step, paid, whole, drawn)))
    memory.release()
    return found


def _step_seconds(problem: Problem, step: Step, paid: Price, whole: SearchData, drawn: Sequence[Architecture]) -> float:
    device, epochs = problem.device, problem.evaluator.epochs
    if not step.count:
        images, recipe = load_images(step.settings, whole).to(device), supernets.fitted_recipe(step.settings)
        return supernets.estimate(step.settings, problem.feasible, images, recipe, device)
    lanes = min(engines.lanes(problem.settings, device).count, step.count)
    if step.settings.scoring.evaluator == "inherited":
        return step.count * _score_seconds(problem, load_images(step.settings, whole), drawn) / lanes
    return step.count * step.settings.training.fitted_recipe.epochs / epochs * paid.mean / lanes


def _score_seconds(
    problem: Problem, images: SearchData, drawn: Sequence[Architecture], clock: Callable[[], float] = time.perf_counter
) -> float:
    """Seconds of a score with inherited weights, which are as good untrained for that."""
    weights = Supernet.build(problem.space, seed=0)
    evaluator = InheritedEvaluator(weights, images).on(problem.device)
    evaluator.scores(spread(drawn)[:1])  # makes the images ready
    start = clock()
    evaluator.scores(spread(drawn))
    return (clock() - start) / SPREAD
