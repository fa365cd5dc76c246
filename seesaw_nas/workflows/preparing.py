"""What a search is before its first training: its problem, what it begins with, and which architecture comes next."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from seesaw_nas.core.errors import OptionError
from seesaw_nas.evaluators import gives_accuracy, shortened
from seesaw_nas.search import starts
from seesaw_nas.search.estimates.live import Live
from seesaw_nas.search.halving import Halving
from seesaw_nas.search.objectives import amount_of_record
from seesaw_nas.search.settings import SearchSettings
from seesaw_nas.search.spending import AUTO, default_short
from seesaw_nas.search.strategies.base import Setting, Strategy
from seesaw_nas.search.strategies.resolver import resolve
from seesaw_nas.search.topics import ESTIMATE
from seesaw_nas.workflows.objects import Objects
from seesaw_nas.workflows.problem import Problem, basis_of, cheap_score, make_problem

if TYPE_CHECKING:
    from seesaw_nas.search.listener import Listener
    from seesaw_nas.search.starts import Start


def prepare(settings: SearchSettings, given: Objects, space_file: str, listener: Listener | None) -> Problem:
    """The problem that a search begins with, every option of it settled; the listener is told what takes its time.

    Raises:
        SeesawError: the settings cannot be carried out.
    """
    tell_reading(settings, given, listener)
    return settle_short(make_problem(settings, given, space_file))


def tell_reading(settings: SearchSettings, given: Objects, listener: Listener | None) -> None:
    """Tell the listener what takes its time before anything is known."""
    if listener is None:
        return
    if settings.scoring.table:
        listener.doing("reading the table")
    elif given.evaluator is None and given.data is None:
        listener.doing("reading images")


def settle_short(problem: Problem) -> Problem:
    """The problem with a number for the epochs of its short trainings.

    Raises:
        OptionError: the evaluator has no such schedule, or it is no shorter than a whole training.
    """
    settings, evaluator = problem.settings, problem.evaluator
    asked, trials = settings.proposals.short_epochs, settings.proposals.trials
    if asked == AUTO:
        short = default_short(trials, evaluator.epochs) if settings.short_may_pay else 0
        short = short if shortened(evaluator, short) is not None else 0
        return replace(problem, settings=settings.replace(short_epochs=short))
    if int(asked) and int(asked) >= evaluator.epochs:
        raise OptionError(
            f"--short-epochs must be less than the {evaluator.epochs} epochs of a whole training, got {asked}"
        )
    if shortened(evaluator, int(asked)) is None:
        raise OptionError(
            f"--short-epochs {asked} wants trainings by a schedule of {asked} epochs, which the evaluator "
            f"{settings.scoring.evaluator} does not have; leave it out"
        )
    return problem


def find_starts(problem: Problem, name: str, listener: Listener | None) -> list[Start]:
    """What the settings name to begin with, no more than there are trials.

    The listener is told what is left out, and why figures of an earlier run are not taken over.
    """
    tell = listener.remark if listener else None
    settings, basis = problem.settings, basis_of(problem, name)
    named = starts.resolve(
        settings.proposals.seed_with, problem.feasible, basis, tell, storage=settings.placement.storage
    )
    return starts.keep_within(named, settings.proposals.trials, tell)


class Method(NamedTuple):
    """Which architecture next, and who is trained how far; ``live`` where a run is ranked by estimates."""

    strategy: Strategy
    halving: Halving
    live: Live | None


def choose_method(problem: Problem, seed: int | None = None) -> Method:
    """The method that the settings name."""
    settings = problem.settings
    accuracies = gives_accuracy(settings.scoring.evaluator)
    live = Live(problem.space, problem.budget, problem.evaluator.epochs) if accuracies else None
    halving = settings.halving(problem.evaluator.epochs, partial(amount_of_record, problem.cost))
    own = settings.training.seed if seed is None else seed
    sought, cheap = settings.proposals.objectives, cheap_score(problem)
    setting = Setting(problem.feasible, own, sought, halving.levels, cheap, accuracies, live, problem.cost)
    strategy = resolve(settings.proposals.strategy, problem.given.strategy, setting)
    return Method(strategy, halving, live if settings.ending.rank == ESTIMATE else None)
