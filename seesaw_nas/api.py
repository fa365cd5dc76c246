"""Everything the command line does, as functions.

from seesaw_nas import api

result = api.search("seesaw-digits", "600K", "digits", trials=8)
result.best.architecture, result.front(), result.frame()
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seesaw_nas import confirmation, results
from seesaw_nas.errors import RunError, SeesawError
from seesaw_nas.final import TrainResult, TrainSettings, train
from seesaw_nas.problem import NOTHING, Given, Plan, Problem, description, plan, pose
from seesaw_nas.recipes import completed
from seesaw_nas.records import RunFolder
from seesaw_nas.results import Result, read_timings, time_front, write_results
from seesaw_nas.search import DEFAULT_STRATEGY
from seesaw_nas.search.settings import CHANGEABLE, PYTHON, SearchSettings
from seesaw_nas.space import Budget, Space
from seesaw_nas.tabulate import tabulate
from seesaw_nas.tuner import Tuner, strategy_of

if TYPE_CHECKING:
    from seesaw_nas.data import SearchData
    from seesaw_nas.search.halving import Halving
    from seesaw_nas.search.history import History
    from seesaw_nas.search.listener import Listener
    from seesaw_nas.search.starts import Start
    from seesaw_nas.search.strategies.base import Strategy

KIND = "search"
OnPlan = Callable[[Problem, Plan], None]

__all__ = [
    "Given",
    "Plan",
    "Problem",
    "Result",
    "SearchSettings",
    "TrainResult",
    "TrainSettings",
    "Tuner",
    "begin",
    "join",
    "plan",
    "pose",
    "resume",
    "search",
    "tabulate",
    "train",
    "write_results",
]


def search(
    space: str | Space = "",
    budget: str = "",
    data: str | SearchData = "digits",
    *,
    strategy: Any = DEFAULT_STRATEGY,
    evaluator: Any = "trained",
    name: str = "",
    runs_dir: Path | str = "runs",
    time_limit: float | None = None,
    on_plan: OnPlan | None = None,
    listener: Listener | None = None,
    **options: Any,
) -> Result:
    """Search a space under a budget; the words are those of the command line.

    Args:
        space: its name, its file, or a space; the one that fits the data when empty.
        budget: Multi-Adds for one image, such as 110M, 100M:110M or 60%; the space's own when empty.
        data: a data set's name, a folder of images by class, or images that are loaded already.
        strategy: a name; or an Optuna sampler, a function that makes one from a seed (which a resumed search then asks
            the same), or an object with :class:`seesaw_nas.search.strategies.base.Strategy`'s method.
        evaluator: a name; or a function of (architecture, seed) that returns a number, more being better; or an object
            with :class:`seesaw_nas.evaluate.Evaluator`'s methods.
        name, runs_dir, time_limit, on_plan, listener: as for :func:`begin`.
        options: further fields of :class:`SearchSettings`, such as ``trials``, ``epochs``, ``scheduler``, ``confirm``.

    Raises:
        SeesawError: the settings cannot be carried out, or the folder exists already.
    """
    given = Given(
        space=space if isinstance(space, Space) else None,
        data=None if isinstance(data, str) else data,
        strategy=None if isinstance(strategy, str) else strategy,
        evaluator=None if isinstance(evaluator, str) else evaluator,
    )
    settings = SearchSettings(
        dataset=data if isinstance(data, str) else data.name,
        budget=budget,
        space=space.name if isinstance(space, Space) else space,
        strategy=strategy if isinstance(strategy, str) else _called(strategy),
        evaluator=evaluator if isinstance(evaluator, str) else _called(evaluator),
        **options,
    )
    return begin(
        settings, given=given, name=name, runs_dir=runs_dir, time_limit=time_limit, on_plan=on_plan, listener=listener
    )


def _called(value: Any) -> str:
    return PYTHON + str(getattr(value, "__name__", type(value).__name__))


def begin(
    settings: SearchSettings,
    *,
    given: Given = NOTHING,
    name: str = "",
    runs_dir: Path | str = "runs",
    time_limit: float | None = None,
    on_plan: OnPlan | None = None,
    listener: Listener | None = None,
) -> Result:
    """Search by these settings; everything found is in the run's folder, after every trial.

    Args:
        given: objects in place of what the settings name.
        name: of the run's folder in ``runs_dir``; made from data set, budget and time when empty.
        time_limit: seconds after which no further trial begins.
        on_plan: told what is about to happen, before any training.
        listener: told what happens.

    Raises:
        SeesawError: the settings cannot be carried out, or the folder exists already.
    """
    from seesaw_nas.search import starts

    problem = pose(settings, given)
    method = _method(problem)
    about = {"kind": KIND, "given": given.names, **description(problem)}
    first = starts.resolve(settings.seed_with, problem.feasible, about)
    path = Path(runs_dir) / (name or _default_name(settings, problem.budget))
    folder = RunFolder.create(path, about | ({"study": path.name} if settings.storage else {}))
    if settings.storage:
        _share(folder, settings)
    return _run(folder, problem, method, lambda: first, time_limit, on_plan, listener)


def _share(folder: RunFolder, settings: SearchSettings) -> None:
    """Make the study in the database; without it there is no run."""
    from seesaw_nas.search import shared

    try:
        shared.create(settings.storage, folder.name, settings.objectives, folder.read())
    except SeesawError:
        folder.discard()
        raise


def join(
    name: str,
    storage: str,
    *,
    given: Given = NOTHING,
    runs_dir: Path | str = "runs",
    time_limit: float | None = None,
    on_plan: OnPlan | None = None,
    listener: Listener | None = None,
    **changes: Any,
) -> Result:
    """Work on a search that another process began in a database, from this machine or another.

    Args:
        name: of the search.
        storage: URL of the database.
        given: the objects that the run began with, where it did.
        runs_dir: where a folder of this process's own is made, with the files that a search writes.
        time_limit, on_plan, listener: as for :func:`begin`.
        changes: settings in place of the search's own, as for :func:`resume`.

    Raises:
        SeesawError: there is no such search, or it cannot be carried out here.
    """
    from seesaw_nas.search import shared

    _, begun = shared.join(storage, name)
    settings = _changed(SearchSettings.from_dict(begun.get("settings", {})), changes | {"storage": storage})
    problem = _posed(replace(settings, confirm=0, latency=False, seed_with=()), given, begun, f"search '{name}'")
    own = os.getpid()
    method = _method(problem, seed=settings.seed + own)  # others propose from the search's own seed
    about = {"kind": KIND, "given": given.names, **description(problem), "study": name}
    folder = RunFolder.create(Path(runs_dir) / f"{name}-{platform.node()}-{own}", about)
    return _run(folder, problem, method, list, time_limit, on_plan, listener)


def resume(
    path: Path | str,
    *,
    given: Given = NOTHING,
    time_limit: float | None = None,
    on_plan: OnPlan | None = None,
    listener: Listener | None = None,
    **changes: Any,
) -> Result:
    """Go on with a run where it stopped, however it stopped; what was finished is neither lost nor trained again.

    Args:
        path: the run's folder.
        given: the objects that the run began with, where it did.
        time_limit, on_plan, listener: as for :func:`begin`.
        changes: settings in place of the run's own, of those that :data:`CHANGEABLE` names: ``trials`` (the new total),
            ``device``, ``confirm``, ``engine`` and others; ``None`` and an empty text leave the run's own.

    Raises:
        SeesawError: it is no run folder, its space has changed, or another process works on it.
        TypeError: a setting cannot be changed.
    """
    from seesaw_nas.search import starts

    folder = RunFolder.open(Path(path))
    begun = folder.read()
    if begun.get("kind") != KIND:
        raise RunError(
            f"{folder.path} is no search; a training goes on by `seesaw-nas train SPEC --out FOLDER --resume`"
        )
    settings = _changed(SearchSettings.from_dict(begun.get("settings", {})), changes)
    if missing := [what for what in begun.get("given", []) if what not in given.names]:
        raise RunError(
            f"{folder.path} began with objects of a program; pass the same to `api.resume`, in `given`: "
            f"{', '.join(missing)}"
        )
    read_timings(folder)  # a damaged file is told before any training
    confirmation.read(folder.confirmed)
    problem = _posed(settings, given, begun, str(folder.path))
    method = _method(problem)
    find = partial(starts.resolve, settings.seed_with, problem.feasible, begun)
    return _run(folder, problem, method, find, time_limit, on_plan, listener)


def _changed(settings: SearchSettings, changes: Mapping[str, Any]) -> SearchSettings:
    if unknown := changes.keys() - set(CHANGEABLE):
        raise TypeError(f"a run goes on under its own {', '.join(sorted(unknown))}")
    wanted = {name: value for name, value in changes.items() if value not in (None, "")}
    if wanted.get("engine") == "serial":
        wanted = {"workers": 0} | wanted  # which has no use for those of the run's own engine
    return replace(settings, **wanted)


def _posed(settings: SearchSettings, given: Given, begun: Mapping[str, Any], what: str) -> Problem:
    """The problem as it was when ``what`` began.

    Raises:
        RunError: it has changed.
    """
    problem = pose(settings, given)
    if begun.get("space_digest") != problem.space_digest:
        raise RunError(f"the space '{problem.space.name}' has changed since {what} began; begin a new run")
    if completed(begun.get("recipe", {})) != settings.fitted_recipe.to_dict():
        raise RunError(f"the recipe '{settings.recipe}' has changed since {what} began; begin a new run")
    return problem


def _method(problem: Problem, seed: int | None = None) -> tuple[Strategy, Halving]:
    """Which architecture next, and who is trained how far."""
    from seesaw_nas.search.strategies.base import Setting

    settings = problem.settings
    halving = settings.halving(problem.evaluator.epochs)
    own = settings.seed if seed is None else seed
    setting = Setting(problem.feasible, own, settings.objectives, halving.levels)
    return strategy_of(settings.strategy, problem.given.strategy, setting), halving


def _run(
    folder: RunFolder,
    problem: Problem,
    method: tuple[Strategy, Halving],
    find_starts: Callable[[], list[Start]],
    time_limit: float | None,
    on_plan: OnPlan | None,
    listener: Listener | None,
) -> Result:
    from seesaw_nas.search import engines, proposer, starts

    settings, (strategy, halving) = problem.settings, method
    with folder.owned(), _history(folder, problem) as trial_history:
        taken_over = starts.plant(trial_history, find_starts)
        work = proposer.Proposer(
            trial_history,
            strategy,
            trials=settings.trials,
            taken_over=taken_over,
            epochs=problem.evaluator.epochs,
            halving=halving,
            checkpoints=folder.checkpoints,
            on_closed=listener.ended if listener else None,
        )
        if on_plan is not None:
            on_plan(problem, plan(problem, max(0, settings.trials - work.trained), halving))
        try:
            ended = engines.run(settings, work, problem.evaluator, problem.device, folder.path, listener, time_limit)
        except KeyboardInterrupt:
            write_results(Result(folder, problem, "interrupted", tuple(trial_history.records())))
            raise
        result = Result(folder, problem, ended, tuple(trial_history.records()))
        write_results(result)
        if settings.confirm:
            results.confirm(result, listener)
            write_results(result)
        if settings.latency and time_front(result, listener):
            write_results(result)
        return result


@contextmanager
def _history(folder: RunFolder, problem: Problem) -> Iterator[History]:
    """The history of a run, in its own file or in a database."""
    from seesaw_nas.search import history, journal

    settings = problem.settings
    if not settings.storage:
        study = journal.open_study(folder.journal, folder.name, settings.objectives)
        yield history.History(study, problem.space, problem.budget, settings.seed)
        return
    from seesaw_nas.search import shared

    study, _ = shared.join(settings.storage, folder.read()["study"])
    found = shared.SharedHistory(study, problem.space, problem.budget, settings.seed)
    try:
        yield found
    finally:
        found.close()


def _default_name(settings: SearchSettings, budget: Budget) -> str:
    stem = Path(settings.dataset.removeprefix("folder:")).name
    return f"{stem}-{str(budget).replace(':', '-')}-{datetime.now():%Y%m%d-%H%M%S}"
